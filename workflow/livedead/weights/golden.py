"""A network against outputs that its own framework gave: layer by layer, by name.

A golden file is an ``.npz`` with ``x`` (N, H, W, C), ``output`` of all samples, and
``act/<layer>`` of the first sample, each as the framework gave it, channels last.
"""

import math
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from livedead.errors import WeightsError
from livedead.provenance import file_sha256
from livedead.weights.certificate import unet_module
from livedead.weights.families import canonical, encoder_kinds
from livedead.weights.graphs import ArchitectureError, Graph, Node, Traced
from livedead.weights.kinds import ACTIVATIONS
from livedead.weights.mapping import CLASSES, counter, match_names
from livedead.weights.networks import Network

TOLERANCES = {torch.float32: 1e-4, torch.float64: 1e-9}
"""Largest error, as a share of the range of the expected values."""

CLIPPING = ("ReLU", "Activation")
"""Kinds that pass the rounding of what enters them on, but only a part of its range."""

MAX_BYTES = 2 * 2**30


@dataclass(frozen=True)
class Comparison:
    """One tensor against the golden one.

    Attributes
    ----------
    error : float
        Largest absolute difference; infinite where shapes differ or a value is not finite.
    scale : float
        Range of the expected values; of what enters a layer that clips (`CLIPPING`), if larger.
    """

    name: str
    layer: str
    error: float
    scale: float
    note: str = ""

    @property
    def relative(self) -> float:
        """Error as a share of the range; a constant output counts its size instead."""
        return 0.0 if self.error == 0 else self.error / self.scale if self.scale else math.inf


@dataclass(frozen=True)
class Report:
    """The outcome of a golden check, in model order, the output last."""

    golden_sha256: str
    dtype: str
    tolerance: float
    comparisons: list[Comparison]
    skipped: list[str]

    @property
    def first_failure(self) -> Comparison | None:
        """The first tensor over the tolerance."""
        failures = [found for found in self.comparisons if not found.relative <= self.tolerance]
        return failures[0] if failures else None

    def as_dict(self) -> dict[str, Any]:
        """JSON values for the certificate."""
        return {
            "golden_sha256": self.golden_sha256,
            "dtype": self.dtype,
            "tolerance": self.tolerance,
            "passed": self.first_failure is None,
            "max_error_of_range": {
                found.name: float(f"{found.relative:.3g}") if math.isfinite(found.relative) else None
                for found in self.comparisons
            },
            "not_compared": self.skipped,
        }


