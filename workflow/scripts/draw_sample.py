"""Draw cells of one plate at random, for a person to judge without seeing what they were called."""

from pathlib import Path
from typing import Any

from livedead import stores
from livedead.errors import LivedeadError
from livedead.fields.normalized_plate import open_normalized_plate
from livedead.job import run
from livedead.pictures import review_sample
from livedead.plates.corrections import read_corrections
from livedead.tables import CELLS
from livedead.wells import blind_review
from livedead.wells.counting import counter_of
from livedead.wells.sampled_fields import sampled_fields


def draw_sample(
    class_maps: list[Path],
    raw: Path,
    images: Path,
    normalization: Path,
    dyes: Path | None,
    model: Path,
    corrections: list[Path],
    cells: Path,
    page: Path,
    *,
    plate: str,
    shown: dict[str, str],
    classes: list[dict[str, str]],
    pixel_size_um: float,
    bit_depth: int,
    counting: dict[str, Any],
    n_drawn: int,
    seed: int,
) -> None:
    """Write one self-contained HTML page.

    Parameters
    ----------
    shown : dict
        What is drawn, ``input`` of a network or a dye -> its channel.
    n_drawn : int
        Number of cells to draw.
    """
    table = stores.read_table(cells, CELLS)
    sample = blind_review.sample_cells(table, n_drawn, seed)
    if sample.empty:
        raise LivedeadError(
            f"plate {plate}: no cell was called live, dead or ambiguous, so none can be judged"
        )
    fields = open_normalized_plate(raw, images, normalization, list(shown.values()), bit_depth)
    record, by_hand = stores.read_json(model), read_corrections(corrections)
    counter = counter_of(fields.images, dyes, record, classes, counting, [], pixel_size_um, by_hand)
    counted = sampled_fields(class_maps, counter, fields, sample, table)
    crops = review_sample.crops(counted, sample, list(shown))
    sha256 = blind_review.cells_sha256(table)
    stores.write_bytes(page, review_sample.draw(plate, sha256, n_drawn, seed, crops, pixel_size_um))


if __name__ == "__main__":
    run(draw_sample, snakemake)
