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
from dataclasses import replace
from pathlib import Path
from typing import Any, BinaryIO

import h5py
import numpy as np

from livedead.errors import WeightsError
from livedead.faults import DAMAGE, is_of_the_system
from livedead.stores import replacing_hdf5
from livedead.weights import assay as assays
from livedead.weights import guard
from livedead.weights.assay import Assay
from livedead.weights.graphs import Graph, Node, snake_case
from livedead.weights.sources import SourceFile, SourceLayer, checked, natural

MAX_BYTES = 4 * 2**30
"""No network of this kind comes near it; a file that promises more is damaged or hostile."""

MAX_OBJECTS = 100_000

_FREE_BYTES, _MAX_RATIO = 64 * 2**20, 20
"""Weights are noise and do not compress: a file may promise this much, or this many times its size."""

_ROLES = {
    "kernel": "kernel",
    "depthwise_kernel": "kernel",
    "bias": "bias",
    "gamma": "gamma",
    "beta": "beta",
    "moving_mean": "moving_mean",
    "moving_variance": "moving_variance",
}

_CONTAINERS = ("layers", "_layer_checkpoint_dependencies")
"""Groups that hold the layers of a model in ``.weights.h5``; the second is tf_keras 2.12's."""

_DAMAGE = (*DAMAGE, MemoryError)
"""A damaged file may also promise more than there is memory."""


def read_keras(path: str | Path, *, allow_half: bool = False) -> SourceFile:
    """Read a Keras file of any kind; its defects are listed in `SourceFile.problems`.

    Raises
    ------
    WeightsError
        If it is no such file at all, or too damaged to look into.
    """
    path = Path(path)
    signature = _signature(path)
    guard.try_first(lambda: _read(path, signature, allow_half), path)
    return _read(path, signature, allow_half)


def _read(path: Path, signature: str, allow_half: bool) -> SourceFile:
    budget = min(MAX_BYTES, _FREE_BYTES + _MAX_RATIO * path.stat().st_size)
    if signature == "zip":
        config, weights = _read_archive(path, budget)
        with _opened(path, io.BytesIO(weights)) as file:
            return _read_numbered(file, "Keras archive (.keras)", config, budget, allow_half)
    with _opened(path, path) as file:
        if "model_weights" in file:
            config = _model_config(file)
            version = str(_text(config.get("keras_version", "")) if config else "")
            return _read_legacy(file, "model_weights", version, config, budget, allow_half)
        if _has_list(file, "layer_names"):
            return _with_assay(file, _read_legacy(file, "", "", None, budget, allow_half))
        if any(name in file for name in _CONTAINERS):
            return _with_assay(
                file, _read_numbered(file, "Keras weights (.weights.h5)", None, budget, allow_half)
            )
        raise WeightsError(
            path,
            [
                "an HDF5 file, but not of Keras: no 'layer_names', 'model_weights' or 'layers'; "
                f"it holds {', '.join(sorted(file)[:8]) or 'nothing'}"
            ],
        )


@contextmanager
def _opened(path: Path, source: Path | BinaryIO) -> Iterator[h5py.File]:
    """The open file, after its links were checked; damage met on the way is a `WeightsError`."""
    try:
        with h5py.File(source, "r") as file:
            problems: list[str] = []
            _check_links(file, problems, set())
            if problems:
                raise WeightsError(path, problems)
            yield file
    except _DAMAGE as error:
        if is_of_the_system(error):
            raise
        hint = "truncated" if "truncated" in str(error) else "damaged"
        raise WeightsError(path, [f"{hint} HDF5 file: {error}"]) from error


def _signature(path: Path) -> str:
    if not path.is_file():
        raise WeightsError(path, ["a folder, not a file" if path.is_dir() else "no such file"])
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
    raise WeightsError(path, [f"not an HDF5 file, but {found}"])


