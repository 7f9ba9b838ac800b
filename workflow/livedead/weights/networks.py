"""A network with its tensors, read from any known file and written to any known format."""

import logging
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import torch
from torch import Tensor

from livedead.errors import WeightsError
from livedead.network.unet import STRIDE, Architecture
from livedead.provenance import file_sha256
from livedead.weights import families, keras_files, mapping
from livedead.weights.assay import Assay
from livedead.weights.flax_trees import read_flax, write_flax
from livedead.weights.graphs import (
    ArchitectureError,
    Graph,
    Node,
    Traced,
    graph_of_keras,
    read_values,
)
from livedead.weights.layouts import Role, to_keras, to_torch
from livedead.weights.sources import SourceFile

log = logging.getLogger(__name__)

CHECK_SIDE = 64
CHECK_TOLERANCE = 1e-3
"""Of the range: what a U-Net and the configuration in its own file may differ by."""


@dataclass(frozen=True)
class Network:
    """A network and its tensors.

    Attributes
    ----------
    graph : Graph
    values : dict
        ``layer/role`` -> tensor in Keras axes.
    unet : Architecture or None
        For a U-Net.
    source : dict
        What it was read from: name, sha256, container, scheme, names.
    pairings : list of mapping.Pairing
        Where each tensor came from; empty for a network that was not converted.
    ignored : list of str
    head_activation : str
        Activation of the U-Net's last layer in the file, which is left out here.
    no_unet : str
        Why a network with a U-Net's layers is not taken for one.
    assay : Assay or None
        Channels and classes, where they came with the tensors.
    """

    graph: Graph
    values: dict[str, np.ndarray]
    unet: Architecture | None = None
    source: dict[str, Any] = field(default_factory=dict)
    pairings: list[mapping.Pairing] = field(default_factory=list)
    ignored: list[str] = field(default_factory=list)
    head_activation: str = "linear"
    no_unet: str = ""
    assay: Assay | None = None

    def state(self, dtype: torch.dtype | None = None) -> dict[str, Tensor]:
        """The tensors in PyTorch's layout, ``layer.role`` -> Tensor."""
        traced = self.graph.trace()
        state = {}
        for node in self.graph.layers:
            for role in self.graph.roles(node):
                array = torch_tensor(node, role, self.values[f"{node.name}/{role.keras}"], traced[node.name])
                state[f"{node.name}.{role.torch}"] = torch.from_numpy(np.array(array)).to(dtype)
        return state


def torch_tensor(node: Node, role: Role, array: np.ndarray, traced: Traced) -> np.ndarray:
    """A Keras tensor in PyTorch's layout, its flattened features in PyTorch's order."""
    if traced.input_order is not None and (node.layout == "batch_norm" or role.keras == "kernel"):
        array = array[traced.input_order]
    return to_torch(node.layout, role, array)


def keras_tensor(node: Node, role: Role, array: np.ndarray, traced: Traced) -> np.ndarray:
    """The inverse of `torch_tensor`."""
    array = to_keras(node.layout, role, array, node.multiplier)
    if traced.input_order is not None and (node.layout == "batch_norm" or role.keras == "kernel"):
        array = array[np.argsort(traced.input_order)]
    return array


