"""Weight files of Keras on disk: read without trust, written so that Keras reads them.

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
from livedead.weights import assay as assays
from livedead.weights import guard
from livedead.weights.assay import Assay
from livedead.weights.names import natural
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


def read_keras(path: Path, *, allow_half: bool = False) -> SourceFile:
    """Read a Keras file of any kind.

    Raises
    ------
    RefusedError
        If it is no such file at all, or too damaged to look into; other defects are noted.
    """
    read = {"hdf5": _read_hdf5, "zip": _read_archive}[_signature(path)]
    guard.try_first(lambda: read(path, allow_half), path)
    return read(path, allow_half)


def _read_hdf5(path: Path, allow_half: bool) -> SourceFile:
    tensors = _Tensors(_budget(path), allow_half)
    with _opened(path) as file:
        if "model_weights" in file:
            config = _parsed(_text(file.attrs["model_config"])) if "model_config" in file.attrs else None
            return _read_legacy(file, "model_weights", config, tensors)
        if _has_list(file, "layer_names"):
            return _read_legacy(file, "", None, tensors)
        if any(name in file for name in _CONTAINERS):
            return _read_numbered(file, tensors, "Keras weights (.weights.h5)", assay=_assay(file))
        held = ", ".join(sorted(file)[:8]) or "nothing"
        raise RefusedError(
            f"an HDF5 file, but not of Keras: no 'layer_names', 'model_weights' or 'layers'; it holds {held}"
        )


def _read_archive(path: Path, allow_half: bool) -> SourceFile:
    config, weights = _unpacked(path)
    with _opened(io.BytesIO(weights)) as file:
        tensors = _Tensors(_budget(path), allow_half)
        return _read_numbered(file, tensors, "Keras archive (.keras)", config=_parsed(config))


def _budget(path: Path) -> int:
    return min(MAX_BYTES, _FREE_BYTES + _MAX_RATIO * path.stat().st_size)


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


def _signature(path: Path) -> str:
    if not path.is_file():
        raise RefusedError("a folder, not a file" if path.is_dir() else "no such file")
    if h5py.is_hdf5(path):
        return "hdf5"
    with open(path, "rb") as stream:
        head = stream.read(512).lstrip()
    if zipfile.is_zipfile(path):
        return "zip"
    if head.startswith(b"version https://git-lfs"):
        found = "a Git LFS pointer; run 'git lfs pull' to fetch the file it stands for"
    elif head[:9].lower().startswith((b"<!doctype", b"<html")):
        found = "a web page (HTML); the download went to a login or error page"
    elif head.startswith(b"\x80"):
        found = "a pickle, as PyTorch's old .pt files are; pickles can run code and are never opened"
    elif head.startswith(b"PK"):
        found = "a truncated zip archive"
    elif not head:
        found = "an empty file"
    else:
        found = f"bytes that start with {head[:8]!r}"
    raise RefusedError(f"not an HDF5 file, but {found}")


def _unpacked(path: Path) -> tuple[bytes, bytes]:
    """Configuration and weights in a ``.keras`` archive."""
    budget = _budget(path)
    try:
        with zipfile.ZipFile(path) as archive:
            _check_members(archive, budget)
            return _member(archive, "config.json", budget), _member(archive, "model.weights.h5", budget)
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
            if member.file_size > budget:
                refuse(
                    f"{member.filename}: unpacks from {member.compress_size:,} to "
                    f"{member.file_size:,} bytes; allowed: {budget:,} (a zip bomb?)"
                )


def _member(archive: zipfile.ZipFile, name: str, budget: int) -> bytes:
    with archive.open(name) as stream:
        # The directory may lie about the size, so the stream is cut as well.
        content = stream.read(budget + 1)
    if len(content) > budget:
        raise zipfile.BadZipFile(f"{name} unpacks to more than {budget:,} bytes")
    return content


def _parsed(text: bytes | str) -> dict[str, Any] | None:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _assay(file: h5py.File) -> Assay | None:
    """Channels and classes, in the two containers that are written here."""
    if assays.KEY not in file.attrs:
        return None
    try:
        return Assay.from_text(_text(file.attrs[assays.KEY]))
    except ValueError as error:
        refuse(f"attribute {assays.KEY!r}: {error}")
        return None


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)


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
            refuse(f"{where}: over {MAX_OBJECTS:,} objects")
            return
        if isinstance(item, h5py.Group):
            _check_links(item, seen)
        elif isinstance(item, h5py.Dataset) and (item.is_virtual or item.external):
            kind = "a virtual dataset" if item.is_virtual else "external storage"
            refuse(f"{where}: {kind}; other files are not opened")


def _has_list(group: h5py.Group, name: str) -> bool:
    return name in group.attrs or f"{name}0" in group.attrs


def _text_list(group: h5py.Group, name: str) -> list[str]:
    """A list attribute, which Keras splits into ``name0``, ``name1``, ... past 64 KiB."""
    if name in group.attrs:
        values = list(group.attrs[name])
    else:
        values, k = [], 0
        while f"{name}{k}" in group.attrs:
            values += list(group.attrs[f"{name}{k}"])
            k += 1
    return [_text(value) for value in values]


class _Tensors:
    """Reads datasets while the file's promises stay within its size."""

    def __init__(self, budget: int, allow_half: bool):
        self.budget = budget
        self.allow_half = allow_half
        self.promised = 0

    def read(self, dataset: h5py.Dataset, where: str) -> np.ndarray | None:
        n_bytes = dataset.size * dataset.dtype.itemsize
        self.promised += n_bytes
        if self.promised > self.budget:
            refuse(
                f"{where}: promises {n_bytes:,} bytes, shape {dataset.shape}; "
                f"a file of this size can hold {self.budget:,} in all"
            )
        elif n_bytes and dataset.id.get_storage_size() == 0:
            refuse(f"{where}: shape {dataset.shape}, but no data are stored")
        elif dataset.dtype.kind not in "fiub":
            refuse(f"{where}: expected float32 or float64, found {dataset.dtype}")
        else:
            try:
                array = dataset[()]
            except _DAMAGE as error:
                refuse(f"{where}: cannot be read: {error}")
                return None
            return checked(np.asarray(array), where, allow_half=self.allow_half)
        return None


