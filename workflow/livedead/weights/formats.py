"""Any weight file -> a `Network`, told apart by content; and back, in the format that the suffix tells."""

import logging
from dataclasses import replace
from pathlib import Path
from typing import Any

import h5py
import torch
import yaml

from livedead import yaml_files
from livedead.errors import ConfigError, WeightsError
from livedead.network.unet import STRIDE, Architecture
from livedead.provenance import file_sha256
from livedead.weights import certificate
from livedead.weights.architectures import graph_of, graph_of_keras
from livedead.weights.assay import Assay
from livedead.weights.families import UNUSED, architecture_graph, unet_graph
from livedead.weights.flax_trees import read_flax, write_flax
from livedead.weights.graph import Graph
from livedead.weights.keras_files import read_keras, write_legacy, write_numbered
from livedead.weights.names import assign
from livedead.weights.network import Network, as_unet, pair, unet_defects
from livedead.weights.recognition import Family, recognize
from livedead.weights.refusals import RefusedError, refuse, refusing
from livedead.weights.sources import SourceFile, SourceLayer

log = logging.getLogger(__name__)

CHECK_SIDE = 64
CHECK_TOLERANCE = 1e-3
"""Of the range: what a U-Net and the configuration in its own file may differ by."""

WRITERS = {
    ".weights.h5": write_numbered,
    ".h5": write_legacy,
    ".msgpack": write_flax,
    ".flax.safetensors": write_flax,
}
"""Suffix -> writer, the longest suffix first."""

_UNKNOWN = (
    "neither its names nor a configuration tell which network this is; pass --architecture with a YAML "
    "file, such as those of config/examples/architectures"
)


def read(
    path: str | Path,
    *,
    architecture: str | Path | None = None,
    choices: dict[str, Any] | None = None,
    allow_half: bool = False,
    sha256: str | None = None,
) -> Network:
    """Read a network from a file of Keras or Flax, every tensor matched by name, or from a certified one.

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
    if certificate.is_in(path):
        return _read_certified(path)
    choices = {key: value for key, value in (choices or {}).items() if value is not None}
    with refusing(path) as problems:
        file = read_source(path, allow_half=allow_half)
        found = refuse_changed(path, sha256)
        given, unet = (None, None) if architecture is None else read_architecture(architecture)
        config = _described(file) if given is None else None
        family = None
        if given is None or unet is not None or given.name.startswith("mobilenet_v2"):
            family = _family(file, config, choices)
        graph = given or (family.graph if family else config)
        if graph is None:
            raise RefusedError(*([] if problems else [_UNKNOWN]))
        named = family.named if family else assign(file, graph)
        pairings, ignored = pair(file, graph, named, UNUSED if family else ())
        source = _source(path, file, family, named, found)
    network = Network.of_pairings(
        graph,
        pairings,
        unet=unet or (family.unet if family and given is None else None),
        source=source,
        ignored=ignored + file.skipped,
        assay=file.assay,
    )
    return _compared_with(config, network, file, path) if config and network.unet else network


def _source(
    path: str | Path, file: SourceFile, family: Family | None, named: dict[str, SourceLayer], sha256: str
) -> dict[str, Any]:
    """What the certificate says of the file."""
    return {
        "name": Path(path).name,
        "sha256": sha256,
        "container": file.container,
        "scheme": family.scheme if family else "",
        "nested": file.nested,
        "names": {name: layer.name for name, layer in named.items()} if file.named else {},
    }


def read_source(path: str | Path, *, allow_half: bool = False) -> SourceFile:
    """Read the layers of a file of Keras or Flax.

    Raises
    ------
    RefusedError
        If nothing can be read; other defects are noted.
    """
    path = Path(path)
    if path.suffix in (".msgpack", ".safetensors") and path.is_file() and not h5py.is_hdf5(path):
        with open(path, "rb") as stream:
            head = stream.read(512).lstrip()
        if not head.startswith((b"version https", b"<", b"\x80\x02", b"\x80\x03", b"\x80\x04", b"PK")):
            return read_flax(path, allow_half=allow_half)
    return read_keras(path, allow_half=allow_half)


def refuse_changed(path: str | Path, recorded: str | None) -> str:
    """The hash of a file, which is refused if another one was recorded."""
    found = file_sha256(path)
    if recorded not in (None, found):
        refuse(f"the file's sha256 is {found}, recorded is {recorded}: it has changed")
    return found


def read_architecture(path: str | Path) -> tuple[Graph, Architecture | None]:
    """The architecture in a file: layers or a family in YAML, or what Keras's ``to_json`` writes.

    Raises
    ------
    WeightsError
        Listing every problem.
    """
    with refusing(path):
        try:
            values = yaml_files.read(path)
        except (OSError, UnicodeDecodeError, yaml.YAMLError, ConfigError) as error:
            raise RefusedError(f"not a readable architecture: {error}") from error
        if isinstance(values, dict) and "class_name" in values:
            return graph_of_keras(values), None
        return architecture_graph(values)


def _read_certified(path: str | Path) -> Network:
    arrays, record = certificate.read_tensors(path)
    source, activation = record["source"], record.get("head_activation", "linear")
    unet = Architecture.from_dict(record["architecture"]) if record.get("architecture") else None
    with refusing(path):
        try:
            network = Network.from_arrays(
                unet_graph(unet, nested=bool(source.get("nested"))) if unet else graph_of(record["graph"]),
                arrays,
                unet=unet,
                source=source,
                head_activation=activation,
                assay=Assay.certified(record) if unet else None,
                certificate=record,
            )
        except KeyError as error:
            raise RefusedError(f"certificate and tensors do not fit: {error}") from error
        if unet:
            refuse(*unet_defects(as_unet(network)))
    return network


def _described(file: SourceFile) -> Graph | None:
    """The graph that the file's own configuration describes."""
    if file.config is None:
        if "archive" in file.container or "full" in file.container:
            refuse("the model's configuration is missing or damaged")
        return None
    try:
        return graph_of_keras(file.config)
    except RefusedError as error:
        refuse(*(f"configuration: {problem}" for problem in error.problems))
        return None


