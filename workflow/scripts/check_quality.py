"""End the run with an error if a plate's Z' is too low; every table is already written."""

from pathlib import Path

from livedead import stores
from livedead.errors import LivedeadError
from livedead.job import run
from livedead.tables import PLATE_QUALITY
from livedead.wells.summary import failed_quality


def check_quality(quality: list[Path], report: Path, *, plates: list[str], min_z_prime: float | None) -> None:
    """Write the Z' of every plate.

    Raises
    ------
    LivedeadError
        If the Z' of viability of a plate is unknown or below `min_z_prime`, where that is given; it
        names those plates alone.
    """
    listed, ending = [], []
    for plate, path in zip(plates, quality, strict=True):
        lines, short = failed_quality(stores.read_table(path, PLATE_QUALITY), min_z_prime)
        listed += [f"plate {plate} {line}" for line in lines]
        ending += [f"plate {plate} {line}" for line in short]
    if ending:
        raise LivedeadError("\n".join(["controls too close to each other; every table is complete", *ending]))
    stores.write_bytes(report, ("\n".join(listed) + "\n").encode())


if __name__ == "__main__":
    run(check_quality, snakemake)
