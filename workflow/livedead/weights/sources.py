"""What a weight file holds, whatever its format: layers, each with named tensors."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from livedead.weights.assay import Assay
from livedead.weights.refusals import refuse, refuse_all

FLOATS = ("float32", "float64")


@dataclass(frozen=True)
class SourceLayer:
    """The tensors of one layer, as they lie in the file.

    `name` is the layer's own, without the models it is nested in; `path` is where it was found.
    """

    name: str
    path: str
    tensors: dict[str, np.ndarray]


@dataclass(frozen=True)
class SourceFile:
    """Everything read from one file.

    Attributes
    ----------
    container : str
        The kind of file, for people.
    dialect : str
        How tensors are named: ``keras`` (``kernel``, ``gamma``), ``numbered`` (``0``, ``1``)
        or ``flax`` (``params/kernel``).
    layers : list of SourceLayer
        In model order where the file tells it, else in natural order of their paths.
    named : bool
        Whether the names are the layers' own; else they are a class and a counter.
    config : dict or None
        The Keras configuration beside the weights.
    skipped : list of str
        What the file holds besides the weights, such as an optimizer's state.
    assay : Assay or None
        Channels and classes, where the file was written here after a training.
    """

    container: str
    dialect: str
    layers: list[SourceLayer]
    named: bool = True
    nested: bool = False
    config: dict[str, Any] | None = None
    skipped: list[str] = field(default_factory=list)
    assay: Assay | None = None


def checked(array: np.ndarray, where: str, *, allow_half: bool) -> np.ndarray:
    """The array with the machine's byte order, half floats as float32; its defects are refused."""
    if array.dtype == np.float16 and allow_half:
        array = array.astype(np.float32)
    if array.dtype.newbyteorder("=").name not in FLOATS:
        hint = "; --allow-half takes half floats" if array.dtype == np.float16 else ""
        refuse(f"{where}: expected {' or '.join(FLOATS)}, found {array.dtype}{hint}")
        return array
    array = np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("="))
    refuse_all(where, not_finite(array))
    return array


def not_finite(array: np.ndarray) -> list[str]:
    """What to say of values that float32 cannot hold; empty for a good tensor."""
    with np.errstate(over="ignore"):
        n_bad = array.size - int(np.isfinite(array.astype(np.float32, copy=False)).sum())
    return [f"{n_bad} of {array.size} values are NaN or infinite, or beyond float32 (3.4e38)"] * bool(n_bad)


def negative(variances: np.ndarray) -> list[str]:
    """What to say of negative variances, whose square root the network would divide by."""
    n_bad = int((variances < 0).sum())
    said = f"{n_bad} of {variances.size} variances are negative, down to {variances.min(initial=0):.3g}"
    return [f"{said}; allowed: 0 and more"] * bool(n_bad)
