"""Wells recomputed from their raw images, and compared with the well table."""

import logging
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from livedead import stores
from livedead.cells.tallies import check_cells, check_wells
from livedead.errors import LivedeadError
from livedead.fields.plate_images import open_plate
from livedead.plates.corrections import read_corrections
from livedead.plates.geometry import sort_wells, well_position
from livedead.plates.plate_maps import read_plate_map
from livedead.tables import CELLS, FIELDS, RESULTS, ROW_SHA256, WELLS
from livedead.wells.audits import read_audits
from livedead.wells.counting import count_class_maps, counter_of
from livedead.wells.fields import finish_fields
from livedead.wells.flags import flag_plate
from livedead.wells.table import provenance_of, tabulate_wells

log = logging.getLogger(__name__)


def verify_well(
    raw: Path,
    images: Path,
    class_maps: Path,
    dyes: Path | None,
    model: Path,
    platemap: Path | None,
    audit: Path | None,
    audit_map: Path | None,
    corrections: list[Path],
    wells: Path,
    fields: Path,
    cells: Path,
    verified_fields: Path,
    verified_cells: Path,
    report: Path,
    *,
    bit_depth: int,
    classes: list[dict[str, str]],
    pixel_size_um: float,
    intensity_channels: list[str],
    counting: dict[str, Any],
    n_wells: int,
    fields_per_well: int | None,
    treatment_columns: list[str],
    exclude_flags: list[str],
    config_sha256: str,
    hours_per_timepoint: float | None,
) -> None:
    """Count wells whose class maps were made anew, and tabulate them with the rest of the plate.

    The plate's normalization, thresholds, QC flags and audit stay as they are. A row whose hash is not the
    one in the table raises a `LivedeadError` that names what differs.
    """
    stored = stores.read_table(wells, WELLS)
    all_fields, all_cells = stores.read_table(fields, FIELDS), stores.read_table(cells, CELLS)
    check_cells(all_cells, all_fields, f"{cells} and {fields}")
    check_wells(all_fields, stored, f"{fields} and {wells}")
    plate = open_plate(raw, images, bit_depth)
    reads = stores.read_json(model)
    by_hand = read_corrections(corrections)
    counter = counter_of(plate, dyes, reads, classes, counting, intensity_channels, pixel_size_um, by_hand)
    counted = count_class_maps(class_maps, counter)
    of_fields, of_cells = finish_fields(*counted, all_fields, exclude_flags)
    chosen = list(dict.fromkeys(of_fields["well"]))
    log.info("wells %s: %d fields, %d cells", ", ".join(chosen), len(of_fields), len(of_cells))
    # Numbers are compared as the tables hold them, so the new ones are written and read, too.
    stores.write_table(verified_fields, of_fields, FIELDS)
    stores.write_table(verified_cells, of_cells, CELLS)
    cells_anew = replace_wells(all_cells, stores.read_table(verified_cells, CELLS), chosen)
    recomputed = tabulate_wells(
        replace_wells(all_fields, stores.read_table(verified_fields, FIELDS), chosen),
        cells_anew,
        read_plate_map(platemap, n_wells, treatment_columns) if platemap else None,
        n_fields_expected=fields_per_well,
        treatment_columns=treatment_columns,
        provenance=provenance_of(reads, config_sha256),
        plate_flags=flag_plate(reads, cells_anew),
        audits=read_audits(audit, audit_map, n_wells, treatment_columns),
        hours_per_timepoint=hours_per_timepoint,
    )
    stores.write_bytes(report, f"{compare_wells(stored, recomputed, chosen, str(wells))}\n".encode())


def choose_wells(wells: pd.DataFrame, sample: int, seed: int) -> list[str]:
    """A random sample of the wells that have a usable field, all if there are no more, in plate order."""
    usable = wells.loc[wells["n_fields_used"] > 0, "well"].unique()
    chosen = np.random.default_rng(seed).choice(usable, min(sample, len(usable)), replace=False)
    return sort_wells(map(str, chosen))


def replace_wells(table: pd.DataFrame, anew: pd.DataFrame, wells: list[str]) -> pd.DataFrame:
    """A table in plate order with the rows of `wells` replaced by those of `anew`."""
    parts = [table[~table["well"].isin(wells)], anew]
    # A table without rows adds nothing, not even a dtype.
    joined = pd.concat([part for part in parts if len(part)] or parts[:1])
    places = joined["well"].map(well_position)
    return joined.iloc[np.argsort(places.to_numpy(), kind="stable")].reset_index(drop=True)


def compare_wells(stored: pd.DataFrame, recomputed: pd.DataFrame, wells: list[str], what: str) -> str:
    """A report on wells that were computed twice, a line per row.

    Parameters
    ----------
    stored, recomputed : DataFrame
        `livedead.tables.WELLS` of one plate.
    wells : list of str
    what : str
        The file of `stored`, for the message.

    Raises
    ------
    LivedeadError
        With the report, if a row's hash differs; it names what differs.
    """
    lines, differing = [], []
    for well in wells:
        old, new = (table[table["well"] == well].set_index("timepoint") for table in (stored, recomputed))
        if not old[ROW_SHA256].equals(new[ROW_SHA256]):
            differing.append(well)
        for timepoint, row in old.iterrows():
            anew = new.loc[timepoint] if timepoint in new.index else pd.Series({ROW_SHA256: None})
            hashes = f"{ROW_SHA256} {row[ROW_SHA256]} in the table, {anew[ROW_SHA256]} anew"
            lines.append(f"well {well} timepoint {timepoint}: {hashes}")
            if anew[ROW_SHA256] != row[ROW_SHA256]:
                lines += [
                    f"  {column}: {row[column]} in the table, {anew[column]} anew"
                    for column in ["hours", *RESULTS[:-1]]
                    if column in anew and str(row[column]) != str(anew[column])
                ]
    text = "\n".join(lines) or "no well has a field that can be used"
    if differing:
        raise LivedeadError(f"{what}: well {', '.join(differing)} is not what its raw images give\n{text}")
    return text