def read_golden(path: str | Path) -> dict[str, np.ndarray]:
    """The arrays of a golden file; pickled objects are refused.

    Raises
    ------
    WeightsError
        Listing what is missing or not an array of numbers.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            promised = sum(member.file_size for member in archive.infolist())
        if promised > MAX_BYTES:
            raise WeightsError(path, [f"unpacks to {promised:,} bytes; allowed: {MAX_BYTES:,}"])
        with np.load(path, allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
    except (OSError, ValueError, zipfile.BadZipFile, zlib.error, EOFError, KeyError) as error:
        raise WeightsError(path, [f"not a golden file (.npz of arrays): {error}"]) from error
    problems = [f"{name}: missing" for name in ("x", "output") if name not in arrays]
    problems += [
        f"{name}: expected numbers, found {array.dtype}"
        for name, array in arrays.items()
        if array.dtype.kind not in "fiu"
    ]
    if problems:
        raise WeightsError(path, problems)
    return arrays


def verify(
    network: Network, golden: str | Path, *, dtype: torch.dtype | None = None, tolerance: float | None = None
) -> Report:
    """Run a network on a golden input and compare every layer that the golden file holds.

    Parameters
    ----------
    dtype : torch.dtype, optional
        Arithmetic. If not given, the layers are computed in float64, so that only the rounding
        of the golden file is left, and judged by the dtype of the golden output; the U-Net
        that segments is run in float32 besides.
    tolerance : float, optional
        Share of the range; see `TOLERANCES`.

    Raises
    ------
    WeightsError
        If the golden file cannot be used with this network.
    """
    arrays = read_golden(golden)
    recorded = torch.float64 if arrays["output"].dtype == np.float64 else torch.float32
    judged, dtype = dtype or recorded, dtype or torch.float64
    x = _input(arrays["x"], network, golden, dtype)
    acts = {name.removeprefix("act/"): array for name, array in arrays.items() if name.startswith("act/")}
    graph = network.graph
    try:
        shapes = graph.trace(tuple(x.shape[2:]))
    except ArchitectureError as error:
        raise WeightsError(golden, [f"x of shape {arrays['x'].shape}: {error}"]) from error
    layers = match_layers({name: _sample_shape(array) for name, array in acts.items()}, network, shapes)
    state = network.state(dtype)
    with torch.no_grad():
        try:
            first = graph.run(state, x[:1])
            output = graph.run(state, x, keep={})[graph.output]
        except RuntimeError as error:
            reason = f"the network cannot run on x of shape {arrays['x'].shape}: {error}"
            raise WeightsError(golden, [reason]) from error
        output = ACTIVATIONS[network.head_activation](output)
        first[graph.output] = output[:1] if network.head_activation != "linear" else first[graph.output]
        place = {node.name: k for k, node in enumerate(graph.nodes)}
        comparisons = []
        for name in sorted(layers, key=lambda name: place[layers[name]]):
            node = graph.nodes[place[layers[name]]]
            found = _channels_last(first[node.name], shapes[node.name].order)
            expected = _sample(acts[name], found)
            comparisons.append(_compare(name, node.name, found, expected, _entered(node, first)))
        found = _channels_last(output, shapes[graph.output].order)
        if network.unet is not None and judged == torch.float32:
            module = ACTIVATIONS[network.head_activation](unet_module(network)(x.float()))
            compared = _compare(
                "output of UNet", "livedead.network.unet.UNet", _channels_last(module, None), arrays["output"]
            )
            comparisons.append(compared)
    entered = _entered(graph.nodes[place[graph.output]], first)
    comparisons.append(_compare("output", graph.output, found, arrays["output"], entered))
    limit = TOLERANCES[judged] if tolerance is None else tolerance
    skipped = [f"act/{name}" for name in acts if name not in layers]
    skipped += [name for name in arrays if name not in ("x", "output") and not name.startswith("act/")]
    return Report(
        file_sha256(golden), str(judged).removeprefix("torch."), limit, comparisons, sorted(skipped)
    )


def match_layers(
    golden: dict[str, tuple[int, ...]], network: Network, traced: dict[str, Traced]
) -> dict[str, str]:
    """Which layer of the graph each golden name means; names without one are left out.

    Containers name one layer differently. Tried in turn: the names in the weight file, those of
    nested models and of MobileNetV2, the graph's, counters in model order, and, where a golden
    file holds some of a class only, the one layer of the class with such an output.

    Parameters
    ----------
    golden : dict
        Name -> shape of one sample, channels first.
    """
    graph = network.graph
    known = {node.name for node in graph.nodes}
    by_file = {original: name for name, original in network.source.get("names", {}).items() if name in known}
    encoder = set(encoder_kinds())
    matched: dict[str, str] = {}
    for name in golden:
        if counter(name) and name in by_file:
            matched[name] = by_file[name]
        elif name in graph.aliases:
            matched[name] = graph.aliases[name]
        elif canonical(name) in encoder and canonical(name) in known:
            matched[name] = canonical(name)
    nodes = [node for node in graph.nodes if node.name not in matched.values()]
    left = {name: name.rsplit("/", 1)[-1] for name in golden if name not in matched}
    found = match_names(list(left.values()), nodes) if len(set(left.values())) == len(left) else {}
    by_last = _by_last_part(graph)
    for name, last in left.items():
        node = name if name in known and not counter(name) else found.get(last) or by_last.get(last)
        if node is not None and traced[node].shape == golden[name]:
            matched[name] = node
            continue
        stem = counter(last)
        fits = [
            node.name
            for node in nodes
            if stem and node.kind in CLASSES[stem[0]] and traced[node.name].shape == golden[name]
        ]
        if node is not None or len(fits) == 1:
            matched[name] = fits[0] if len(fits) == 1 else str(node)
    return matched


def _sample_shape(array: np.ndarray) -> tuple[int, ...]:
    """Shape of one sample of an activation, channels first, with or without the axis of samples."""
    shape = array.shape[1:] if array.ndim in (2, 4) and array.shape[0] == 1 else array.shape
    return (shape[-1], *shape[:-1]) if shape else ()


def _by_last_part(graph: Graph) -> dict[str, str]:
    parts: dict[str, list[Node]] = {}
    for node in graph.nodes:
        parts.setdefault(node.name.rsplit("/", 1)[-1], []).append(node)
    return {part: nodes[0].name for part, nodes in parts.items() if len(nodes) == 1}


def _input(x: np.ndarray, network: Network, golden: str | Path, dtype: torch.dtype) -> torch.Tensor:
    expected = network.graph.input_shape
    if x.ndim == len(expected) and x.shape[-1] == expected[-1]:
        x = x[None]
    if x.ndim == 4 and expected[-1] == 1 and x.shape[-1] == 3 and (x == x[..., :1]).all():
        # A network whose RGB filters were summed sees a grey picture once.
        x = x[..., :1]
    if x.ndim != len(expected) + 1 or x.shape[-1] != expected[-1]:
        reason = f"x: expected shape (N, {', '.join(map(str, expected))}), found {x.shape}"
        raise WeightsError(golden, [reason])
    return torch.from_numpy(np.ascontiguousarray(np.moveaxis(x, -1, 1))).to(dtype)


def _channels_last(x: torch.Tensor, order: np.ndarray | None) -> np.ndarray:
    array = x.movedim(1, -1).numpy()
    return array if order is None else array[..., np.argsort(order)]


def _sample(expected: np.ndarray, found: np.ndarray) -> np.ndarray:
    """The first sample, (1, ...), whether the golden file holds it with or without that axis."""
    return expected[None] if expected.ndim == found.ndim - 1 else expected[:1]


def _entered(node: Node, outputs: dict[str, torch.Tensor]) -> float:
    """Range of what enters a layer that clips; 0 for any other."""
    return float(np.ptp(outputs[node.inputs[0]].numpy())) if node.kind in CLIPPING and node.inputs else 0.0


def _compare(
    name: str, layer: str, found: np.ndarray, expected: np.ndarray, entered: float = 0.0
) -> Comparison:
    if expected.ndim == found.ndim - 1 and expected.shape == found.shape[1:]:
        expected = expected[None]
    if found.shape != expected.shape:
        note = f"shape {found.shape}, expected {expected.shape}"
        return Comparison(name, layer, math.inf, 0.0, note)
    expected = expected.astype(np.float64)
    error = float(np.abs(found - expected).max(initial=0.0))
    if not math.isfinite(error):
        return Comparison(name, layer, math.inf, 0.0, "not finite")
    scale = float(np.ptp(expected)) or float(np.abs(expected).max(initial=0.0))
    return Comparison(name, layer, error, max(scale, entered))
