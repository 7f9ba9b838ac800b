"""Weight files of Keras on disk: read without trust, written so that Keras 2 and 3 read them.

Only tensors and the model's configuration are read. Nothing is executed, links are not
followed, sizes are checked before anything is allocated, and archives are read member by
member without unpacking.
"""

import io
import json
import re
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import h5py
import numpy as np

from livedead.faults import DAMAGE, is_of_the_system
from livedead.stores import replacing_hdf5
from livedead.weights import assay as assays
from livedead.weights import guard
from livedead.weights.assay import Assay
from livedead.weights.graph import Graph, Node
from livedead.weights.names import natural, places_of
from livedead.weights.refusals import RefusedError, refuse, refusing
from livedead.weights.sources import SourceFile, SourceLayer, checked

MAX_BYTES = 4 * 2**30
"""No network of this kind comes near it; a file that promises more is damaged or hostile."""

MAX_OBJECTS = 100_000

_FREE_BYTES, _MAX_RATIO = 64 * 2**20, 20
"""Weights are noise and do not compress: a file may promise this much, or this many times its size."""

_ROLES = ("kernel", "bias", "gamma", "beta", "moving_mean", "moving_variance")

_CONTAINERS = ("layers", "_layer_checkpoint_dependencies")
"""Groups that hold the layers of a model in ``.weights.h5``; the second is tf_keras 2.12's."""

_DAMAGE = (*DAMAGE, MemoryError)
"""A damaged file may also promise more than there is memory."""

_OTHERS = {
    b"version https://git-lfs": "a Git LFS pointer; run 'git lfs pull' to fetch the file it stands for",
    b"<!doctype": "a web page (HTML); the download went to a login or error page",
    b"<html": "a web page (HTML); the download went to a login or error page",
    b"\x80": "a pickle, as PyTorch's old .pt files are; pickles can run code and are never opened",
    b"pk": "a truncated zip archive",
}
"""How files begin that are often mistaken for weights, in small letters."""


def read_keras(path: Path, *, allow_half: bool = False) -> SourceFile:
    """Read a Keras file of any kind.

    Raises
    ------
    RefusedError
        If it is no such file at all, or too damaged to look into; other defects are noted.
    """
    if not path.is_file():
        raise RefusedError("a folder, not a file" if path.is_dir() else "no such file")
    if not h5py.is_hdf5(path) and not zipfile.is_zipfile(path):
        with open(path, "rb") as stream:
            head = stream.read(512).lstrip()
        known = (said for start, said in _OTHERS.items() if head.lower().startswith(start))
        other = f"bytes that start with {head[:8]!r}" if head else "an empty file"
        raise RefusedError(f"not an HDF5 file, but {next(known, other)}")
    guard.try_first(lambda: _read(path, allow_half), path)
    return _read(path, allow_half)


def _read(path: Path, allow_half: bool) -> SourceFile:
    budget = min(MAX_BYTES, _FREE_BYTES + _MAX_RATIO * path.stat().st_size)
    if not h5py.is_hdf5(path):
        config, weights = _unpacked(path, budget)
        with _opened(io.BytesIO(weights)) as file:
            return _Reader(budget, allow_half).numbered(file, "Keras archive (.keras)", _parsed(config))
    with _opened(path) as file:
        reader = _Reader(budget, allow_half)
        if "model_weights" in file:
            return reader.full_model(file)
        if _has_list(file, "layer_names"):
            return reader.legacy(file, "legacy weights")
        if any(name in file for name in _CONTAINERS):
            return reader.numbered(file, "Keras weights (.weights.h5)")
        raise RefusedError(
            "an HDF5 file, but not of Keras: no 'layer_names', 'model_weights' or 'layers'; "
            f"it holds {', '.join(sorted(file)[:8]) or 'nothing'}"
        )


