"""End the run with an error if too many fields failed; every table is already written."""

from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from livedead import stores, wells
from livedead.errors import LivedeadError
from livedead.logs import log_to
from livedead.tables import FIELDS

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake


def check_fields(fields: list[Path], report: Path, *, max_failed_fraction: float) -> None:
    """Write which fields failed.

    Raises
    ------
    LivedeadError
        If more than `max_failed_fraction` of the imaged fields of a plate failed.
    """
    table = pd.concat([stores.read_table(path, FIELDS) for path in fields])
    text, too_many = wells.failed_fields(table, max_failed_fraction)
    if too_many:
        raise LivedeadError(f"too many fields failed; the tables are complete and say which\n{text}")
    stores.write_bytes(report, (text + "\n").encode())


if __name__ == "__main__":
    with log_to(snakemake.log[0], snakemake.input):
        check_fields(
            [Path(path) for path in snakemake.input.fields],
            Path(snakemake.output.report),
            max_failed_fraction=snakemake.params.max_failed_fraction,
        )
