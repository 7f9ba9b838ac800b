"""What a weight file holds, whatever its format: layers, each with named tensors."""

import re
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from livedead.weights.assay import Assay
from livedead.weights.soundness import not_finite

FLOATS = ("float32", "float64")


@dataclass(frozen=True)
class SourceLayer:
    """The tensors of one layer, as they lie in the file.

    Attributes
    ----------
    name : str
        The layer's own name, without the models it is nested in.
    path : str
        Where it was found in the file.
    tensors : dict of str -> ndarray
        Name of the tensor, in the dialect of the file -> array in the file's axes.
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
    nested : bool
        Whether layers lie in models inside the model.
    config : dict or None
        The Keras configuration beside the weights.
    skipped : list of str
        What the file holds besides the weights, such as an optimizer's state.
    problems : list of str
        Reasons not to use the file; empty for a good one.
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
    problems: list[str] = field(default_factory=list)
    assay: Assay | None = None


def checked(array: np.ndarray, where: str, problems: list[str], *, allow_half: bool) -> np.ndarray:
    """The array with the machine's byte order, its defects reported.

    Integers, half floats (unless allowed, then as float32), NaN, infinity and values beyond float32 are
    defects.
    """
    if array.dtype == np.float16 and allow_half:
        array = array.astype(np.float32)
    if array.dtype.newbyteorder("=").name not in FLOATS:
        hint = "; --allow-half takes half floats" if array.dtype == np.float16 else ""
        problems.append(f"{where}: expected {' or '.join(FLOATS)}, found {array.dtype}{hint}")
        return array
    array = np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("="))
    problems += [f"{where}: {defect}" for defect in not_finite(array)]
    return array


def natural(path: str) -> list[list[tuple[int, str]]]:
    """Sort key under which ``_2`` comes before ``_10``, and no number before ``_1``."""
    return [
        [
            (int(part), "") if part.isdigit() else (-1, part.rstrip("_"))
            for part in re.split(r"(\d+)", name)
            if part
        ]
        for name in path.split("/")
    ]
