"""Flax's variables on disk: ``params`` and ``batch_stats``, as msgpack or safetensors.

Flax itself is not needed. The msgpack form is that of ``flax.serialization.to_bytes``: nested
maps whose leaves are arrays in extension type 1, each (shape, name of the dtype, bytes).

References
----------
``flax/serialization.py``, https://github.com/google/flax
"""

import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import msgpack
import numpy as np
import safetensors.numpy
from safetensors import SafetensorError, safe_open

from livedead.stores import write_bytes
from livedead.weights import assay as assays
from livedead.weights.assay import Assay
from livedead.weights.graph import Graph
from livedead.weights.refusals import RefusedError, refuse
from livedead.weights.sources import SourceFile, SourceLayer, checked

_ARRAY = 1
_COLLECTIONS = ("params", "batch_stats")
_DTYPES = ("float16", "float32", "float64", "int8", "int16", "int32", "int64", "uint8", "uint32", "bool")
_SAFETENSORS = {"F16": "float16", "F32": "float32", "F64": "float64"}


def read_flax(path: Path, *, allow_half: bool = False) -> SourceFile:
    """Read a tree of Flax variables.

    Raises
    ------
    RefusedError
        If it is neither msgpack nor safetensors; other defects are noted.
    """
    if path.suffix == ".safetensors":
        container, (leaves, assay) = "Flax (safetensors)", _read_safetensors(path)
    else:
        container, leaves, assay = "Flax (msgpack)", _read_msgpack(path), None
    bare = not any(place[0] in _COLLECTIONS for place in leaves)
    layers: dict[str, SourceLayer] = {}
    skipped: set[str] = set()
    for place, array in leaves.items():
        collection, *modules, leaf = ("params", *place) if bare else place
        if collection not in _COLLECTIONS:
            skipped.add(collection)
            continue
        where = "/".join(modules)
        layer = layers.setdefault(where, SourceLayer(modules[-1] if modules else "", where, {}))
        name = "/".join(place)
        if isinstance(array, np.ndarray):
            layer.tensors[f"{collection}/{leaf}"] = checked(array, name, allow_half=allow_half)
        else:
            refuse(f"{name}: expected an array, found {type(array).__name__}")
    return SourceFile(
        container,
        "flax",
        list(layers.values()),
        nested=any("/" in where for where in layers),
        skipped=sorted(skipped),
        assay=assay,
    )


def _read_safetensors(path: Path) -> tuple[dict[tuple[str, ...], Any], Assay | None]:
    leaves: dict[tuple[str, ...], Any] = {}
    try:
        with safe_open(path, framework="np") as file:
            carried = (file.metadata() or {}).get(assays.KEY)
            for key in file.keys():  # noqa: SIM118 (a handle, not a dict)
                dtype = file.get_slice(key).get_dtype()
                if dtype in _SAFETENSORS:
                    leaves[tuple(key.replace("/", ".").split("."))] = file.get_tensor(key)
                else:
                    refuse(f"{key}: expected F32 or F64, found {dtype}")
    except (OSError, SafetensorError) as error:
        raise RefusedError(f"not a readable safetensors file: {error}") from error
    try:
        return leaves, None if carried is None else Assay.from_text(carried)
    except ValueError as error:
        refuse(f"metadata {assays.KEY!r}: {error}")
        return leaves, None


def _read_msgpack(path: Path) -> dict[tuple[str, ...], Any]:
    content = path.read_bytes()
    try:
        tree = msgpack.unpackb(content, ext_hook=_array, raw=False, strict_map_key=False)
        if isinstance(tree, dict):
            return {place: _joined(leaf, place) for place, leaf in _leaves(tree, ())}
    except (ValueError, TypeError, msgpack.UnpackException, RecursionError, OverflowError) as error:
        raise RefusedError(f"not a tree of Flax variables: {error}") from error
    raise RefusedError(f"not a tree of Flax variables, but {type(tree).__name__}")


def _array(code: int, content: bytes) -> Any:
    """One array; the other extension types are numbers, which no weight is."""
    if code != _ARRAY:
        return None
    shape, name, data = msgpack.unpackb(content, raw=True)
    name = name.decode()
    if name not in _DTYPES:
        raise ValueError(f"an array of {name}; known: {', '.join(_DTYPES)}")
    dtype = np.dtype(name).newbyteorder("<")
    if any(side < 0 for side in shape) or math.prod(shape) * dtype.itemsize != len(data):
        raise ValueError(f"an array of shape {tuple(shape)} and {name} in {len(data)} bytes")
    return np.frombuffer(data, dtype).reshape(shape)


def _leaves(tree: Mapping[Any, Any], place: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any]]:
    for key, value in tree.items():
        here = (*place, str(key))
        if len(here) > 32:
            raise RecursionError("modules nested too deep")
        if isinstance(value, dict) and "__msgpack_chunked_array__" not in value:
            yield from _leaves(value, here)
        else:
            yield here, value


def _joined(leaf: Any, place: tuple[str, ...]) -> Any:
    """An array that Flax wrote in pieces, since msgpack holds no more than 4 GiB in one."""
    if not isinstance(leaf, dict):
        return leaf
    try:
        shape = [leaf["shape"][str(k)] for k in range(len(leaf["shape"]))]
        return np.concatenate([leaf["chunks"][str(k)] for k in range(len(leaf["chunks"]))]).reshape(shape)
    except (KeyError, ValueError, TypeError) as error:
        refuse(f"{'/'.join(place)}: pieces that do not fit together: {error}")
        return np.zeros(0, np.float32)


def write_flax(
    path: str | Path, graph: Graph, values: Mapping[str, np.ndarray], assay: Assay | None = None
) -> None:
    """Write the variables as msgpack, or as safetensors by suffix, keys joined by dots.

    Msgpack has no place for the `assay`: Flax restores no tree with more than its variables.
    """
    tree: dict[str, Any] = {"params": {}, "batch_stats": {}}
    for slot in graph.slots:
        collection, leaf = slot.role.flax.split("/")
        tree[collection].setdefault(slot.layer, {})[leaf] = slot.to_flax(values[slot.key])
    tree = {collection: layers for collection, layers in tree.items() if layers}
    if Path(path).suffix == ".safetensors":
        leaves = {".".join(place): array for place, array in _leaves(tree, ())}
        carried = None if assay is None else {assays.KEY: assay.as_text()}
        write_bytes(path, safetensors.numpy.save(leaves, carried))
    else:
        write_bytes(path, msgpack.packb(tree, default=_packed, strict_types=True))


def _packed(array: np.ndarray) -> msgpack.ExtType:
    little = array.astype(array.dtype.newbyteorder("<"), copy=False)
    content = (array.shape, array.dtype.name, little.tobytes())
    return msgpack.ExtType(_ARRAY, msgpack.packb(content, use_bin_type=True))
