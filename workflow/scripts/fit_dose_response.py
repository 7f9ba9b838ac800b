"""Fit a dose-response curve to every agent."""

from pathlib import Path

from livedead import stores
from livedead.job import run
from livedead.plates.plate_maps import MapColumns
from livedead.tables import DOSE_RESPONSE, WELLS
from livedead.wells.analysis import fit_doses


def fit_dose_response(wells: Path, curves: Path, *, plate_map: MapColumns) -> None:
    """Write one row per plate, agent, cell line and timepoint."""
    stores.write_table(curves, fit_doses(stores.read_table(wells, WELLS), plate_map), DOSE_RESPONSE)


if __name__ == "__main__":
    run(fit_dose_response, snakemake)
