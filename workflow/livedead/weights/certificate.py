"""Converted weights and the certificate that says where every tensor came from."""

import hashlib
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import safetensors.numpy
import safetensors.torch
import torch
from safetensors import SafetensorError, safe_open

from livedead.errors import WeightsError
from livedead.network.unet import Architecture, UNet, grey_filters
from livedead.provenance import file_sha256, value_sha256
from livedead.stores import write_bytes
from livedead.weights import families, mapping
from livedead.weights.assay import Assay
from livedead.weights.graphs import ArchitectureError, Graph, parse_architecture
from livedead.weights.networks import (
    Network,
    read_network,
    read_source,
    torch_tensor,
    values_of_state,
    write_network,
)
from livedead.weights.soundness import unet_defects

METADATA_KEY = "livedead"
INPUT_SCALING = "plate normalization to [-1, 1]"
MAKE_ONE = "python -m livedead.weights convert IN OUT.safetensors"

_SEAL = "certificate_sha256"
_FIRST = "Conv1/kernel"


def convert_file(
    path: str | Path,
    *,
    n_input_channels: int | None = None,
    classes: list[dict[str, str]] | None = None,
    input_channels: list[str] | None = None,
    **options: Any,
) -> tuple[Network, dict[str, Any]]:
    """Read a network from a file of Keras or Flax and certify where every tensor came from.

    Parameters
    ----------
    n_input_channels : int, optional
        Channels the workflow feeds a U-Net. A file made for RGB is converted for grey by
        summing its first filters over the colours, which equals repeating the channel three
        times; as in the file if not given.
    classes : list of {name, role}, optional
        The assay's classes, in the order of the network's output. Where the file carries its own,
        they must agree; where not, the certificate says that they are the user's word.
    input_channels : list of str, optional
        The channels' names, in the order of the network's input; as for `classes`.
    **options
        See `livedead.weights.networks.read_network`.

    Returns
    -------
    network : Network
    certificate : dict
        JSON-like record of the conversion.

    Raises
    ------
    WeightsError
        Listing every problem of the file.
    """
    network = read_network(path, **options)
    carried = network.assay
    if carried is not None:
        classes = carried.classes if classes is None else classes
        input_channels = carried.input_channels if input_channels is None else input_channels
        problems = carried.disagreements(classes, input_channels)
        if problems:
            raise WeightsError(path, problems)
    network, first_layer = _match_input(path, network, n_input_channels, classes)
    graph = network.graph
    certificate = {
        "source": network.source,
        "architecture": network.unet.as_dict() if network.unet else None,
        "graph": None if network.unet else graph.as_dict(),
        "classes": classes,
        "input_channels": input_channels,
        "classes_verified": carried is not None,
        "input_scaling": INPUT_SCALING if network.unet else "as the network was trained",
        "first_layer": first_layer,
        "head_activation": network.head_activation,
        "padding": {
            node.name: node.options["padding"]
            for node in graph.nodes
            if node.options.get("padding", "valid") != "valid"
        },
        "epsilon": {node.name: node.options["epsilon"] for node in graph.nodes if "epsilon" in node.options},
        "tensors": _records(network),
        "ignored": network.ignored,
        "golden": None,
    }
    return network, certificate


def convert_keras(
    path: str | Path,
    *,
    input_channels: list[str],
    classes: list[dict[str, str]],
    **options: Any,
) -> tuple[UNet, dict[str, Any]]:
    """Build the U-Net from a file of Keras or Flax; see `convert_file`.

    Returns
    -------
    network : UNet
        In evaluation mode, float32.
    certificate : dict

    Raises
    ------
    WeightsError
        Listing every problem of the file; also for a network that is no U-Net, or that gives no
        finite numbers.
    """
    network, certificate = convert_file(
        path,
        n_input_channels=len(input_channels),
        classes=classes,
        input_channels=input_channels,
        **options,
    )
    module = unet_module(network)
    _check_sound(path, module)
    return module, certificate


