"""List the files that hold the planes of each well, so that jobs fetch theirs from an object store."""

from pathlib import Path

from livedead import stores
from livedead.job import run
from livedead.readers.located import locate
from livedead.tables import IMAGES


def locate_planes(images: Path, planes: Path) -> None:
    """Write where the planes of the index are, as `livedead.readers.located.Located`."""
    stores.write_json(planes, {"wells": locate(stores.read_table(images, IMAGES))})


if __name__ == "__main__":
    run(locate_planes, snakemake)