def _read_archive(path: Path, budget: int) -> tuple[dict[str, Any] | None, bytes]:
    """Configuration and weights of a ``.keras`` archive."""
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
            if any(name.endswith(".pkl") for name in names):
                raise WeightsError(
                    path, ["a PyTorch .pt archive: it holds a pickle, which can run code and is never opened"]
                )
            problems = [
                f"{name}: {names.count(name)} times in the archive; expected once"
                for name in ("config.json", "model.weights.h5")
                if names.count(name) != 1
            ]
            problems += [
                f"{member.filename}: unpacks from {member.compress_size:,} to {member.file_size:,} bytes; "
                f"allowed: {budget:,} (a zip bomb?)"
                for member in archive.infolist()
                if member.file_size > budget
            ]
            if problems:
                raise WeightsError(path, problems)
            config = _parsed(_member(archive, "config.json", budget))
            return config, _member(archive, "model.weights.h5", budget)
    # NotImplementedError is how zipfile refuses a compression that it does not know.
    except (NotImplementedError, *_DAMAGE) as error:
        raise WeightsError(path, [f"damaged zip archive: {error}"]) from error


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


def _model_config(file: h5py.File) -> dict[str, Any] | None:
    return _parsed(_text(file.attrs["model_config"])) if "model_config" in file.attrs else None


def _with_assay(file: h5py.File, source: SourceFile) -> SourceFile:
    """The same with its channels and classes, in the two containers that are written here."""
    if assays.KEY not in file.attrs:
        return source
    try:
        return replace(source, assay=Assay.from_text(_text(file.attrs[assays.KEY])))
    except ValueError as error:
        source.problems.append(f"attribute {assays.KEY!r}: {error}")
        return source


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)


def _check_links(group: h5py.Group, problems: list[str], seen: set[int]) -> None:
    """Refuse whatever could make HDF5 read other files or loop."""
    for name in group:
        link = group.get(name, getlink=True)
        where = f"{(group.name or '').rstrip('/')}/{name}"
        if not isinstance(link, h5py.HardLink):
            problems.append(f"{where}: a {type(link).__name__}, which is not followed")
            continue
        item = group[name]
        address = h5py.h5o.get_info(item.id).addr
        if address in seen:
            problems.append(f"{where}: the same object under two names")
            continue
        seen.add(address)
        if len(seen) > MAX_OBJECTS:
            problems.append(f"{where}: over {MAX_OBJECTS:,} objects")
            return
        if isinstance(item, h5py.Group):
            _check_links(item, problems, seen)
        elif isinstance(item, h5py.Dataset) and (item.is_virtual or item.external):
            kind = "a virtual dataset" if item.is_virtual else "external storage"
            problems.append(f"{where}: {kind}; other files are not opened")


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
        self.problems: list[str] = []
        self.promised = 0

    def read(self, dataset: h5py.Dataset, where: str) -> np.ndarray | None:
        n_bytes = dataset.size * dataset.dtype.itemsize
        self.promised += n_bytes
        if self.promised > self.budget:
            self.problems.append(
                f"{where}: promises {n_bytes:,} bytes, shape {dataset.shape}; "
                f"a file of this size can hold {self.budget:,} in all"
            )
            return None
        if n_bytes and dataset.id.get_storage_size() == 0:
            self.problems.append(f"{where}: shape {dataset.shape}, but no data are stored")
            return None
        if dataset.dtype.kind not in "fiub":
            self.problems.append(f"{where}: expected float32 or float64, found {dataset.dtype}")
            return None
        try:
            array = dataset[()]
        except _DAMAGE as error:
            self.problems.append(f"{where}: cannot be read: {error}")
            return None
        return checked(np.asarray(array), where, self.problems, allow_half=self.allow_half)


def _read_legacy(
    file: h5py.File,
    root: str,
    version: str,
    config: dict[str, Any] | None,
    budget: int,
    allow_half: bool,
) -> SourceFile:
    group = file[root] if root else file
    major = _text(group.attrs.get("keras_version", "")).split(".")[0]
    kind = "full model" if root else "weights"
    container = f"Keras 3 {kind} (.h5)" if major == "3" and root else f"legacy {kind}"
    if not _has_list(group, "layer_names"):
        raise KeyError("no attribute 'layer_names'")
    tensors = _Tensors(budget, allow_half)
    layers: dict[str, SourceLayer] = {}
    nested = False
    for outer in _text_list(group, "layer_names"):
        if not isinstance(group.get(outer), h5py.Group):
            tensors.problems.append(f"{outer}: named in 'layer_names' but absent")
            continue
        for name in _text_list(group[outer], "weight_names"):
            *parents, leaf = name.split("/")
            layer = parents[-1] if parents else outer
            if re.fullmatch(re.escape(outer) + r"(_\d+)?", layer):
                # TensorFlow 1 numbered the tensors of a model that was loaded twice.
                layer = outer
            dataset, role = group[outer].get(name), _ROLES.get(leaf.split(":")[0])
            if not isinstance(dataset, h5py.Dataset):
                tensors.problems.append(f"{outer}/{name}: named in 'weight_names' but absent")
                continue
            if role is None:
                tensors.problems.append(
                    f"{outer}/{name}: unknown tensor {leaf!r}; known: {', '.join(_ROLES)}"
                )
                continue
            nested |= layer != outer
            where = f"{outer}/{layer}" if layer != outer else layer
            source = layers.setdefault(where, SourceLayer(layer, where, {}))
            if role in source.tensors:
                tensors.problems.append(f"{where}: tensor {role!r} twice")
            array = tensors.read(dataset, f"{outer}/{name}")
            if array is not None:
                source.tensors[role] = array
    skipped = [name for name in file if root and name != root]
    return SourceFile(
        container, "keras", list(layers.values()), True, nested, config, skipped, tensors.problems
    )


