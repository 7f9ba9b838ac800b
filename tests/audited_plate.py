"""A plate that the demo's network reads badly, some wells of which were dyed after reading."""

from pathlib import Path

import numpy as np
import pandas as pd
import tifffile
import yaml
from working_folder import write_config

from livedead.plates.geometry import well_position
from livedead.simulation.label_free import simulate_field
from livedead.simulation.plate import CHANNELS

SIDE_PX = 320
UNDYED = [f"{row}{column:02d}" for row in "AB" for column in range(1, 7)]
AUDITED = [f"C{column:02d}" for column in range(1, 7)]
WELLS = [*UNDYED, *AUDITED]
VIABILITY = dict(zip(WELLS, [0.1, 0.25, 0.4, 0.6, 0.75, 0.9] * 3, strict=True))
SMALL_CELLS = {"size": 0.75, "defocus_px": 2.0}
"""Cells that the network has not seen: it takes many living ones for dead."""


def write_export(folder: Path) -> pd.Series:
    """Write brightfield of every well, and the dyes of the audited ones; the true viability of each well."""
    images = folder / "TimePoint_1"
    images.mkdir(parents=True)
    alive = {}
    for well, viability in VIABILITY.items():
        rng = np.random.default_rng([17, *well_position(well)])
        planes, cells = simulate_field(rng, viability, side_px=SIDE_PX, mean_cells=45, **SMALL_CELLS)
        alive[well] = (cells["state"] == "live").mean()
        for channel, plane in planes.items():
            if channel == "brightfield" or well in AUDITED:
                tifffile.imwrite(
                    images / f"p_{well}_s1_{CHANNELS[channel]}.TIF", plane, photometric="minisblack"
                )
    return pd.Series(alive)


def write_audited(folder: Path, repository: Path) -> pd.Series:
    """A working folder with that plate; the true viability of each well."""
    write_config(folder, repository)
    config = folder / "config/config.yaml"
    settings = yaml.safe_load(config.read_text()) | {"fields_per_well": 1, "simulation": {}}
    config.write_text(yaml.safe_dump(settings))
    write_sheet(folder, audit_wells=",".join(AUDITED))
    rows = "".join(f"{well}\tdrug\t{well[1:]}\n" for well in WELLS)
    (folder / "config/map.tsv").write_text("well\ttreatment\tdose_um\n" + rows)
    return write_export(folder / "raw")


def write_sheet(folder: Path, audit_wells: str = "", borrower: str = "") -> None:
    """plates.tsv of that plate, and of one that borrows its audit, if it has a name."""
    (folder / "config/plates.tsv").write_text(
        "plate\traw\twells\tplatemap\tpixel_size_um\taudit_wells\taudit_plate\n"
        f"small\traw\t96\tconfig/map.tsv\t0.65\t{audit_wells}\t\n"
        + (f"{borrower}\t{borrower}\t96\t\t0.65\t\tsmall\n" if borrower else "")
    )
