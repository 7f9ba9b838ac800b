"""What a weight file holds, whatever its format: layers, each with named tensors."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from livedead.weights.assay import Assay
from livedead.weights.refusals import refuse
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
    """The array with the machine's byte order; its defects are refused.

    Integers, half floats (unless allowed, then as float32), NaN, infinity and values beyond float32 are
    defects.
    """
    if array.dtype == np.float16 and allow_half:
        array = array.astype(np.float32)
    if array.dtype.newbyteorder("=").name not in FLOATS:
        hint = "; --allow-half takes half floats" if array.dtype == np.float16 else ""
        refuse(f"{where}: expected {' or '.join(FLOATS)}, found {array.dtype}{hint}")
        return array
    array = np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("="))
    refuse(*(f"{where}: {defect}" for defect in not_finite(array)))
    return array