def _read_numbered(
    file: h5py.File, container: str, config: dict[str, Any] | None, budget: int, allow_half: bool
) -> SourceFile:
    tensors = _Tensors(budget, allow_half)
    layers: list[SourceLayer] = []
    skipped = [name for name in file if name not in (*_CONTAINERS, "vars")]
    unnamed = False

    def walk(group: h5py.Group, path: str) -> None:
        nonlocal unnamed
        for holder in _CONTAINERS:
            if isinstance(group.get(holder), h5py.Group):
                for name in sorted(group[holder], key=natural):
                    if isinstance(group[holder][name], h5py.Group):
                        walk(group[holder][name], f"{path}/{name}" if path else name)
        numbered = group.get("vars")
        if not isinstance(numbered, h5py.Group) or not len(numbered):
            return
        if not path:
            tensors.problems.append("vars: tensors of the model itself, outside every layer")
            return
        arrays = {}
        for name in sorted(numbered, key=natural):
            array = tensors.read(numbered[name], f"{path}/vars/{name}")
            if array is not None:
                arrays[name] = array
        unnamed |= "name" not in numbered.attrs
        real = _text(numbered.attrs.get("name", path.rsplit("/", 1)[-1]))
        layers.append(SourceLayer(real, path, arrays))

    walk(file, "")
    nested = any("/" in layer.path for layer in layers)
    return SourceFile(container, "numbered", layers, not unnamed, nested, config, skipped, tensors.problems)


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
        if node.owner == node.name:
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
                    for role in graph.roles(node) if node.layout else ():
                        if trained == (not role.keras.startswith("moving")):
                            leaf = "depthwise_kernel" if _is_depthwise(node, role.keras) else role.keras
                            names[f"{node.name}/{leaf}:0"] = values[f"{node.name}/{role.keras}"]
            _write_list(group, "weight_names", list(names))
            for name, array in names.items():
                group.create_dataset(name, data=array, track_times=False)


def _write_assay(file: h5py.File, assay: Assay | None) -> None:
    if assay is not None:
        file.attrs[assays.KEY] = np.bytes_(assay.as_text().encode())


def _is_depthwise(node: Node, role: str) -> bool:
    return node.layout == "depthwise" and role == "kernel"


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
        for node, place in store_paths(graph):
            group = file.create_group(f"{place}/vars")
            for number, role in enumerate(graph.roles(node) if node.layout else ()):
                group.create_dataset(str(number), data=values[f"{node.name}/{role.keras}"], track_times=False)


def store_paths(graph: Graph) -> list[tuple[Node, str]]:
    """Where ``.weights.h5`` holds each layer: class names, counted within each model."""
    counts: dict[tuple[str, str], int] = {}
    models: dict[tuple[tuple[str, str], ...], str] = {(): ""}

    def place(parent: str, kind: str) -> str:
        name = snake_case(kind)
        number = counts.get((parent, name), 0)
        counts[parent, name] = number + 1
        return f"{parent}layers/{name}" + (f"_{number}" if number else "")

    found = []
    for node in graph.nodes:
        if node.owner != node.name:
            continue
        for depth in range(1, len(node.scope) + 1):
            if node.scope[:depth] not in models:
                kind = "Functional" if node.scope[depth - 1][1] == "Model" else node.scope[depth - 1][1]
                models[node.scope[:depth]] = place(models[node.scope[: depth - 1]], kind) + "/"
        found.append((node, place(models[node.scope], node.kind)))
    return found
