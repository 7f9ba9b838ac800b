"""Measure what the network has seen on plates that are trusted, where its weights do not say it."""

from itertools import chain
from pathlib import Path
from typing import Any

from livedead import stores
from livedead.cells.rules import CountingRules
from livedead.fields.segmentation import set_up_device
from livedead.job import run
from livedead.network.classes import Classes
from livedead.network.pixel_size import common_pixel_size
from livedead.network.plan import Plan
from livedead.training.experience import measure_experience, read_labelled, read_unlabelled
from livedead.training.sources import open_trusted
from livedead.training.splits import never_trained_on
from livedead.weights import unet_io
from livedead.weights.assay import certified_experience


def learn_experience(
    unet: Path,
    raw: list[Path],
    images: list[Path],
    normalization: list[Path],
    labels: list[Path],
    experience: Path,
    *,
    plates: list[dict[str, Any]],
    channels: list[str],
    classes: Classes,
    segmentation: Plan,
    counting: CountingRules,
) -> None:
    """Write the record, to be copied and named in the configuration."""
    set_up_device(segmentation.device, segmentation.threads)
    network, certificate = unet_io.read(unet)
    known = certified_experience(certificate)
    pixel_size_um = common_pixel_size(plates, None if known is None else known.pixel_size_um)
    labelled, unlabelled = open_trusted(raw, images, normalization, labels, plates, channels)
    readings = chain(
        read_labelled(network, labelled, segmentation, classes),
        *(read_unlabelled(network, plate, segmentation, classes) for plate in unlabelled),
    )
    wells = [*labelled.wells, *(f"{p.images.plate}/{well}" for p in unlabelled for well in p.images.wells())]
    unseen = never_trained_on(certificate, wells)
    learned = measure_experience(readings, unseen, classes, counting, pixel_size_um)
    stores.write_json(experience, learned.as_dict())


if __name__ == "__main__":
    run(learn_experience, snakemake)