@contextmanager
def _opened(source: Path | BinaryIO) -> Iterator[h5py.File]:
    """The open file, after its links were checked; damage met on the way is refused."""
    try:
        with h5py.File(source, "r") as file:
            with refusing():
                _check_links(file, set())
            yield file
    except _DAMAGE as error:
        if is_of_the_system(error):
            raise
        hint = "truncated" if "truncated" in str(error) else "damaged"
        raise RefusedError(f"{hint} HDF5 file: {error}") from error


def _check_links(group: h5py.Group, seen: set[int]) -> None:
    """Refuse whatever could make HDF5 read other files or loop."""
    for name in group:
        link = group.get(name, getlink=True)
        where = f"{(group.name or '').rstrip('/')}/{name}"
        if not isinstance(link, h5py.HardLink):
            refuse(f"{where}: a {type(link).__name__}, which is not followed")
            continue
        item = group[name]
        address = h5py.h5o.get_info(item.id).addr
        if address in seen:
            refuse(f"{where}: the same object under two names")
            continue
        seen.add(address)
        if len(seen) > MAX_OBJECTS:
            raise RefusedError(f"{where}: over {MAX_OBJECTS:,} objects")
        if isinstance(item, h5py.Group):
            _check_links(item, seen)
        elif isinstance(item, h5py.Dataset) and (item.is_virtual or item.external):
            kind = "a virtual dataset" if item.is_virtual else "external storage"
            refuse(f"{where}: {kind}; other files are not opened")


def _unpacked(path: Path, budget: int) -> tuple[bytes, bytes]:
    """Configuration and weights in a ``.keras`` archive."""

    def member(name: str) -> bytes:
        with archive.open(name) as stream:
            # The directory may lie about the size, so the stream is cut as well.
            content = stream.read(budget + 1)
        if len(content) > budget:
            raise RefusedError(f"damaged zip archive: {name} unpacks to more than {budget:,} bytes")
        return content

    try:
        with zipfile.ZipFile(path) as archive:
            _check_members(archive, budget)
            return member("config.json"), member("model.weights.h5")
    # NotImplementedError is how zipfile refuses a compression that it does not know.
    except (NotImplementedError, *_DAMAGE) as error:
        raise RefusedError(f"damaged zip archive: {error}") from error


def _check_members(archive: zipfile.ZipFile, budget: int) -> None:
    names = archive.namelist()
    if any(name.endswith(".pkl") for name in names):
        raise RefusedError("a PyTorch .pt archive: it holds a pickle, which can run code and is never opened")
    with refusing():
        for name in ("config.json", "model.weights.h5"):
            if names.count(name) != 1:
                refuse(f"{name}: {names.count(name)} times in the archive; expected once")
        for member in archive.infolist():
            sizes = f"from {member.compress_size:,} to {member.file_size:,} bytes"
            if member.file_size > budget:
                refuse(f"{member.filename}: unpacks {sizes}; allowed: {budget:,} (a zip bomb?)")


