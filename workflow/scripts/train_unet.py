"""Train the network on the labelled wells of all dyed plates."""

import os
from pathlib import Path
from typing import Any

import torch

from livedead import stores
from livedead.fields.plate_images import PlateImages, read_transforms
from livedead.logs import log_to
from livedead.network.classes import Classes
from livedead.network.inference import choose_device
from livedead.network.unet import Architecture
from livedead.provenance import file_sha256
from livedead.tables import HISTORY, IMAGES
from livedead.training.checkpoint import Checkpoint
from livedead.training.fit import Settings, train_by_well
from livedead.training.outdated import remove_outdated, trained_alike
from livedead.training.tiles import Cutting, LabelledFields, fold_wells
from livedead.weights import unet_io
from livedead.weights.assay import Assay
from livedead.weights.certificate import certify_training


def train_unet(
    raw: list[Path],
    images: list[Path],
    normalization: list[Path],
    labels: list[Path],
    encoder: Path | None,
    unet: Path,
    history: Path,
    *,
    fold: int | None,
    bit_depth: list[int],
    channels: list[str],
    classes: list[dict[str, str]],
    network: dict[str, str],
    training: dict[str, Any],
    device: str,
    code: str,
    of_network: list[str],
    of_folds: list[str],
) -> None:
    """Write the weights of the best epoch and the course of the training.

    Wells of the given `fold` take no part. The state after each epoch lies beside the weights until
    they are written, and a training that was killed goes on from there. What was made of the network
    before goes: files `of_network` beside it, and those `of_folds`, the cross-validation's, beside
    the network of all wells.
    """
    fields = LabelledFields(
        [
            (
                PlateImages(folder, stores.read_table(index, IMAGES), bits),
                read_transforms(stores.read_normalization(fitted)[0], channels),
                label,
            )
            for folder, index, fitted, label, bits in zip(
                raw, images, normalization, labels, bit_depth, strict=True
            )
        ],
        training["exclude"],
    )
    seed = training["fit"]["seed"]
    held_out = [] if fold is None else fold_wells(fields.wells, training["folds"], seed)[fold - 1]
    model = unet_io.new(
        Architecture(
            n_classes=len(classes),
            alpha=training["alpha"],
            decoder_widths=tuple(training["decoder_widths"]),
            kernel=training["kernel"],
            input_channels=len(channels),
            **network,
        ),
        encoder,
        seed=seed,
    )
    torch.set_num_threads(training["threads"])
    choose_device(device, os.environ.get("CUDA_VISIBLE_DEVICES", ""))
    source = {
        "images_sha256": [file_sha256(path) for path in images],
        "normalization_sha256": [file_sha256(path) for path in normalization],
        "labels_sha256": [file_sha256(path) for path in labels],
        "encoder_sha256": None if encoder is None else file_sha256(encoder),
        "training": training,
        "code_sha256": code,
    }
    remove_outdated(unet.parent, of_network)
    whole = unet.parent if fold is None else unet.parent.parent
    if fold is not None or not trained_alike(whole.glob("*-of-*/unet.safetensors"), source):
        remove_outdated(whole, of_folds)
    tiles = dict(training["tiles"])
    validation_fraction = tiles.pop("validation_fraction")
    kept = Checkpoint(
        unet.with_name("checkpoint.safetensors"), [source, held_out, model.architecture.as_dict()]
    )
    course, split = train_by_well(
        model,
        fields,
        Settings(**training["fit"]),
        Cutting(**tiles),
        Classes.from_config(classes),
        validation_fraction=validation_fraction,
        held_out=held_out,
        n_threads=training["threads"],
        device=device,
        checkpoint=kept,
    )
    stores.write_table(history, course, HISTORY)
    assay = Assay(classes, channels)
    certificate = certify_training(model, assay, {**source, "trained_on": split})
    unet_io.write(unet, model, certificate)
    kept.remove()


if __name__ == "__main__":
    with log_to(snakemake.log[0], snakemake.input):
        train_unet(
            [Path(path) for path in snakemake.input.raw],
            [Path(path) for path in snakemake.input.images],
            [Path(path) for path in snakemake.input.normalization],
            [Path(path) for path in snakemake.input.labels],
            Path(snakemake.input.encoder[0]) if snakemake.input.encoder else None,
            Path(snakemake.output.unet),
            Path(snakemake.output.history),
            fold=snakemake.params.fold,
            bit_depth=snakemake.params.bit_depth,
            channels=snakemake.params.channels,
            classes=snakemake.params.classes,
            network=snakemake.params.network,
            training=snakemake.params.training,
            device=snakemake.params.device,
            code=snakemake.params.code,
            of_network=snakemake.params.of_network,
            of_folds=snakemake.params.of_folds,
        )