def convert(
    path: str | Path,
    *,
    input_channels: list[str],
    classes: list[dict[str, str]],
    sha256: str | None = None,
    **network: Any,
) -> tuple[UNet, dict[str, Any]]:
    """Load a U-Net of any known kind: see `convert_keras`, `load_unet`.

    Parameters
    ----------
    input_channels : list of str
        Names of the channels that the workflow feeds, in their order.
    classes : list of {name, role}
        The configured classes, in the order of the network's output.
    sha256 : str, optional
        What the file's hash must be.
    **network
        What the file cannot tell: ``bottom``, ``stride_padding``.
    """
    if not has_certificate(path):
        return convert_keras(
            path, input_channels=input_channels, classes=classes, choices=network, sha256=sha256
        )
    problems = []
    if sha256 is not None and file_sha256(path) != sha256:
        problems.append(f"the file's sha256 is {file_sha256(path)}, recorded is {sha256}: it has changed")
    loaded, certificate = load_unet(path)
    if loaded.architecture.input_channels != len(input_channels):
        problems.append(
            f"the network reads {loaded.architecture.input_channels} channel(s), the configuration "
            f"feeds {len(input_channels)}"
        )
    if certificate["classes"] is None:
        problems += _miscounted(loaded.architecture, classes)
    said = Assay(certificate["classes"] or classes, certificate.get("input_channels") or input_channels)
    problems += said.disagreements(classes, input_channels)
    if problems:
        raise WeightsError(path, problems)
    certificate = {
        **certificate,
        "classes": classes,
        "input_channels": input_channels,
        "classes_verified": certificate.get("classes_verified", False),
    }
    return loaded, certificate


def _check_sound(path: object, network: UNet) -> None:
    problems = unet_defects(network)
    if problems:
        raise WeightsError(path, problems)


def new_unet(architecture: Architecture, encoder: str | Path | None, seed: int) -> UNet:
    """A network to be trained: random, or with its encoder from a Keras file."""
    torch.manual_seed(seed)
    network = UNet(architecture)
    if encoder is not None:
        load_encoder(encoder, network)
    return network


def load_encoder(path: str | Path, network: UNet) -> None:
    """Start `network` from the encoder of a Keras file, such as the ImageNet downloads.

    Raises
    ------
    WeightsError
        If the file's encoder has another width, or does not pair one to one.
    """
    file = read_source(path)
    problems = list(file.problems)
    family = families.recognize(file, None, {}, problems)
    if family is None:
        raise WeightsError(path, [*problems, "its layers are not named like MobileNetV2's"])
    graph = families.unet(replace(network.architecture, input_channels=_n_channels(family.named)))
    kept = tuple(
        node
        for node in graph.nodes
        if node.name in families.encoder_kinds() or (not node.layout and not node.name.startswith("re_lu"))
    )
    named = {name: layer for name, layer in family.named.items() if name in families.encoder_kinds()}
    encoder = replace(graph, nodes=tuple(node for node in kept if node.kind != "Concatenate"))
    encoder = replace(encoder, output=encoder.nodes[-1].name)
    pairings, _ = mapping.pair(file, encoder, named, encoder.trace(), families.UNUSED, problems)
    if problems:
        raise WeightsError(path, problems)
    values = {pairing.key: pairing.array for pairing in pairings}
    if values[_FIRST].shape[2] == 3 != network.architecture.input_channels:
        values[_FIRST] = _grey(values[_FIRST], network.architecture.input_channels)
    state = Network(encoder, values).state(torch.float32)
    _load(network, state, strict=False)


def unet_module(network: Network) -> UNet:
    """The production network with these tensors, in evaluation mode, float32."""
    if network.unet is None:
        reason = network.no_unet or f"{network.graph.name} is not the U-Net that segments"
        raise WeightsError(network.source.get("name", "network"), [reason])
    module = UNet(network.unet)
    _load(module, network.state(torch.float32), strict=True)
    return module.eval()