class _Reader:
    """Reads the layers of one file while its promises stay within its size."""

    def __init__(self, budget: int, allow_half: bool):
        self.budget = budget
        self.allow_half = allow_half
        self.promised = 0

    def tensor(self, dataset: h5py.Dataset, where: str) -> np.ndarray | None:
        n_bytes = dataset.size * dataset.dtype.itemsize
        self.promised += n_bytes
        if self.promised > self.budget:
            promise = f"promises {n_bytes:,} bytes, shape {dataset.shape}"
            refuse(f"{where}: {promise}; a file of this size can hold {self.budget:,} in all")
        elif n_bytes and dataset.id.get_storage_size() == 0:
            refuse(f"{where}: shape {dataset.shape}, but no data are stored")
        elif dataset.dtype.kind not in "fiub":
            refuse(f"{where}: expected float32 or float64, found {dataset.dtype}")
        else:
            try:
                return checked(np.asarray(dataset[()]), where, allow_half=self.allow_half)
            except _DAMAGE as error:
                refuse(f"{where}: cannot be read: {error}")
        return None

    def full_model(self, file: h5py.File) -> SourceFile:
        group = file["model_weights"]
        keras_3 = _text(group.attrs.get("keras_version", "")).split(".")[0] == "3"
        config = _parsed(_text(file.attrs["model_config"])) if "model_config" in file.attrs else None
        found = self.legacy(group, "Keras 3 full model (.h5)" if keras_3 else "legacy full model", config)
        found.skipped.extend(name for name in file if name != "model_weights")
        return found

    def legacy(self, group: h5py.Group, container: str, config: dict[str, Any] | None = None) -> SourceFile:
        if not _has_list(group, "layer_names"):
            raise KeyError("no attribute 'layer_names'")
        layers: dict[str, SourceLayer] = {}
        for outer in _text_list(group, "layer_names"):
            if isinstance(group.get(outer), h5py.Group):
                for name in _text_list(group[outer], "weight_names"):
                    self._named(group[outer], outer, name, layers)
            else:
                refuse(f"{outer}: named in 'layer_names' but absent")
        nested = any(layer.path != layer.name for layer in layers.values())
        found = list(layers.values())
        return SourceFile(container, "keras", found, True, nested, config, assay=_assay(group))

    def _named(self, group: h5py.Group, outer: str, name: str, layers: dict[str, SourceLayer]) -> None:
        """Add one tensor of a legacy file, such as ``Conv1/kernel:0`` in ``Conv1``, to its layer."""
        *parents, leaf = name.split("/")
        layer = parents[-1] if parents else outer
        if re.fullmatch(re.escape(outer) + r"(_\d+)?", layer):
            # TensorFlow 1 numbered the tensors of a model that was loaded twice.
            layer = outer
        stem = leaf.split(":")[0]
        dataset, role = group.get(name), "kernel" if stem == "depthwise_kernel" else stem
        if not isinstance(dataset, h5py.Dataset):
            refuse(f"{outer}/{name}: named in 'weight_names' but absent")
        elif role not in _ROLES:
            refuse(f"{outer}/{name}: unknown tensor {leaf!r}; known: {', '.join(_ROLES)}")
        else:
            where = f"{outer}/{layer}" if layer != outer else layer
            source = layers.setdefault(where, SourceLayer(layer, where, {}))
            if role in source.tensors:
                refuse(f"{where}: tensor {role!r} twice")
            array = self.tensor(dataset, f"{outer}/{name}")
            if array is not None:
                source.tensors[role] = array

    def numbered(self, file: h5py.File, container: str, config: dict[str, Any] | None = None) -> SourceFile:
        if "vars" in file and len(file["vars"]):
            refuse("vars: tensors of the model itself, outside every layer")
        layers, named = [], True
        for path, numbers in _variables(file, ""):
            found = {
                name: self.tensor(numbers[name], f"{path}/vars/{name}")
                for name in sorted(numbers, key=natural)
            }
            tensors = {name: array for name, array in found.items() if array is not None}
            named &= "name" in numbers.attrs
            real = _text(numbers.attrs.get("name", path.rsplit("/", 1)[-1]))
            layers.append(SourceLayer(real, path, tensors))
        nested = any("/" in layer.path for layer in layers)
        skipped = [name for name in file if name not in (*_CONTAINERS, "vars")]
        return SourceFile(container, "numbered", layers, named, nested, config, skipped, _assay(file))


def _variables(group: h5py.Group, path: str) -> Iterator[tuple[str, h5py.Group]]:
    """The groups of a layer's tensors, in natural order, and the path of each layer."""
    for holder in _CONTAINERS:
        inner = group.get(holder)
        for name in sorted(inner, key=natural) if isinstance(inner, h5py.Group) else ():
            if isinstance(inner[name], h5py.Group):
                yield from _variables(inner[name], f"{path}/{name}" if path else name)
    numbers = group.get("vars")
    if path and isinstance(numbers, h5py.Group) and len(numbers):
        yield path, numbers


