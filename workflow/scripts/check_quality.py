"""End the run with an error if a plate's Z' is too low; every table is already written."""

from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from livedead import stores
from livedead.analysis import failed_quality
from livedead.errors import LivedeadError
from livedead.logs import log_to
from livedead.tables import PLATE_QUALITY

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake


def check_quality(quality: list[Path], report: Path, *, min_z_prime: float | None) -> None:
    """Write the Z' of every plate.

    Raises
    ------
    LivedeadError
        If the Z' of viability of a plate is unknown or below `min_z_prime`, where that is given.
    """
    table = pd.concat([stores.read_table(path, PLATE_QUALITY) for path in quality])
    text, failed = failed_quality(table, min_z_prime)
    if failed:
        raise LivedeadError(f"controls too close to each other; the tables are complete\n{text}")
    stores.write_bytes(report, (text + "\n").encode())


if __name__ == "__main__":
    with log_to(snakemake.log[0], snakemake.input):
        check_quality(
            [Path(path) for path in snakemake.input.quality],
            Path(snakemake.output.report),
            min_z_prime=snakemake.params.min_z_prime,
        )
