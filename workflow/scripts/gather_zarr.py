"""Join the wells of one plate's shards, and its tables, to an OME-Zarr plate."""

import os
import shutil
from pathlib import Path

from livedead import stores
from livedead.images.ome_zarr_out import write_plate
from livedead.job import run

_NOTES = shutil.ignore_patterns(".snakemake_timestamp")


def gather_zarr(
    shards: list[Path], wells: Path, fields: Path, folder: Path, *, plate: str, n_wells: int
) -> None:
    """Write the plate, whose images are links to the files of its shards where the disk has links."""
    with stores.replacing_folder(folder) as temporary:
        for shard in shards:
            shutil.copytree(shard, temporary, ignore=_NOTES, copy_function=_link, dirs_exist_ok=True)
        write_plate(temporary, plate, n_wells, {"wells": wells, "fields": fields})


def _link(source: str, target: str) -> None:
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)


if __name__ == "__main__":
    run(gather_zarr, snakemake)
