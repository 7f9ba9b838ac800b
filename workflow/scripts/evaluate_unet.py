"""Read dyed wells that the network never saw, and compare each cell and well with the dye."""

from pathlib import Path
from typing import Any

from livedead import stores
from livedead.cells.rules import CountingRules
from livedead.fields.segmentation import open_segmenter
from livedead.job import run
from livedead.network.classes import Classes
from livedead.network.plan import Plan
from livedead.network.segmenter import Segmentation
from livedead.tables import DETECTED, READ_CELLS, READ_WELLS
from livedead.training import evaluate, sources
from livedead.training.splits import never_trained_on
from livedead.weights.certificate import read_certificate


def evaluate_unet(
    unet: Path,
    trained: Path,
    raw: list[Path],
    images: list[Path],
    normalization: list[Path],
    labels: list[Path],
    platemaps: list[Path],
    cells: Path,
    wells: Path,
    detected: Path,
    worst: Path,
    *,
    plates: list[dict[str, Any]],
    channels: list[str],
    classes: Classes,
    counting: CountingRules,
    segmentation: Plan,
    exclude: list[str],
) -> None:
    """Write cells and wells that `trained` never saw as `unet` reads them, and the worst fields."""
    fields = sources.open_labelled(raw, images, normalization, labels, plates, channels, exclude)
    sizes = [row["pixel_size_um"] for row in plates]
    segmenters = [
        open_segmenter(unet, plate.inputs.seen.values(), segmentation, size)
        for plate, size in zip(fields.plates, sizes, strict=True)
    ]

    def segment(k: int) -> Segmentation:
        place = fields.places[k]
        counts = fields.plates[place.source].inputs.counts(place.key)
        return segmenters[place.source].segment(counts, place.key)

    chosen = fields.in_wells(never_trained_on(read_certificate(trained), fields.wells))
    judged, counted, found = evaluate.read_unseen(fields, chosen, segment, classes, counting, sizes)
    maps = sources.read_plate_maps(plates, platemaps)
    stores.write_table(cells, judged, READ_CELLS)
    stores.write_table(detected, found, DETECTED)
    stores.write_table(wells, evaluate.sum_wells(counted, maps), READ_WELLS)
    stores.write_segmentations(worst, evaluate.read_worst(fields, chosen, judged, segment))


if __name__ == "__main__":
    run(evaluate_unet, snakemake)
