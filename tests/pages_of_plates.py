"""Pages of plates that were never imaged: tables by hand, and fields that are simulated or drawn."""

import numpy as np
import pandas as pd

from livedead.cells.counting import CountedField, count_field
from livedead.cells.rules import CountingRules
from livedead.network.classes import Classes
from livedead.pictures import plate_page
from livedead.pictures.plate_page import PageSettings
from livedead.plates.geometry import all_wells, well_position
from livedead.plates.plate_maps import MapColumns
from livedead.simulation.label_free import simulate_field
from livedead.tables import DOSE_RESPONSE, FIELDS, PLATE_QUALITY, WELLS

CLASSES = Classes(background=(0,), live=(3,), dead=(4,), context=(1,), boundary=(2,))
NOTHING = np.array([], int)
SETTINGS = PageSettings(fields_per_well=1, side_px=480, quality=60, pictures=400)
STATES = ("live", "dead", "ambiguous")


def simulated(seed: int, side_px: int, n_cells: int) -> tuple[np.ndarray, np.ndarray]:
    """A noisy field as the network reads it, (1, H, W) in [-1, 1], and the class map of its true cells."""
    rng = np.random.default_rng(seed)
    images, cells = simulate_field(rng, 0.6, side_px=side_px, mean_cells=n_cells)
    light = images["brightfield"].astype(np.float32)
    black, white = np.percentile(light, [0.1, 99.9])
    class_map = np.zeros((side_px, side_px), np.uint8)
    for cell in cells.itertuples():
        reach = int(cell.body_radius_px) + 3
        top, left = (max(0, int(at) - reach) for at in (cell.y_px, cell.x_px))
        around = class_map[top : top + 2 * reach, left : left + 2 * reach]
        y, x = np.mgrid[top : top + around.shape[0], left : left + around.shape[1]]
        distance = np.hypot(y - cell.y_px, x - cell.x_px) + rng.normal(0, 0.3, y.shape)
        around[distance < cell.body_radius_px] = 2
        around[distance < cell.body_radius_px - 2] = 1
        around[distance < cell.nucleus_radius_px] = 3 if cell.state == "live" else 4
    return np.clip(2 * (light - black) / (white - black) - 1, -1, 1)[np.newaxis], class_map


def counted(class_map: np.ndarray, well: str, timepoint: int = 1, field: int = 1, **rules) -> CountedField:
    """A field of that class map, counted."""
    row = {"plate": "p", "well": well, "field": field, "timepoint": timepoint, "status": "ok"}
    chosen = CountingRules(**{"min_area_um2": 0, **rules})
    return count_field(row, class_map, NOTHING, NOTHING, CLASSES, chosen, 1.0)


def tables(counted_fields: list[CountedField], **columns: list[str]) -> dict[str, pd.DataFrame]:
    """The tables of a plate with one field a well; `columns` are those of its plate map."""
    fields = FIELDS.rows([{**one.row, "qc_flags": ""} for one in counted_fields])
    rows = []
    for k, one in enumerate(counted_fields):
        decided = one.row["n_live"] + one.row["n_dead"]
        viability = one.row["n_live"] / decided if decided else None
        rows.append(
            {
                **{name: one.row[name] for name in ("plate", "well", "timepoint", "n_by_hand")},
                **{name: one.row[name] for name in ("n_live", "n_dead", "n_ambiguous", "n_total")},
                **{name: values[k] for name, values in columns.items()},
                "row": one.row["well"].rstrip("0123456789"), "column": well_position(one.row["well"])[1] + 1,
                "status": "ok",
                "n_fields_expected": 1, "n_fields_used": 1, "n_split": 0, "viability": viability,
                "version": "0", "model_sha256": "m" * 64,
            }
        )  # fmt: skip
    quality = {"plate": "p", "timepoint": 1, "measure": "viability", "n_negative": 0, "n_positive": 0}
    return {
        "wells": WELLS.rows(rows),
        "fields": fields,
        "quality": PLATE_QUALITY.rows([quality]),
        "curves": DOSE_RESPONSE.rows([]).iloc[:0],
    }


def page(fields: list[tuple[str, np.ndarray, np.ndarray]], n_wells: int = 96, **columns: list[str]) -> bytes:
    """The page of a plate of (well, planes, class map), one field each; see `page_of`."""
    found = [counted(class_map, well) for well, _, class_map in fields]
    return page_of(found, [planes for _, planes, _ in fields], n_wells, **columns)


def page_of(
    found: list[CountedField],
    planes: list[np.ndarray] | None = None,
    n_wells: int = 96,
    **columns: list[str],
) -> bytes:
    """The page of counted fields; without `planes` they are black."""
    black = [np.full((1, *one.labels.shape), -1, np.float32) for one in found]
    pictures = [
        plate_page.field_picture(one, light, {"input": "brightfield"}, CLASSES, SETTINGS)
        for one, light in zip(found, planes or black, strict=True)
    ]
    return plate_page.page(
        "p", n_wells, *tables(found, **columns).values(), pictures, CLASSES, MapColumns(), n_corrected=0
    )


def full_plate(
    n_wells: int, side_px: int, n_cells: int, n_different: int = 4
) -> list[tuple[str, np.ndarray, np.ndarray]]:
    """Fields of a whole plate for `page`: a few that are simulated, turned."""
    drawn = [simulated(seed, side_px, n_cells) for seed in range(n_different)]
    fields = []
    for k, well in enumerate(all_wells(n_wells)):
        planes, class_map = drawn[k % n_different]
        turns = k // n_different % 4
        fields.append((well, np.rot90(planes, turns, (1, 2)), np.rot90(class_map, turns).copy()))
    return fields