def _family(file: SourceFile, config: Graph | None, choices: dict[str, Any]) -> Family | None:
    """The family of a file whose layers are named like one."""
    try:
        if config is None:
            return recognize(file, None, choices)
        with refusing():
            family = recognize(file, config, choices)
        return family if family and family.unet else None
    except ValueError as error:
        raise RefusedError(str(error)) from error
    except RefusedError:
        # What is no U-Net is described better by its own configuration than by its names.
        if config is None:
            raise
        return None


def _compared_with(config: Graph, network: Network, file: SourceFile, path: str | Path) -> Network:
    """The U-Net, after it was run against the configuration that the file holds.

    Names and shapes cannot tell an epsilon, a padding or a skip; two runs do.
    """
    with refusing(path):
        pairings, _ = pair(file, config, assign(file, config))
    other = Network.of_pairings(
        config, pairings, source=network.source, ignored=network.ignored, assay=network.assay
    )
    logits, activation = _without_activation(config)
    sides = [
        side if side and side % STRIDE == 0 and side <= 256 else CHECK_SIDE for side in config.input_shape[:2]
    ]
    generator = torch.Generator().manual_seed(0)
    x = torch.rand((1, config.input_shape[-1] or 3, *sides), generator=generator) * 2 - 1
    with torch.no_grad():
        theirs = logits.run(other.state(torch.float32), x, keep=())[logits.output]
        ours = network.graph.run(network.state(torch.float32), x, keep=())[network.graph.output]
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


def write(path: str | Path, network: Network, *, nested: bool | None = None) -> None:
    """Write a network; as ``.safetensors`` with the certificate that it has.

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
        graph = unet_graph(network.unet, nested=nested)
    for suffix, writer in WRITERS.items():
        if str(path).endswith(suffix):
            writer(path, graph, network.values, network.assay)
            return
    if Path(path).suffix != ".safetensors" or not network.certificate:
        raise WeightsError(path, [f"unknown suffix; known: {', '.join(WRITERS)}, .safetensors"])
    certificate.write_tensors(path, network.arrays(), network.certificate)