def _load(module: UNet, state: dict[str, torch.Tensor], *, strict: bool) -> None:
    target = module.state_dict()
    for key, tensor in state.items():
        layer, role = key.rsplit(".", 1)
        target[f"{families.unet_key(layer)}.{role}"].copy_(tensor)
    left = {key for key in target if not key.endswith("num_batches_tracked")} - {
        f"{families.unet_key(key.rsplit('.', 1)[0])}.{key.rsplit('.', 1)[1]}" for key in state
    }
    if strict and left:
        raise ValueError(f"tensors without a source: {sorted(left)}")


def network_of(unet: UNet, assay: Assay | None = None) -> Network:
    """The tensors of a U-Net, and its assay, in the form that can be written to other frameworks."""
    state = {key: tensor.detach().cpu().numpy() for key, tensor in unet.state_dict().items()}
    graph = families.unet(unet.architecture)
    named = {
        f"{node.name}.{role.torch}": state[f"{families.unet_key(node.name)}.{role.torch}"]
        for node in graph.layers
        for role in graph.roles(node)
    }
    return Network(graph, values_of_state(graph, named), unet.architecture, assay=assay)


def export_keras(path: str | Path, network: UNet, assay: Assay | None = None) -> None:
    """Write the network for another framework, by suffix: see `livedead.weights.networks.WRITERS`."""
    write_network(path, network_of(network, assay))


def trained_certificate(network: UNet, assay: Assay, source: dict[str, Any]) -> dict[str, Any]:
    """The certificate of weights that were trained here; `source` says on what.

    Raises
    ------
    WeightsError
        If the training left a network that gives no finite numbers.
    """
    _check_sound("the trained network", network)
    return {
        "source": source,
        "architecture": network.architecture.as_dict(),
        "graph": None,
        "classes": assay.classes,
        "input_channels": assay.input_channels,
        "classes_verified": True,
        "input_scaling": INPUT_SCALING,
        "tensors": [
            {"target": key, "shape": list(array.shape), "sha256": tensor_sha256(array)}
            for key, array in _arrays(network).items()
        ],
    }


def certificate_beside(path: str | Path, certificate: dict[str, Any]) -> dict[str, Any]:
    """What the JSON beside a weight file says: its certificate and its own hash."""
    return {**certificate, "unet_sha256": file_sha256(path)}


def save_unet(path: str | Path, network: UNet, certificate: dict[str, Any]) -> None:
    """Write tensors and certificate as safetensors; equal content, equal bytes."""
    _save(path, _arrays(network), certificate)


def save_network(path: str | Path, network: Network, certificate: dict[str, Any]) -> None:
    """The same for any network: a U-Net under its module's names, others under their layers'."""
    if network.unet is not None:
        save_unet(path, unet_module(network), certificate)
    else:
        _save(path, {key: tensor.numpy() for key, tensor in network.state().items()}, certificate)


def _arrays(network: UNet) -> dict[str, np.ndarray]:
    return {key: tensor.detach().cpu().numpy() for key, tensor in network.state_dict().items()}


def _save(path: str | Path, arrays: dict[str, np.ndarray], certificate: dict[str, Any]) -> None:
    sealed = {**certificate, _SEAL: value_sha256(certificate)}
    # One metadata key only: safetensors writes several in random order.
    metadata = {METADATA_KEY: json.dumps(sealed, sort_keys=True)}
    contiguous = {key: np.asarray(array, order="C") for key, array in arrays.items()}
    write_bytes(path, safetensors.numpy.save(contiguous, metadata))


