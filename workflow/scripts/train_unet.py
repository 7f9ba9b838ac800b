"""Train the network on the labelled wells of all dyed plates."""

from pathlib import Path
from typing import Any

from livedead.cells.rules import CountingRules
from livedead.fields.segmentation import set_up_device
from livedead.job import run
from livedead.network.pixel_size import common_pixel_size
from livedead.network.plan import Plan
from livedead.training import runs
from livedead.training.outdated import remove_replaced
from livedead.training.sources import open_labelled, source_record
from livedead.weights.assay import Assay


def train_unet(
    raw: list[Path],
    images: list[Path],
    normalization: list[Path],
    labels: list[Path],
    encoder: Path | None,
    start: Path | None,
    unet: Path,
    history: Path,
    started: Path | None,
    *,
    fold: int | None,
    plates: list[dict[str, Any]],
    channels: list[str],
    classes: list[dict[str, str]],
    network: dict[str, str],
    training: dict[str, Any],
    segmentation: Plan,
    counting: CountingRules,
    code: str,
    of_network: list[str],
    of_folds: list[str],
) -> None:
    """Write the weights of the best epoch and the course of the training.

    Wells of the given `fold` take no part. Files that tell of the network that this one replaces are
    deleted: `of_network` beside it, and those `of_folds`, the cross-validation's.
    """
    size = common_pixel_size(plates)
    reading: dict[str, Any] = {"plan": segmentation, "counting": counting, "pixel_size_um": size}
    set_up_device(segmentation.device, training["threads"])
    assay = Assay(classes, channels)
    fields = open_labelled(raw, images, normalization, labels, plates, channels, training["exclude"])
    model = runs.new_model(assay, training, network, encoder)
    source = source_record(images, normalization, labels, encoder, training, code)
    if start is not None and started is not None:
        source |= runs.start_from(start, model, assay, network, started)
    remove_replaced(unet, fold, source, of_network=of_network, of_folds=of_folds)
    runs.train(model, fields, assay, training, source, unet, history, fold=fold, **reading)


if __name__ == "__main__":
    run(train_unet, snakemake)