def _assay(group: h5py.Group) -> Assay | None:
    """Channels and classes, in the two containers that are written here."""
    if assays.KEY not in group.attrs:
        return None
    try:
        return Assay.from_text(_text(group.attrs[assays.KEY]))
    except ValueError as error:
        refuse(f"attribute {assays.KEY!r}: {error}")
        return None


def _parsed(text: bytes | str) -> dict[str, Any] | None:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)


def _has_list(group: h5py.Group, name: str) -> bool:
    return name in group.attrs or f"{name}0" in group.attrs


def _text_list(group: h5py.Group, name: str) -> list[str]:
    """A list attribute, which Keras splits into ``name0``, ``name1``, ... past 64 KiB."""
    parts = [name] if name in group.attrs else [f"{name}{k}" for k in range(len(group.attrs))]
    return [_text(value) for part in parts if part in group.attrs for value in group.attrs[part]]


def write_legacy(
    path: str | Path, graph: Graph, values: dict[str, np.ndarray], assay: Assay | None = None
) -> None:
    """Write a legacy Keras weight file, one group per outermost layer, in model order.

    Parameters
    ----------
    values : dict
        ``layer/role`` -> tensor in Keras axes.
    assay : Assay, optional
        Goes into an attribute of its own.
    """
    groups: dict[str, list[Node]] = {}
    for node in graph.nodes:
        if not node.shares:
            outer = node.scope[0][0] if node.scope else node.name
            groups.setdefault(outer, []).append(node)
    with replacing_hdf5(path, libver="earliest") as (file, _):
        file.attrs["backend"] = b"tensorflow"
        file.attrs["keras_version"] = b"2.15.0"
        _write_assay(file, assay)
        _write_list(file, "layer_names", list(groups))
        for outer, nodes in groups.items():
            group = file.create_group(outer, track_order=True)
            names = {}
            # Keras reads a nested model by position, trainable tensors first: its order for a
            # model that is not frozen.
            for trained in (True, False):
                for node in nodes:
                    for role in node.roles:
                        if trained == (not role.keras.startswith("moving")):
                            leaf = "depthwise_kernel" if role.joins else role.keras
                            names[f"{node.name}/{leaf}:0"] = values[f"{node.name}/{role.keras}"]
            _write_list(group, "weight_names", list(names))
            for name, array in names.items():
                group.create_dataset(name, data=array, track_times=False)


def _write_assay(file: h5py.File, assay: Assay | None) -> None:
    if assay is not None:
        file.attrs[assays.KEY] = np.bytes_(assay.as_text().encode())


def _write_list(group: h5py.Group, name: str, values: list[str]) -> None:
    """A list attribute, split as Keras splits it where it would pass HDF5's limit of 64 KiB."""
    encoded = np.array([value.encode() for value in values], dtype="S" if values else "S1")
    n_parts = max(1, -(-encoded.nbytes // 64_000))
    if n_parts == 1:
        group.attrs[name] = encoded
        return
    for number, part in enumerate(np.array_split(encoded, n_parts)):
        group.attrs[f"{name}{number}"] = part


def write_numbered(
    path: str | Path, graph: Graph, values: dict[str, np.ndarray], assay: Assay | None = None
) -> None:
    """Write ``.weights.h5``, with the empty groups that tf_keras expects of other layers."""
    with replacing_hdf5(path, libver="earliest") as (file, _):
        _write_assay(file, assay)
        file.create_group("layers")
        file.create_group("vars")
        for node, place in places_of(graph, empty=True):
            group = file.create_group(f"layers/{place.replace('/', '/layers/')}/vars")
            for number, role in enumerate(node.roles):
                group.create_dataset(str(number), data=values[f"{node.name}/{role.keras}"], track_times=False)
