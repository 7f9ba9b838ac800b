"""A training as it is configured, from labelled fields to the certified network."""

from dataclasses import replace
from pathlib import Path
from typing import Any

from livedead import stores
from livedead.cells.rules import CountingRules
from livedead.errors import ConfigError
from livedead.network.classes import Classes
from livedead.network.plan import Plan
from livedead.network.unet import Architecture, UNet
from livedead.provenance import file_sha256
from livedead.tables import HISTORY
from livedead.training.checkpoint import Checkpoint
from livedead.training.experience import measure_experience, read_labelled
from livedead.training.fit import train_by_well
from livedead.training.labelled_fields import LabelledFields
from livedead.training.settings import TrainingSettings
from livedead.training.splits import fold_wells, never_trained_on, wells_seen
from livedead.training.tiles import Cutting
from livedead.weights import unet_io
from livedead.weights.assay import Assay
from livedead.weights.certificate import certify_training


def new_model(assay: Assay, training: dict[str, Any], network: dict[str, Any], encoder: Path | None) -> UNet:
    """A network to train, for the channels and classes of the assay.

    Parameters
    ----------
    training, network : dict
        Sections of the configuration.
    encoder : Path, optional
        Weights that the encoder starts from; random ones without.
    """
    architecture = Architecture(
        n_classes=len(assay.classes),
        alpha=training["alpha"],
        decoder_widths=tuple(training["decoder_widths"]),
        kernel=training["kernel"],
        input_channels=len(assay.input_channels),
        **network,
    )
    return unet_io.new(architecture, encoder, seed=training["fit"]["seed"])


def start_from(
    start: Path, model: UNet, assay: Assay, network: dict[str, Any], started: Path
) -> dict[str, Any]:
    """Give a new network the weights of a trained one, and keep that one, certified, in `started`.

    Parameters
    ----------
    start : Path
        Weights of any format that is read.
    model : UNet
        From `new_model`; changed in place.
    network : dict
        Section of the configuration.

    Returns
    -------
    dict
        For the record of the training's source: ``start_sha256``, and ``trained_before``, the wells that the
        trained network has seen, as far as its file tells.

    Raises
    ------
    WeightsError
        If the file is no such network, or was trained for other channels or classes.
    ConfigError
        If its architecture is not that of `model`.
    """
    trained, certificate = unet_io.convert(
        start, input_channels=assay.input_channels, classes=assay.classes, **network
    )
    found, wanted = trained.architecture.as_dict(), model.architecture.as_dict()
    differing = [
        f"{name} {found[name]}, configured {wanted[name]}" for name in wanted if found[name] != wanted[name]
    ]
    if differing:
        raise ConfigError(
            f"training.start: {start} is of another architecture: {'; '.join(differing)}; set 'training' and "
            "'network' as it was trained"
        )
    model.load_state_dict(trained.state_dict())
    unet_io.write(started, trained, certificate)
    return {"start_sha256": file_sha256(start), "trained_before": sorted(wells_seen(certificate))}


def train(
    model: UNet,
    fields: LabelledFields,
    assay: Assay,
    training: dict[str, Any],
    source: dict[str, Any],
    unet: Path,
    history: Path,
    *,
    fold: int | None,
    plan: Plan,
    counting: CountingRules,
    pixel_size_um: float,
) -> None:
    """Train, and write the weights of the best epoch, certified, and the course of the training.

    The state after each epoch lies beside the weights until they are written, and a training that was
    killed goes on from there.

    Parameters
    ----------
    training : dict
        The section of the configuration.
    source : dict
        From `livedead.training.sources.source_record`.
    unet, history : Path
        What is written.
    fold : int, optional
        From 1: wells of this part of the cross-validation are held out.
    plan, counting, pixel_size_um
        How the trained network reads, to measure what it has seen.
    """
    fit, classes = TrainingSettings.from_config(training["fit"]), Classes.from_config(assay.classes)
    held_out = [] if fold is None else fold_wells(fields.wells, training["folds"], fit.seed)[fold - 1]
    checkpoint = Checkpoint(
        unet.with_name("checkpoint.safetensors"), [source, held_out, model.architecture.as_dict()]
    )
    course, split = train_by_well(
        model,
        fields,
        fit,
        Cutting.from_config(training["tiles"]),
        classes,
        validation_fraction=training["tiles"]["validation_fraction"],
        held_out=held_out,
        n_threads=training["threads"],
        device=plan.device,
        checkpoint=checkpoint,
    )
    stores.write_table(history, course, HISTORY)
    source = {**source, "trained_on": split}
    readings = read_labelled(model, fields, plan, classes)
    unseen = never_trained_on({"source": source}, fields.wells)
    experience = measure_experience(readings, unseen, classes, counting, pixel_size_um)
    certificate = certify_training(model, replace(assay, experience=experience), source)
    unet_io.write(unet, model, certificate)
    checkpoint.remove()
