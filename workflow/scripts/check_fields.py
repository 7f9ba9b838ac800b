"""End the run with an error if too many fields failed; every table is already written."""

from pathlib import Path

from livedead import stores
from livedead.errors import LivedeadError
from livedead.logs import log_to
from livedead.tables import FIELDS
from livedead.wells.summary import failed_fields, list_failed


def check_fields(fields: dict[str, Path], report: Path, *, max_failed_fraction: float) -> None:
    """Write which fields failed.

    Parameters
    ----------
    fields : dict
        Plate -> its table of fields.

    Raises
    ------
    LivedeadError
        If more than `max_failed_fraction` of the imaged fields of a plate failed; it names those
        plates and their reasons.
    """
    listed, ending = [], []
    for plate, path in fields.items():
        table = stores.read_table(path, FIELDS)
        (total, *reasons), too_many = failed_fields(table, max_failed_fraction)
        listed += [f"plate {plate}: {total}", *(f"  {line}" for line in list_failed(table))]
        if too_many:
            ending += [f"plate {plate}: {total}; {path} lists them", *reasons]
    if ending:
        raise LivedeadError("\n".join(["too many fields failed; every table is complete", *ending]))
    stores.write_bytes(report, ("\n".join(listed) + "\n").encode())


if __name__ == "__main__":
    with log_to(snakemake.log[0], snakemake.input):
        check_fields(
            dict(zip(snakemake.params.plates, map(Path, snakemake.input.fields), strict=True)),
            Path(snakemake.output.report),
            max_failed_fraction=snakemake.params.max_failed_fraction,
        )
