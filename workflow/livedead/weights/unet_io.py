"""The U-Net that segments, in and out of files: what the workflow's rules call."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from livedead.network.unet import Architecture, UNet
from livedead.weights import certificate, formats
from livedead.weights.assay import Assay, Classes
from livedead.weights.families import UNUSED, encoder_graph, encoder_kinds, unet_key
from livedead.weights.network import Network, arrays_of, as_unet, pair, unet_defects, with_grey_filters
from livedead.weights.recognition import input_channels_of, recognize
from livedead.weights.refusals import RefusedError, refuse, refusing

Certificate = dict[str, Any]


def read(path: str | Path) -> tuple[UNet, Certificate]:
    """The U-Net, in evaluation mode, and its certificate, every tensor checked against it.

    Raises
    ------
    WeightsError
        If there is no certificate, a tensor is not the one that was certified, or the network
        gives no finite numbers.
    """
    arrays, record = certificate.read_tensors(path)
    with refusing(path):
        if not record.get("architecture"):
            raise RefusedError("not the U-Net that segments, but another network")
        unet = UNet(Architecture.from_dict(record["architecture"])).eval()
        try:
            unet.load_state_dict({name: torch.from_numpy(array) for name, array in arrays.items()})
        except RuntimeError as error:
            raise RefusedError(*str(error).splitlines()) from error
        refuse(*unet_defects(unet))
    return unet, record


def write(path: str | Path, unet: UNet, record: Certificate) -> None:
    """Write tensors and certificate as safetensors; equal content, equal bytes."""
    certificate.write_tensors(path, arrays_of(unet), record)


def convert(
    path: str | Path,
    *,
    input_channels: list[str],
    classes: Classes,
    sha256: str | None = None,
    **choices: Any,
) -> tuple[UNet, Certificate]:
    """Load a U-Net from any file, for the configured channels and classes.

    Parameters
    ----------
    input_channels : list of str
        Names of the channels that the workflow feeds, in their order.
    classes : list of {name, role}
        The configured classes, in the order of the network's output.
    sha256 : str, optional
        What the file's hash must be.
    **choices
        What the file cannot tell: ``bottom``, ``stride_padding``.

    Raises
    ------
    WeightsError
        Listing every problem of the file; also for a network that is no U-Net, or that gives no
        finite numbers.
    """
    if certificate.is_in(path):
        return _certified(path, input_channels, classes, sha256)
    network = formats.read(path, choices=choices, sha256=sha256)
    with refusing(path):
        network = certificate.certify(
            network, n_channels=len(input_channels), classes=classes, input_channels=input_channels
        )
        unet = as_unet(network)
        refuse(*unet_defects(unet))
    return unet, network.certificate


def _certified(
    path: str | Path, input_channels: list[str], classes: Classes, sha256: str | None
) -> tuple[UNet, Certificate]:
    """A certified U-Net, where channels and classes are those that it was certified for."""
    unet, record = read(path)
    with refusing(path):
        formats.refuse_changed(path, sha256)
        found, n_channels = unet.architecture.input_channels, len(input_channels)
        if found != n_channels:
            refuse(f"the network reads {found} channel(s), the configuration feeds {n_channels}")
        if record["classes"] is None:
            refuse(*certificate.miscounted(unet.architecture, classes))
        said = Assay(record["classes"] or classes, record.get("input_channels") or input_channels)
        refuse(*said.disagreements(classes, input_channels))
    verified = record.get("classes_verified", False)
    said_now = {"classes": classes, "input_channels": input_channels, "classes_verified": verified}
    return unet, {**record, **said_now}


def new(architecture: Architecture, encoder: str | Path | None, seed: int) -> UNet:
    """A network to be trained: random, or with its encoder from a Keras file.

    Raises
    ------
    WeightsError
        If the file's encoder has another width, or does not pair one to one.
    """
    torch.manual_seed(seed)
    unet = UNet(architecture)
    if encoder is not None:
        state = unet.state_dict()
        for name, tensor in _encoder(encoder, architecture).state(torch.float32).items():
            layer, _, role = name.rpartition(".")
            state[f"{unet_key(layer)}.{role}"].copy_(tensor)
    return unet


def _encoder(path: str | Path, architecture: Architecture) -> Network:
    """The encoder in a Keras file, such as the ImageNet downloads, for the channels of `architecture`."""
    with refusing(path):
        file = formats.read_source(path)
        family = recognize(file, None, {})
        if family is None:
            raise RefusedError("its layers are not named like MobileNetV2's")
        found, wanted = input_channels_of(family.named), architecture.input_channels
        graph = encoder_graph(replace(architecture, input_channels=found))
        named = {name: family.named[name] for name in family.named if name in encoder_kinds()}
        pairings, _ = pair(file, graph, named, UNUSED)
    network = Network.of_pairings(graph, pairings)
    return network if found != 3 or wanted == 3 else with_grey_filters(network, encoder_graph(architecture))
