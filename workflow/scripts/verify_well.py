"""Recompute wells of a plate from their raw images, and compare them with the well table."""

import os
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch

import livedead
from livedead import stores
from livedead.cells.counting import count_field, join_cells
from livedead.cells.tallies import check_cells, check_wells
from livedead.errors import FieldError, LivedeadError
from livedead.fields.plate_images import (
    PlateImages,
    describe,
    pixels_sha256,
    read_transforms,
)
from livedead.logs import log, log_to
from livedead.network.classes import Classes, CountingRules
from livedead.network.inference import Plan, Segmenter, choose_device
from livedead.plates import plate_maps
from livedead.plates.geometry import sort_wells
from livedead.tables import CELLS, COUNTED, FIELD_KEY, FIELDS, IMAGES, QUALITY, SHARD_FIELDS, WELLS
from livedead.weights import unet_io
from livedead.wells.flags import exclude_flagged
from livedead.wells.table import compare_rows, tabulate_wells

OF_THE_PLATE = (*QUALITY, "qc_flags", "drift", "duplicate_of")
"""What normalize_plate says of a field; the plate's own transform is taken as it is."""


def verify_well(
    raw: Path,
    images: Path,
    normalization: Path,
    unet: Path,
    certificate: Path,
    platemap: Path | None,
    table: Path,
    fields: Path,
    cells: Path,
    verified_fields: Path,
    verified_cells: Path,
    report: Path,
    *,
    seed: int,
    sample: int = 1,
    channels: list[str],
    bit_depth: int,
    segmentation: dict[str, Any],
    classes: list[dict[str, str]],
    pixel_size_um: float,
    intensity_channels: list[str],
    counting: dict[str, Any],
    n_wells: int,
    fields_per_well: int | None,
    treatment_columns: list[str],
    exclude_flags: list[str],
    config_sha256: str,
) -> None:
    """Segment, count and tabulate a random sample of wells anew, the rest of the plate as it is.

    Raises
    ------
    LivedeadError
        If the hash of a row of the wells is not the one in the table; naming what differs.
    """
    index, stored = stores.read_table(images, IMAGES), stores.read_table(table, WELLS)
    imaged = stored.loc[stored["n_fields_used"] > 0, "well"].unique()
    size = min(sample, len(imaged))
    chosen = sort_wells(map(str, np.random.default_rng(seed).choice(imaged, size, replace=False)))
    plate = PlateImages(raw, index, bit_depth)
    transforms = read_transforms(stores.read_normalization(normalization)[0], channels)
    plan = Plan.from_config(segmentation)
    torch.set_num_threads(plan.threads)
    choose_device(plan.device, os.environ.get("CUDA_VISIBLE_DEVICES", ""))
    segmenter = Segmenter(unet_io.read(unet)[0], list(plate.seen(transforms).values()), plan)
    numbers, rules = Classes.from_config(classes), CountingRules(**counting)
    all_fields, all_cells = stores.read_table(fields, FIELDS), stores.read_table(cells, CELLS)
    check_cells(all_cells, all_fields, f"{cells} and {fields}")
    check_wells(all_fields, stored, f"{fields} and {table}")
    rows, found = [], []
    for key in plate.keys(chosen):
        try:
            read = [plate.plane(key, channel) for channel in channels]
            segmented = segmenter.segment(plate.evened(read, transforms), key)
        except FieldError as error:
            rows.append(describe(index["plate"].iloc[0], key, error))
            continue
        planes = plate.planes(key, intensity_channels, segmented.class_map.shape)
        row = describe(index["plate"].iloc[0], key, pixels_sha256=pixels_sha256(read))
        counted, of_field = count_field(row, *segmented, numbers, rules, pixel_size_um, planes)
        rows.append(counted)
        found.append(of_field)
    anew = SHARD_FIELDS.rows(rows).merge(all_fields[[*FIELD_KEY, *OF_THE_PLATE]], on=FIELD_KEY)
    counted_fields, counted_cells = exclude_flagged(
        FIELDS.conform(anew),
        join_cells([all_cells[:0], *found]).reindex(columns=all_cells.columns),
        exclude_flags,
        COUNTED,
    )
    # Numbers are compared as the tables hold them, so the new ones are written and read, too.
    stores.write_table(verified_fields, counted_fields, FIELDS)
    stores.write_table(verified_cells, counted_cells, CELLS)
    log.info("wells %s: %d fields, %d cells", ", ".join(chosen), len(rows), sum(map(len, found)))
    recomputed = tabulate_wells(
        _replaced(all_fields, stores.read_table(verified_fields, FIELDS), chosen),
        _replaced(all_cells, stores.read_table(verified_cells, CELLS), chosen),
        None if platemap is None else plate_maps.read_plate_map(platemap, n_wells, treatment_columns),
        plate=stored["plate"].iloc[0],
        n_fields_expected=fields_per_well,
        treatment_columns=treatment_columns,
        provenance={
            "model_sha256": stores.read_json(certificate)["unet_sha256"],
            "config_sha256": config_sha256,
            "version": livedead.__version__,
        },
    )
    compared = [compare_rows(stored, recomputed, well) for well in chosen]
    text = "\n".join(of_well for of_well, _ in compared) or "no well has a field that can be used"
    differing = [well for well, (_, same) in zip(chosen, compared, strict=True) if not same]
    if differing:
        raise LivedeadError(f"{table}: well {', '.join(differing)} is not what its raw images give\n{text}")
    stores.write_bytes(report, f"{text}\n".encode())


def _replaced(table: pd.DataFrame, anew: pd.DataFrame, chosen: list[str]) -> pd.DataFrame:
    """The table with the rows of the chosen wells replaced, at their old place."""
    for well in chosen:
        before = table.index[table["well"] == well].min() if (table["well"] == well).any() else 0
        rest = table[table["well"] != well]
        parts = [rest[rest.index < before], anew[anew["well"] == well], rest[rest.index > before]]
        table = pd.concat([part for part in parts if len(part)], ignore_index=True)
    return table


if __name__ == "__main__":
    with log_to(snakemake.log[0], snakemake.input):
        verify_well(
            Path(snakemake.input.raw),
            Path(snakemake.input.images),
            Path(snakemake.input.normalization),
            Path(snakemake.input.unet),
            Path(snakemake.input.certificate),
            Path(snakemake.input.platemap[0]) if snakemake.input.platemap else None,
            Path(snakemake.input.wells),
            Path(snakemake.input.fields),
            Path(snakemake.input.cells),
            Path(snakemake.output.fields),
            Path(snakemake.output.cells),
            Path(snakemake.output.report),
            seed=snakemake.params.seed,
            sample=snakemake.params.sample,
            channels=snakemake.params.channels,
            bit_depth=snakemake.params.bit_depth,
            segmentation=snakemake.params.segmentation,
            classes=snakemake.params.classes,
            pixel_size_um=snakemake.params.pixel_size_um,
            intensity_channels=snakemake.params.intensity_channels,
            counting=snakemake.params.counting,
            n_wells=snakemake.params.n_wells,
            fields_per_well=snakemake.params.fields_per_well,
            treatment_columns=snakemake.params.treatment_columns,
            exclude_flags=snakemake.params.exclude_flags,
            config_sha256=snakemake.params.config_sha256,
        )