def values_of_state(graph: Graph, state: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Keras tensors of a state in PyTorch's layout; the inverse of `Network.state`."""
    traced = graph.trace()
    return {
        f"{node.name}/{role.keras}": keras_tensor(
            node, role, state[f"{node.name}.{role.torch}"], traced[node.name]
        )
        for node in graph.layers
        for role in graph.roles(node)
    }


def read_source(path: str | Path, *, allow_half: bool = False) -> SourceFile:
    """Read a file of Keras or Flax, told apart by content; see `SourceFile.problems`."""
    if Path(path).suffix in (".msgpack", ".safetensors") and Path(path).is_file() and not h5py.is_hdf5(path):
        with open(path, "rb") as stream:
            head = stream.read(512).lstrip()
        if not head.startswith((b"version https", b"<", b"\x80\x02", b"\x80\x03", b"\x80\x04", b"PK")):
            return read_flax(path, allow_half=allow_half)
    return keras_files.read_keras(path, allow_half=allow_half)


def read_network(
    path: str | Path,
    *,
    architecture: str | Path | None = None,
    choices: dict[str, Any] | None = None,
    allow_half: bool = False,
    sha256: str | None = None,
) -> Network:
    """Read a network from a file of Keras or Flax, every tensor matched by name.

    Parameters
    ----------
    architecture : path or str, optional
        A YAML or Keras JSON file, for networks that the file does not describe itself.
    choices : dict, optional
        What neither file nor architecture tells: ``bottom``, ``stride_padding``,
        ``top_activation``, ``pooling``.
    allow_half : bool
        Take half floats, as float32.
    sha256 : str, optional
        What the file's hash must be.

    Raises
    ------
    WeightsError
        Listing every problem of the file.
    """
    file = read_source(path, allow_half=allow_half)
    problems = list(file.problems)
    found = file_sha256(path)
    if sha256 is not None and found != sha256:
        problems.append(f"the file's sha256 is {found}, recorded is {sha256}: it has changed")
    choices = {key: value for key, value in (choices or {}).items() if value is not None}
    try:
        given = None if architecture is None else _given_architecture(architecture)
        config = _config_graph(file, problems) if given is None else None
        if config is not None:
            file = _renamed(file, config)
        family = _family(file, given, config, choices, problems)
        graph = given[0] if given else family.graph if family else config
        if graph is None:
            raise WeightsError(path, problems or [_UNKNOWN])
        named = family.named if family else mapping.assign(file, graph)
        unused = families.UNUSED if family else ()
        pairings, ignored = mapping.pair(file, graph, named, graph.trace(), unused, problems)
    except ArchitectureError as error:
        raise WeightsError(path, [*problems, *error.problems]) from error
    if problems:
        raise WeightsError(path, problems)
    network = Network(
        graph,
        {pairing.key: pairing.array for pairing in pairings},
        (given[1] if given else family.unet if family else None),
        {
            "name": Path(path).name,
            "sha256": found,
            "container": file.container,
            "scheme": family.scheme if family else "",
            "nested": file.nested,
            "names": {name: layer.name for name, layer in named.items()} if file.named else {},
        },
        pairings,
        ignored + file.skipped,
        assay=file.assay,
    )
    if network.unet is not None and config is not None:
        network = _compared_with(config, network, file, path)
    return network


_UNKNOWN = (
    "neither its names nor a configuration tell which network this is; pass --architecture with a YAML "
    "file, such as those of config/examples/architectures"
)


def _given_architecture(path: str | Path) -> tuple[Graph, Architecture | None]:
    """The architecture in a file: layers or a family in YAML, or what Keras's ``to_json`` writes."""
    values = read_values(path)
    try:
        if isinstance(values, dict) and "class_name" in values:
            return graph_of_keras(values), None
        return families.read_family(values)
    except ArchitectureError as error:
        raise WeightsError(path, error.problems) from error


def _config_graph(file: SourceFile, problems: list[str]) -> Graph | None:
    if file.config is None:
        if "archive" in file.container or "full" in file.container:
            problems.append("the model's configuration is missing or damaged")
        return None
    try:
        return graph_of_keras(file.config)
    except ArchitectureError as error:
        problems += [f"configuration: {problem}" for problem in error.problems]
        return None


def _renamed(file: SourceFile, config: Graph) -> SourceFile:
    """The file with its counted layers under the names that its configuration gives them."""
    names = {layer.path: name for name, layer in mapping.assign(file, config).items()}
    layers = [
        layer if names[layer.path].startswith("?") else replace(layer, name=names[layer.path].split("/")[-1])
        for layer in file.layers
    ]
    return replace(file, layers=layers)


def _family(
    file: SourceFile,
    given: tuple[Graph, Architecture | None] | None,
    config: Graph | None,
    choices: dict[str, Any],
    problems: list[str],
) -> families.Family | None:
    """The family of a file, where its layers are named like one and no other graph is given."""
    if given is not None and given[1] is None and not given[0].name.startswith("mobilenet_v2"):
        return None
    found: list[str] = []
    try:
        family = families.recognize(file, config, choices, found)
    except ValueError as error:
        raise error if isinstance(error, ArchitectureError) else ArchitectureError([str(error)]) from error
    if config is not None and (found or family is None or family.unet is None):
        # What is no U-Net is described better by its own configuration than by its names.
        return None
    problems += found
    return family


def _compared_with(config: Graph, network: Network, file: SourceFile, path: str | Path) -> Network:
    """The U-Net, after it was run against the configuration that the file holds.

    Names and shapes cannot tell an epsilon, a padding or a skip; two runs do.
    """
    problems: list[str] = []
    pairings, _ = mapping.pair(file, config, mapping.assign(file, config), config.trace(), (), problems)
    if problems:
        raise WeightsError(path, problems)
    other = replace(
        network,
        graph=config,
        values={pairing.key: pairing.array for pairing in pairings},
        pairings=pairings,
        unet=None,
    )
    logits, activation = _without_activation(config)
    sides = [
        side if side and side % STRIDE == 0 and side <= 256 else CHECK_SIDE for side in config.input_shape[:2]
    ]
    generator = torch.Generator().manual_seed(0)
    x = torch.rand((1, config.input_shape[-1] or 3, *sides), generator=generator) * 2 - 1
    with torch.no_grad():
        theirs = logits.run(other.state(torch.float32), x, keep={})[logits.output]
        ours = network.graph.run(network.state(torch.float32), x, keep={})[network.graph.output]
    error = float((ours - theirs).abs().max()) if ours.shape == theirs.shape else float("inf")
    scale = float(theirs.max() - theirs.min())
    if error <= CHECK_TOLERANCE * scale:
        log.info("the U-Net and the file's configuration differ by %.1e of a range of %.1e", error, scale)
        return replace(network, head_activation=activation)
    reason = (
        f"its configuration describes another network than the U-Net: their outputs differ by {error:.3g} "
        f"of a range of {scale:.3g}"
    )
    log.warning("%s: %s", path, reason)
    return replace(other, no_unet=reason)


def _without_activation(graph: Graph) -> tuple[Graph, str]:
    """The graph up to the logits, and the activation that was cut off."""
    head = next(node for node in graph.nodes if node.name == graph.output)
    if head.kind in ("Activation", "Softmax"):
        return replace(graph, output=head.inputs[0]), head.options.get("activation", "softmax")
    activation = head.options.get("activation", "linear")
    linear = replace(head, options={**head.options, "activation": "linear"})
    return replace(graph, nodes=tuple(linear if node is head else node for node in graph.nodes)), activation


WRITERS: dict[str, Callable[[str | Path, Graph, dict[str, np.ndarray], Assay | None], None]] = {
    ".weights.h5": keras_files.write_numbered,
    ".h5": keras_files.write_legacy,
    ".msgpack": write_flax,
    ".flax.safetensors": write_flax,
}
"""Suffix -> writer, the longest suffix first."""


def write_network(path: str | Path, network: Network, *, nested: bool | None = None) -> None:
    """Write a network in the format that the suffix tells.

    Parameters
    ----------
    nested : bool, optional
        For a U-Net: whether its encoder and the steps of its decoder are models of their own,
        as in the TensorFlow tutorial; as in the source if not given.

    Raises
    ------
    WeightsError
        For a suffix that is not known.
    """
    graph = network.graph
    if network.unet is not None and nested is not None:
        graph = families.unet(network.unet, nested=nested)
    for suffix, write in WRITERS.items():
        if str(path).endswith(suffix):
            write(path, graph, network.values, network.assay)
            return
    raise WeightsError(path, [f"unknown suffix; known: {', '.join(WRITERS)}, .safetensors"])