def _read_legacy(file: h5py.File, root: str, config: dict[str, Any] | None, tensors: _Tensors) -> SourceFile:
    group = file[root] if root else file
    if not _has_list(group, "layer_names"):
        raise KeyError("no attribute 'layer_names'")
    layers: dict[str, SourceLayer] = {}
    for outer in _text_list(group, "layer_names"):
        if not isinstance(group.get(outer), h5py.Group):
            refuse(f"{outer}: named in 'layer_names' but absent")
            continue
        for name in _text_list(group[outer], "weight_names"):
            _read_named(group[outer], outer, name, layers, tensors)
    keras_3 = root and _text(group.attrs.get("keras_version", "")).split(".")[0] == "3"
    return SourceFile(
        "Keras 3 full model (.h5)" if keras_3 else "legacy full model" if root else "legacy weights",
        "keras",
        list(layers.values()),
        nested=any(layer.path != layer.name for layer in layers.values()),
        config=config,
        skipped=[name for name in file if root and name != root],
        assay=None if root else _assay(file),
    )


def _read_named(
    group: h5py.Group, outer: str, name: str, layers: dict[str, SourceLayer], tensors: _Tensors
) -> None:
    """Add one tensor of a legacy file, such as ``kernel:0`` of ``Conv1/Conv1``, to its layer."""
    *parents, leaf = name.split("/")
    layer = parents[-1] if parents else outer
    if re.fullmatch(re.escape(outer) + r"(_\d+)?", layer):
        # TensorFlow 1 numbered the tensors of a model that was loaded twice.
        layer = outer
    stem = leaf.split(":")[0]
    dataset, role = group.get(name), "kernel" if stem == "depthwise_kernel" else stem
    if not isinstance(dataset, h5py.Dataset):
        refuse(f"{outer}/{name}: named in 'weight_names' but absent")
        return
    if role not in _ROLES:
        refuse(f"{outer}/{name}: unknown tensor {leaf!r}; known: {', '.join(_ROLES)}")
        return
    where = f"{outer}/{layer}" if layer != outer else layer
    source = layers.setdefault(where, SourceLayer(layer, where, {}))
    if role in source.tensors:
        refuse(f"{where}: tensor {role!r} twice")
    array = tensors.read(dataset, f"{outer}/{name}")
    if array is not None:
        source.tensors[role] = array


def _read_numbered(
    file: h5py.File,
    tensors: _Tensors,
    container: str,
    *,
    config: dict[str, Any] | None = None,
    assay: Assay | None = None,
) -> SourceFile:
    layers: list[SourceLayer] = []
    named = True

    def walk(group: h5py.Group, path: str) -> None:
        nonlocal named
        for holder in _CONTAINERS:
            inner = group.get(holder)
            for name in sorted(inner, key=natural) if isinstance(inner, h5py.Group) else ():
                if isinstance(inner[name], h5py.Group):
                    walk(inner[name], f"{path}/{name}" if path else name)
        numbered = group.get("vars")
        if not isinstance(numbered, h5py.Group) or not len(numbered):
            return
        if not path:
            refuse("vars: tensors of the model itself, outside every layer")
            return
        arrays = {
            name: tensors.read(numbered[name], f"{path}/vars/{name}")
            for name in sorted(numbered, key=natural)
        }
        named &= "name" in numbered.attrs
        real = _text(numbered.attrs.get("name", path.rsplit("/", 1)[-1]))
        found = {name: array for name, array in arrays.items() if array is not None}
        layers.append(SourceLayer(real, path, found))

    walk(file, "")
    return SourceFile(
        container,
        "numbered",
        layers,
        named=named,
        nested=any("/" in layer.path for layer in layers),
        config=config,
        skipped=[name for name in file if name not in (*_CONTAINERS, "vars")],
        assay=assay,
    )
