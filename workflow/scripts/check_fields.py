"""End the run with an error if too many fields failed; every table is already written."""

from pathlib import Path

from livedead import stores
from livedead.errors import LivedeadError
from livedead.job import run
from livedead.tables import FIELDS
from livedead.wells.summary import failed_fields, list_failed


def check_fields(fields: list[Path], report: Path, *, plates: list[str], max_failed_fraction: float) -> None:
    """Write which fields failed.

    Raises
    ------
    LivedeadError
        If more than `max_failed_fraction` of the imaged fields of a plate failed; it names those
        plates and their reasons.
    """
    listed, ending = [], []
    for plate, path in zip(plates, fields, strict=True):
        table = stores.read_table(path, FIELDS)
        (total, *reasons), too_many = failed_fields(table, max_failed_fraction)
        listed += [f"plate {plate}: {total}", *(f"  {line}" for line in list_failed(table))]
        if too_many:
            ending += [f"plate {plate}: {total}; {path} lists them", *reasons]
    if ending:
        raise LivedeadError("\n".join(["too many fields failed; every table is complete", *ending]))
    stores.write_bytes(report, ("\n".join(listed) + "\n").encode())


if __name__ == "__main__":
    run(check_fields, snakemake)
