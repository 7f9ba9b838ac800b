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

from livedead.provenance import file_sha256
from livedead.weights.kinds import ACTIVATIONS
from livedead.weights.names import counter, match
from livedead.weights.network import Network, as_unet
from livedead.weights.refusals import RefusedError, refuse, refusing

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
        return next((found for found in self.comparisons if not found.relative <= self.tolerance), None)

    def as_dict(self) -> dict[str, Any]:
        """JSON values for the certificate."""
        errors = {found.name: found.relative for found in self.comparisons}
        return {
            "golden_sha256": self.golden_sha256,
            "dtype": self.dtype,
            "tolerance": self.tolerance,
            "passed": self.first_failure is None,
            "max_error_of_range": {
                name: float(f"{error:.3g}") if math.isfinite(error) else None
                for name, error in errors.items()
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
    with refusing(path):
        try:
            with zipfile.ZipFile(path) as archive:
                promised = sum(member.file_size for member in archive.infolist())
            if promised > MAX_BYTES:
                raise RefusedError(f"unpacks to {promised:,} bytes; allowed: {MAX_BYTES:,}")
            with np.load(path, allow_pickle=False) as file:
                arrays = {name: file[name] for name in file.files}
        except (OSError, ValueError, zipfile.BadZipFile, zlib.error, EOFError, KeyError) as error:
            raise RefusedError(f"not a golden file (.npz of arrays): {error}") from error
        refuse(*(f"{name}: missing" for name in ("x", "output") if name not in arrays))
        for name, array in arrays.items():
            if array.dtype.kind not in "fiu":
                refuse(f"{name}: expected numbers, found {array.dtype}")
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
    judged = dtype or recorded
    acts = {name.removeprefix("act/"): name for name in arrays if name.startswith("act/")}
    layers = match_layers(list(acts), network)
    expected = {"": arrays["output"], **{name: arrays[acts[name]] for name in layers}}
    with refusing(golden), torch.no_grad():
        x = _input(arrays["x"], network.graph.input_shape).to(dtype or torch.float64)
        try:
            comparisons = _compared(network, x, layers, expected, in_float32=judged == torch.float32)
        except (RefusedError, RuntimeError) as error:
            reason = f"the network cannot run on x of shape {arrays['x'].shape}: {error}"
            raise RefusedError(reason) from error
    skipped = set(arrays) - {"x", "output"} - {acts[name] for name in layers}
    limit = TOLERANCES[judged] if tolerance is None else tolerance
    name = str(judged).removeprefix("torch.")
    return Report(file_sha256(golden), name, limit, comparisons, sorted(skipped))


def match_layers(names: list[str], network: Network) -> dict[str, str]:
    """Which layer of the graph each golden name means; names without one are left out.

    Containers name one layer differently. Tried in turn: the names in the weight file, those of
    nested models, and what `livedead.weights.names` makes of the others.
    """
    graph, named = network.graph, network.source.get("names", {})
    in_file = {named[node.name]: node.name for node in graph.nodes if node.name in named}
    meant = {name: in_file[name] for name in names if counter(name) and name in in_file}
    meant = {name: graph.aliases[name] for name in names if name in graph.aliases} | meant
    left = {name.rsplit("/", 1)[-1]: name for name in names if name not in meant}
    nodes = [node for node in graph.nodes if node.name not in meant.values()]
    return meant | {left[last]: node for last, node in match(list(left), nodes).items()}


def _compared(
    network: Network,
    x: torch.Tensor,
    layers: dict[str, str],
    expected: dict[str, np.ndarray],
    *,
    in_float32: bool,
) -> list[Comparison]:
    """Every layer of the first sample in model order, then the output of all samples, named ``""``."""
    graph, activation = network.graph, ACTIVATIONS[network.head_activation]
    traced, state = graph.trace(tuple(x.shape[2:])), network.state(x.dtype)
    first = graph.run(state, x[:1])
    output = activation(graph.run(state, x, keep=())[graph.output])
    if network.head_activation != "linear":
        first[graph.output] = output[:1]
    comparisons = []
    for node in graph.nodes:
        clips = node.kind in CLIPPING and node.inputs
        entered = float(np.ptp(first[node.inputs[0]].numpy())) if clips else 0.0
        for name in [name for name, layer in layers.items() if layer == node.name]:
            found, wanted = _channels_last(first[node.name], traced[node.name].order), expected[name]
            sample = wanted[None] if wanted.ndim == found.ndim - 1 else wanted[:1]
            comparisons.append(_compare(name, node.name, found, sample, entered))
        if node.name == graph.output:
            found = _channels_last(output, traced[node.name].order)
            last = _compare("output", node.name, found, expected[""], entered)
    if network.unet is not None and in_float32:
        found = _channels_last(activation(as_unet(network)(x.float())), None)
        comparisons.append(_compare("output of UNet", "livedead.network.unet.UNet", found, expected[""]))
    return [*comparisons, last]


def _input(x: np.ndarray, expected: tuple[int | None, ...]) -> torch.Tensor:
    if x.ndim == len(expected) and x.shape[-1] == expected[-1]:
        x = x[None]
    if x.ndim == 4 and expected[-1] == 1 and x.shape[-1] == 3 and (x == x[..., :1]).all():
        # A network whose RGB filters were summed sees a grey picture once.
        x = x[..., :1]
    if x.ndim != len(expected) + 1 or x.shape[-1] != expected[-1]:
        raise RefusedError(f"x: expected shape (N, {', '.join(map(str, expected))}), found {x.shape}")
    return torch.from_numpy(np.ascontiguousarray(np.moveaxis(x, -1, 1)))


def _channels_last(x: torch.Tensor, order: np.ndarray | None) -> np.ndarray:
    array = x.movedim(1, -1).numpy()
    return array if order is None else array[..., np.argsort(order)]


def _compare(
    name: str, layer: str, found: np.ndarray, expected: np.ndarray, entered: float = 0.0
) -> Comparison:
    if expected.ndim == found.ndim - 1 and expected.shape == found.shape[1:]:
        expected = expected[None]
    if found.shape != expected.shape:
        return Comparison(name, layer, math.inf, 0.0, f"shape {found.shape}, expected {expected.shape}")
    expected = expected.astype(np.float64)
    error = float(np.abs(found - expected).max(initial=0.0))
    if not math.isfinite(error):
        return Comparison(name, layer, math.inf, 0.0, "not finite")
    scale = float(np.ptp(expected)) or float(np.abs(expected).max(initial=0.0))
    return Comparison(name, layer, error, max(scale, entered))
