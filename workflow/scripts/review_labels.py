"""Show the labels of one plate's dyed fields on a page, for a person to accept or reject."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from livedead import stores
from livedead.fields.normalized_plate import open_normalized_plate
from livedead.job import run
from livedead.network.classes import Classes
from livedead.pictures import review


def review_labels(
    raw: Path,
    images: Path,
    normalization: Path,
    labels: Path,
    page: Path,
    *,
    plate: str,
    channel: str,
    bit_depth: int,
    classes: Classes,
    exclude: list[str],
) -> None:
    """Write one self-contained HTML page."""
    fields = open_normalized_plate(raw, images, normalization, [channel], bit_depth)

    def labelled() -> Iterator[tuple[str, np.ndarray, np.ndarray, np.ndarray | None]]:
        for row, found in stores.read_segmentations(labels):
            key = row["well"], int(row["field"]), int(row["timepoint"])
            if found:
                name, field = f"{plate}/{key[0]}/{key[1]}", fields.normalized(key)[0]
                yield name, field, found["maps"], found.get("instances")

    stores.write_bytes(page, review.draw(plate, labelled(), classes, exclude))


if __name__ == "__main__":
    run(review_labels, snakemake)
