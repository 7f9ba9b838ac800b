"""Fit a dose-response curve to every agent."""

from pathlib import Path
from typing import Any

from livedead import stores
from livedead.logs import log_to
from livedead.plates.plate_maps import MapColumns
from livedead.tables import DOSE_RESPONSE, WELLS
from livedead.wells.analysis import fit_doses


def fit_dose_response(wells: Path, curves: Path, *, plate_map: dict[str, Any]) -> None:
    """Write one row per plate, agent, cell line and timepoint."""
    found = fit_doses(stores.read_table(wells, WELLS), MapColumns(**plate_map))
    stores.write_table(curves, found, DOSE_RESPONSE)


if __name__ == "__main__":
    with log_to(snakemake.log[0], snakemake.input):
        fit_dose_response(
            Path(snakemake.input.wells),
            Path(snakemake.output.curves),
            plate_map=snakemake.params.plate_map,
        )
