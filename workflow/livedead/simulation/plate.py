"""A simulated plate with known truth, written as a microscope exports it.

Every field has its own random stream, seeded with (seed, row, column, field), so a plate is the same
in whatever order its wells are made.
"""

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import tifffile

from livedead.plates import geometry
from livedead.simulation.label_free import PIXEL_SIZE_UM, simulate_field
from livedead.simulation.stained import Staining, simulate_stained_field

CHANNELS = {"brightfield": "w1", "hoechst": "w2", "draq7": "w3", "calcein": "w4", "ethd": "w5"}

AGENTS = (("staurosporine", 0.3, 1.2), ("digitonin", 8.0, 2.0))
"""Name, IC50 in uM, Hill slope; each has half of the plate's rows."""

TOP, BOTTOM = 0.95, 0.05
"""Expected viability of untreated and of killed wells."""

TRUTH_COLUMNS = ["well", "field", "y_px", "x_px", "state", "nucleus_radius_px"]


def plate_design() -> pd.DataFrame:
    """The demo's plate map: two agents, ten doses, four replicates, and controls.

    Returns
    -------
    DataFrame
        ``well, treatment, dose_um, control, replicate`` and ``viability``, the expected
        fraction alive, from a log-logistic curve between `TOP` and `BOTTOM`.
    """
    rows = []
    for well in geometry.all_wells(96):
        row, column = geometry.well_position(well)
        agent, ic50, slope = AGENTS[row // 4]
        if column == 0:
            entry = ("untreated", 0.0, "negative", row + 1, TOP)
        elif column == 11:
            entry = ("ethanol", 0.0, "positive", row + 1, BOTTOM)
        else:
            dose = round(100 / 10 ** ((10 - column) / 2), 4)
            alive = BOTTOM + (TOP - BOTTOM) / (1 + (dose / ic50) ** slope)
            entry = (agent, dose, "", row % 4 + 1, alive)
        rows.append((well, *entry))
    return pd.DataFrame(rows, columns=["well", "treatment", "dose_um", "control", "replicate", "viability"])


def simulate_plate(
    folder: Path,
    seed: int,
    *,
    dyed_wells: list[str],
    wells: list[str] | None = None,
    n_fields: int = 2,
    side_px: int = 512,
    missing_well: str | None = None,
    truncated: tuple[str, int] | None = None,
    staining: Staining | None = None,
    pixel_size_um: float = PIXEL_SIZE_UM,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Write a plate as a MetaXpress-like export, and return its truth.

    Parameters
    ----------
    folder : Path
        Receives ``TimePoint_1/demo_A01_s1_w1.TIF`` and so on.
    seed : int
        Plates of one seed are identical to the byte.
    dyed_wells : list of str
        Wells that have the dye channels.
    wells : list of str, optional
        Wells to make; all 96 if not given.
    n_fields : int
        Fields per well.
    side_px : int
        Side of the square fields.
    missing_well : str, optional
        A well that was not imaged.
    truncated : (well, field), optional
        Field whose file of the first channel lost its second half, as in a broken copy.
    staining : Staining, optional
        The plate's dyes; it then has no brightfield. Without it the plate has brightfield, and hoechst
        and draq7 that stain cleanly.
    pixel_size_um : float
        Of the camera; without `staining`.

    Returns
    -------
    cells : DataFrame
        A cell: ``well, field, y_px, x_px, state, nucleus_radius_px``.
    truth : DataFrame
        A well: ``well, expected_viability, n_live, n_dead``.
    """
    folder = folder / "TimePoint_1"
    folder.mkdir(parents=True, exist_ok=True)
    first_channel = "brightfield" if staining is None else staining.channels[0]
    design = plate_design()
    design = design[design["well"].isin(geometry.all_wells(96) if wells is None else wells)]
    fields_of = partial(_well_fields, n_fields=n_fields, side_px=side_px, pixel_size_um=pixel_size_um)
    tables = []
    for row in design.itertuples():
        for field, images, cells in fields_of(seed, row.well, row.viability, staining):
            tables.append(cells.assign(well=row.well, field=field))
            for channel, image in images.items():
                if row.well != missing_well and (channel == "brightfield" or row.well in dyed_wells):
                    path = folder / _file_name(row.well, field, channel)
                    tifffile.imwrite(path, image, photometric="minisblack")
    if truncated is not None:
        path = folder / _file_name(*truncated, first_channel)
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    truth_cells = pd.concat(tables, ignore_index=True)[TRUTH_COLUMNS]
    states = pd.crosstab(truth_cells["well"], truth_cells["state"])
    states = states.reindex(index=design["well"], columns=["live", "dead"], fill_value=0).add_prefix("n_")
    truth_wells = design.set_index("well")[["viability"]].join(states).reset_index()
    return truth_cells, truth_wells.rename(columns={"viability": "expected_viability"})


def _file_name(well: str, field: int, channel: str) -> str:
    return f"demo_{well}_s{field}_{CHANNELS[channel]}.TIF"


def _well_fields(
    seed: int,
    well: str,
    viability: float,
    staining: Staining | None,
    *,
    n_fields: int,
    side_px: int,
    pixel_size_um: float,
) -> Iterator[tuple[int, dict[str, np.ndarray], pd.DataFrame]]:
    """Number, images and cells of each field; wells differ in density, and focus drifts over the plate."""
    row, column = geometry.well_position(well)
    of_well = np.random.default_rng([seed, row, column])
    crowding = of_well.uniform(0.55, 1.45)
    # The stage is level only to a few micrometres, so focus drifts from corner to corner.
    drift = 0.6 + 0.9 * (row / 7 + column / 11) / 2
    if staining is None:
        simulate: Callable[..., Any] = partial(simulate_field, pixel_size_um=pixel_size_um)
    else:
        simulate = partial(simulate_stained_field, staining=staining, well=staining.of_well(of_well))
    usual_fields = (side_px * (pixel_size_um / PIXEL_SIZE_UM) / 512) ** 2
    for field in range(1, n_fields + 1):
        rng = np.random.default_rng([seed, row, column, field])
        images, cells = simulate(
            rng,
            viability,
            side_px=side_px,
            mean_cells=55 * crowding * usual_fields,
            defocus_px=drift + rng.uniform(-0.15, 0.35),
        )
        yield field, images, cells
