"""Read dyed wells that the network never saw, and compare each cell and well with the dye."""

import os
from pathlib import Path
from typing import Any

import numpy as np
import torch

from livedead import stores
from livedead.fields.plate_images import PlateImages, read_transforms
from livedead.logs import log_to
from livedead.network.classes import Classes, CountingRules
from livedead.network.inference import Plan, Segmenter, choose_device
from livedead.plates import plate_maps
from livedead.statistics.agreement import FIELD, N_WORST, worst_fields
from livedead.tables import IMAGES, READ_CELLS, READ_WELLS
from livedead.training import evaluate
from livedead.training.tiles import LabelledFields
from livedead.weights import unet_io
from livedead.weights.certificate import read_certificate


def evaluate_unet(
    unet: Path,
    raw: list[Path],
    images: list[Path],
    normalization: list[Path],
    labels: list[Path],
    platemaps: list[str],
    cells: Path,
    wells: Path,
    worst: Path,
    *,
    plates: list[str],
    n_wells: list[int],
    bit_depth: list[int],
    pixel_size_um: list[float],
    channels: list[str],
    classes: list[dict[str, str]],
    counting: dict[str, Any],
    segmentation: dict[str, Any],
    exclude: list[str],
) -> None:
    """Write a row a cell, a row a well with both readouts, and the fields that were read worst."""
    sources = [
        (
            PlateImages(folder, stores.read_table(index, IMAGES), bits),
            read_transforms(stores.read_normalization(fitted)[0], channels),
            label,
        )
        for folder, index, fitted, label, bits in zip(
            raw, images, normalization, labels, bit_depth, strict=True
        )
    ]
    fields = LabelledFields(sources, exclude)
    plan, numbers = Plan.from_config(segmentation), Classes.from_config(classes)
    torch.set_num_threads(plan.threads)
    choose_device(plan.device, os.environ.get("CUDA_VISIBLE_DEVICES", ""))
    segmenters = [
        Segmenter(unet_io.read(unet)[0], list(plate.seen(fitted).values()), plan)
        for plate, fitted, _ in sources
    ]

    def segment(k: int) -> np.ndarray:
        plate, _, key = fields.places[k]
        counts = sources[plate][0].raw(key, sources[plate][1])
        return segmenters[plate].segment(counts, key).class_map

    chosen = fields.in_wells(evaluate.never_trained_on(read_certificate(unet), fields.wells))
    judged, counted = evaluate.read_unseen(
        fields, chosen, segment, numbers, CountingRules(**counting), pixel_size_um
    )
    maps = [
        plate_maps.read_plate_map(path, n).assign(plate=plate)
        for path, n, plate in zip(platemaps, n_wells, plates, strict=True)
        if path
    ]
    stores.write_table(cells, judged, READ_CELLS)
    stores.write_table(wells, evaluate.sum_wells(counted, maps), READ_WELLS)
    number = {tuple(fields.key(k).values()): k for k in chosen}
    ranked = worst_fields(judged, N_WORST).to_dict("records")
    pictured = ((row, number[tuple(row[name] for name in FIELD)]) for row in ranked)
    stores.write_segmentations(
        worst,
        (
            (row, {"field": fields.read(k)[0][0], "truth": fields.class_map(k), "maps": segment(k)})
            for row, k in pictured
        ),
        {},
    )


if __name__ == "__main__":
    with log_to(snakemake.log[0], snakemake.input):
        evaluate_unet(
            Path(snakemake.input.unet),
            [Path(path) for path in snakemake.input.raw],
            [Path(path) for path in snakemake.input.images],
            [Path(path) for path in snakemake.input.normalization],
            [Path(path) for path in snakemake.input.labels],
            snakemake.params.platemaps,
            Path(snakemake.output.cells),
            Path(snakemake.output.wells),
            Path(snakemake.output.worst),
            plates=snakemake.params.plates,
            n_wells=snakemake.params.n_wells,
            bit_depth=snakemake.params.bit_depth,
            pixel_size_um=snakemake.params.pixel_size_um,
            channels=snakemake.params.channels,
            classes=snakemake.params.classes,
            counting=snakemake.params.counting,
            segmentation=snakemake.params.segmentation,
            exclude=snakemake.params.exclude,
        )