def read_certificate(path: str | Path) -> dict[str, Any]:
    """The certificate inside a safetensors file.

    Raises
    ------
    WeightsError
        If the file has none, naming the command that makes one, or if it was changed.
    """
    try:
        with safe_open(path, framework="np") as file:
            metadata = file.metadata() or {}
    except (OSError, SafetensorError, ValueError) as error:
        raise WeightsError(
            path, [f"not a readable safetensors file: {error}; make one with '{MAKE_ONE}'"]
        ) from error
    if METADATA_KEY not in metadata:
        raise WeightsError(
            path,
            [
                f"no certificate; make the file with '{MAKE_ONE}' "
                "or 'snakemake results/weights/unet.safetensors'"
            ],
        )
    try:
        certificate: dict[str, Any] = json.loads(metadata[METADATA_KEY])
        seal = certificate.pop(_SEAL, None)
    except (ValueError, AttributeError, RecursionError) as error:
        raise WeightsError(path, [f"damaged certificate: {error}"]) from error
    if seal != value_sha256(certificate):
        raise WeightsError(
            path, [f"the certificate was changed after it was made; make it anew: '{MAKE_ONE}'"]
        )
    return certificate


def load_unet(path: str | Path) -> tuple[UNet, dict[str, Any]]:
    """The U-Net, in evaluation mode, and its certificate, every tensor checked against it.

    Raises
    ------
    WeightsError
        If there is no certificate, a tensor is not the one that was certified, or the network
        gives no finite numbers.
    """
    certificate = read_certificate(path)
    if not certificate.get("architecture"):
        raise WeightsError(path, ["not the U-Net that segments, but another network"])
    arrays = _certified_arrays(path, certificate)
    network = UNet(Architecture.from_dict(certificate["architecture"]))
    try:
        network.load_state_dict({key: torch.from_numpy(array) for key, array in arrays.items()})
    except RuntimeError as error:
        raise WeightsError(path, str(error).splitlines()) from error
    network.eval()
    _check_sound(path, network)
    return network, certificate


def load_network(path: str | Path) -> tuple[Network, dict[str, Any]]:
    """Any certified network, and its certificate, every tensor checked against it."""
    certificate = read_certificate(path)
    if certificate.get("architecture"):
        unet, certificate = load_unet(path)
        source = certificate["source"]
        network = network_of(unet, Assay.certified(certificate))
        graph = families.unet(unet.architecture, nested=bool(source.get("nested")))
        activation = certificate.get("head_activation", "linear")
        return replace(network, graph=graph, source=source, head_activation=activation), certificate
    arrays = _certified_arrays(path, certificate)
    try:
        graph = parse_architecture(certificate["graph"])
        values = values_of_state(graph, arrays)
    except (ArchitectureError, KeyError) as error:
        raise WeightsError(path, [f"certificate and tensors do not fit: {error}"]) from error
    return Network(graph, values, None, certificate["source"]), certificate


def _certified_arrays(path: str | Path, certificate: dict[str, Any]) -> dict[str, np.ndarray]:
    try:
        with safe_open(path, framework="np") as file:
            arrays = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118 (a handle, not a dict)
    except (OSError, SafetensorError, ValueError, TypeError) as error:
        raise WeightsError(path, [f"damaged safetensors file: {error}"]) from error
    recorded = {record["target"]: record for record in certificate.get("tensors", [])}
    # PyTorch's own counter of training steps, which no other framework has: zero if converted.
    counted = {key for key in arrays if key.endswith("num_batches_tracked") and not arrays[key].any()}
    problems = [f"tensor {key}: certified, but absent" for key in sorted(set(recorded) - set(arrays))]
    problems += [f"tensor {key}: not certified" for key in sorted(set(arrays) - set(recorded) - counted)]
    for key in sorted(set(arrays) & set(recorded)):
        found, expected = tensor_sha256(arrays[key]), recorded[key]["sha256"]
        if found != expected or list(arrays[key].shape) != recorded[key]["shape"]:
            problems.append(
                f"tensor {key}: sha256 {found[:12]}..., certified {expected[:12]}...: it has changed"
            )
    if problems:
        raise WeightsError(path, problems)
    return arrays


def tensor_sha256(array: np.ndarray) -> str:
    """SHA-256 of a tensor's values in its own dtype, little-endian, row by row."""
    little = np.asarray(array, dtype=array.dtype.newbyteorder("<"), order="C")
    return hashlib.sha256(little.tobytes()).hexdigest()


