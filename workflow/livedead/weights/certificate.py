"""Converted weights and the certificate that says where every tensor came from."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import safetensors.torch
import torch
from safetensors import SafetensorError, safe_open

from livedead.errors import WeightsError
from livedead.provenance import file_sha256, value_sha256
from livedead.stores import write_bytes
from livedead.unet import Architecture, UNet, grey_filters
from livedead.weights import mapping
from livedead.weights.keras_files import SourceLayer, read_keras, write_keras

METADATA_KEY = "livedead"
INPUT_SCALING = "plate normalization to [-1, 1]"


def convert_keras(
    path: str | Path,
    *,
    n_input_channels: int,
    classes: list[dict[str, str]],
    bottom: str = "project",
    stride_padding: str = "correct",
) -> tuple[UNet, dict[str, Any]]:
    """Build the network from a Keras file, every tensor matched by name.

    Parameters
    ----------
    path : path
        Legacy Keras HDF5 file.
    n_input_channels : int
        Channels the workflow feeds. A file made for RGB is converted for grey by summing its
        first filters over the colours, which equals repeating the channel three times.
    classes : list of {name, role}
        The assay's classes, in the order of the network's output.
    bottom, stride_padding : str
        See `livedead.unet.Architecture`; a weight file does not tell them.

    Returns
    -------
    network : UNet
        In evaluation mode, float32.
    certificate : dict
        JSON-like record of the conversion.

    Raises
    ------
    WeightsError
        Listing every problem of the file.
    """
    file = read_keras(path)
    named, scheme, problems = mapping.canonical_names(file)
    architecture = mapping.read_architecture(named, bottom, stride_padding, problems)
    if architecture is None or problems:
        raise WeightsError(path, problems)
    if architecture.n_classes != len(classes):
        problems.append(
            f"the network tells {architecture.n_classes} classes apart, the configuration names "
            f"{len(classes)}: {', '.join(entry['name'] for entry in classes)}"
        )
    network = UNet(architecture)
    pairings, ignored = _fill(network, mapping.unet_layers(architecture), named, problems)
    network, first_layer = _match_input(network, n_input_channels, problems)
    if problems:
        raise WeightsError(path, problems)
    certificate = {
        "source": {
            "name": Path(path).name,
            "sha256": file_sha256(path),
            "container": file.container,
            "scheme": scheme,
        },
        "architecture": network.architecture.as_dict(),
        "classes": classes,
        "input_scaling": INPUT_SCALING,
        "first_layer": first_layer,
        "tensors": [_record(pairing) for pairing in pairings],
        "ignored": ignored,
    }
    return network.eval(), certificate


def new_unet(architecture: Architecture, encoder: str | Path | None, seed: int) -> UNet:
    """A network to be trained: random, or with its encoder from a Keras file."""
    torch.manual_seed(seed)
    network = UNet(architecture)
    if encoder is not None:
        load_encoder(encoder, network)
    return network


def convert(
    path: str | Path, *, n_input_channels: int, classes: list[dict[str, str]], **network: str
) -> tuple[UNet, dict[str, Any]]:
    """Load weights of any known kind, by suffix: see `convert_keras`, `load_unet`."""
    if Path(path).suffix != ".safetensors":
        return convert_keras(path, n_input_channels=n_input_channels, classes=classes, **network)
    loaded, certificate = load_unet(path)
    problems = []
    if loaded.architecture.input_channels != n_input_channels:
        problems.append(
            f"the network reads {loaded.architecture.input_channels} channel(s), the configuration "
            f"feeds {n_input_channels}"
        )
    if certificate["classes"] != classes:
        problems.append(f"trained for the classes {certificate['classes']}, configured are {classes}")
    if problems:
        raise WeightsError(path, problems)
    return loaded, certificate


def load_encoder(path: str | Path, network: UNet) -> None:
    """Start `network` from the encoder of a Keras file, such as the ImageNet downloads.

    Raises
    ------
    WeightsError
        If the file's encoder has another width, or does not pair one to one.
    """
    file = read_keras(path)
    named, _, problems = mapping.canonical_names(file)
    layers = mapping.encoder_layers(network.architecture.bottom)
    known = {layer.name for layer in layers} | set(mapping.UNUSED)
    named = {name: layer for name, layer in named.items() if name in known}
    if not problems:
        first = named["Conv1"].tensors["kernel"] if "Conv1" in named else np.zeros((3, 3, 3, 1))
        if first.shape[2] == 3 != network.architecture.input_channels:
            filters = torch.from_numpy(first.transpose(3, 2, 0, 1))
            grey = grey_filters(filters, network.architecture.input_channels)
            named = mapping.grey_source(named, grey.numpy().transpose(2, 3, 1, 0))
        _fill(network, layers, named, problems)
    if problems:
        raise WeightsError(path, problems)


def export_keras(path: str | Path, network: UNet) -> None:
    """Write the network as a legacy Keras weight file."""
    state = {key: tensor.detach().cpu().numpy() for key, tensor in network.state_dict().items()}
    write_keras(path, mapping.keras_layers(mapping.unet_layers(network.architecture), state))


def trained_certificate(
    network: UNet, classes: list[dict[str, str]], source: dict[str, Any]
) -> dict[str, Any]:
    """The certificate of weights that were trained here; `source` says on what."""
    return {
        "source": source,
        "architecture": network.architecture.as_dict(),
        "classes": classes,
        "input_scaling": INPUT_SCALING,
    }


def certificate_beside(path: str | Path, certificate: dict[str, Any]) -> dict[str, Any]:
    """What the JSON beside a weight file says: its certificate and its own hash."""
    return {**certificate, "unet_sha256": file_sha256(path)}


def save_unet(path: str | Path, network: UNet, certificate: dict[str, Any]) -> None:
    """Write tensors and certificate as safetensors; equal content, equal bytes."""
    state = {key: tensor.detach().cpu().contiguous() for key, tensor in network.state_dict().items()}
    # One metadata key only: safetensors writes several in random order.
    metadata = {METADATA_KEY: json.dumps(certificate, sort_keys=True)}
    write_bytes(path, safetensors.torch.save(state, metadata))


def read_certificate(path: str | Path) -> dict[str, Any]:
    """The certificate inside a safetensors file.

    Raises
    ------
    WeightsError
        If the file has none, naming the command that makes one.
    """
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
    except (OSError, SafetensorError) as error:
        raise WeightsError(path, [f"not a readable safetensors file: {error}"]) from error
    if METADATA_KEY not in metadata:
        raise WeightsError(
            path, ["no certificate; make the file with 'snakemake results/weights/unet.safetensors'"]
        )
    certificate: dict[str, Any] = json.loads(metadata[METADATA_KEY])
    return certificate


def load_unet(path: str | Path) -> tuple[UNet, dict[str, Any]]:
    """The network, in evaluation mode, and its certificate."""
    certificate = read_certificate(path)
    with safe_open(path, framework="pt") as file:
        state = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118 (a handle, not a dict)
    network = UNet(Architecture.from_dict(certificate["architecture"]))
    network.load_state_dict(state)
    return network.eval(), certificate


def _fill(
    network: UNet,
    layers: list[mapping.Layer],
    named: dict[str, SourceLayer],
    problems: list[str],
) -> tuple[list[mapping.Pairing], list[str]]:
    """Copy the paired tensors into the network."""
    state = network.state_dict()
    shapes = {key: tuple(tensor.shape) for key, tensor in state.items()}
    pairings, ignored = mapping.pair(named, layers, shapes, problems)
    for pairing in pairings:
        state[pairing.key].copy_(torch.from_numpy(pairing.tensor()))
    return pairings, ignored


def _match_input(network: UNet, n_channels: int, problems: list[str]) -> tuple[UNet, str]:
    """The same network for the channels that the workflow feeds, and what was done."""
    found = network.architecture.input_channels
    if found == n_channels:
        return network, "as in the file"
    if found != 3:
        problems.append(f"the network reads {found} channel(s), the configuration feeds {n_channels}")
        return network, ""
    state = network.state_dict()
    state["encoder.Conv1.weight"] = grey_filters(state["encoder.Conv1.weight"], n_channels)
    architecture = Architecture.from_dict({**network.architecture.as_dict(), "input_channels": n_channels})
    converted = UNet(architecture)
    converted.load_state_dict(state)
    return converted, f"RGB filters summed over colours, over {n_channels} channel(s)"


def _record(pairing: mapping.Pairing) -> dict[str, Any]:
    tensor: np.ndarray = pairing.tensor()
    return {
        "source": f"{pairing.source.path}/{pairing.role.keras}",
        "target": pairing.key,
        "axes": list(pairing.role.axes),
        "shape": list(tensor.shape),
        "sha256": value_sha256(tensor.tobytes().hex()),
    }
