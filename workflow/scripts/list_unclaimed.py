"""List the files of shared raw folders that are of no plate."""

from pathlib import Path
from typing import Any

from livedead import stores
from livedead.job import run
from livedead.readers.claims import Claim
from livedead.readers.folder import list_files
from livedead.readers.inventory import list_unclaimed as describe


def list_unclaimed(raw: list[Path], unclaimed: Path, *, claims: list[list[dict[str, Any]]]) -> None:
    """Write them as text; `claims` are those of each folder of `raw`."""
    text = "".join(
        describe(folder, list_files(folder), [Claim(**claim) for claim in of_folder])
        for folder, of_folder in zip(raw, claims, strict=True)
    )
    stores.write_bytes(unclaimed, text.encode())


if __name__ == "__main__":
    run(list_unclaimed, snakemake)