def load_any(path: str | Path, **options: Any) -> Network:
    """A network from a certified file or from one of Keras or Flax."""
    if has_certificate(path):
        return load_network(path)[0]
    return read_network(path, **options)


def has_certificate(path: str | Path) -> bool:
    """Whether a file is safetensors of this workflow, by its header alone."""
    if Path(path).suffix != ".safetensors":
        return False
    try:
        with safe_open(path, framework="np") as file:
            return METADATA_KEY in (file.metadata() or {})
    except (OSError, SafetensorError, ValueError):
        return False


def _match_input(
    path: str | Path,
    network: Network,
    n_channels: int | None,
    classes: list[dict[str, str]] | None,
) -> tuple[Network, str]:
    """The same network for the channels that the workflow feeds, and what was done."""
    if n_channels is None and classes is None:
        return network, "as in the file"
    if network.unet is None:
        reason = network.no_unet or (
            f"the file holds {network.graph.name}, not the U-Net that segments: an encoder alone has no "
            "decoder and can only start a training"
        )
        raise WeightsError(path, [reason])
    problems = []
    architecture = network.unet
    if classes is not None:
        problems += _miscounted(architecture, classes)
    found = architecture.input_channels
    if n_channels is not None and found not in (n_channels, 3):
        problems.append(f"the network reads {found} channel(s), the configuration feeds {n_channels}")
    if problems:
        raise WeightsError(path, problems)
    if n_channels is None or found == n_channels:
        return network, "as in the file"
    architecture = replace(architecture, input_channels=n_channels)
    values = {**network.values, _FIRST: _grey(network.values[_FIRST], n_channels)}
    graph = families.unet(architecture, nested=bool(network.source.get("nested")))
    return (
        replace(network, graph=graph, values=values, unet=architecture),
        f"RGB filters summed over colours, over {n_channels} channel(s)",
    )


def _miscounted(architecture: Architecture, classes: list[dict[str, str]]) -> list[str]:
    """What to say of a configuration with more or fewer classes than the network has."""
    if architecture.n_classes == len(classes):
        return []
    names = ", ".join(entry["name"] for entry in classes)
    return [
        f"the network tells {architecture.n_classes} classes apart, the configuration names "
        f"{len(classes)}: {names}"
    ]


def _grey(kernel: np.ndarray, n_channels: int) -> np.ndarray:
    """First filters for grey input made from RGB ones, (h, w, 3, o) -> (h, w, n, o)."""
    filters = grey_filters(torch.from_numpy(kernel.transpose(3, 2, 0, 1)), n_channels)
    return filters.numpy().transpose(2, 3, 1, 0)


def _n_channels(named: dict[str, Any]) -> int:
    tensors = named["Conv1"].tensors if "Conv1" in named else {}
    kernel = next((array for array in tensors.values() if array.ndim == 4), None)
    return 3 if kernel is None else kernel.shape[2]


def _records(network: Network) -> list[dict[str, Any]]:
    """Where each tensor came from and what became of it."""
    traced = network.graph.trace()
    graph: Graph = network.graph
    records = []
    for pairing in network.pairings:
        node = next(node for node in graph.layers if node.name == pairing.node.name)
        array = torch_tensor(node, pairing.role, network.values[pairing.key], traced[node.name])
        if network.unet is not None:
            array = array.astype(np.float32, copy=False)
            target = f"{families.unet_key(node.name)}.{pairing.role.torch}"
        else:
            target = f"{node.name}.{pairing.role.torch}"
        record = {
            "source": pairing.source,
            "target": target,
            "axes": list(pairing.role.axes),
            "shape": list(array.shape),
            "dtype": f"{pairing.array.dtype.name} -> {array.dtype.name}",
            "sha256": tensor_sha256(array),
        }
        if traced[node.name].input_order is not None:
            record["features"] = "of a flatten, from (H, W, C) to (C, H, W)"
        records.append(record)
    return records
