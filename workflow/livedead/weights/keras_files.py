"""Weight files of Keras on disk: read without trust, written so that Keras reads them.

Only the tensors are read, by name. Nothing is executed: no configuration of a layer is
interpreted, links that lead out of the file are refused, sizes are checked before any
allocation.
"""

from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np

from livedead.errors import WeightsError
from livedead.stores import replacing

MAX_BYTES = 4 * 2**30
"""No network of this kind comes near it; a file that promises more is damaged or hostile."""

_ROLES = {
    "kernel": "kernel",
    "depthwise_kernel": "kernel",
    "bias": "bias",
    "gamma": "gamma",
    "beta": "beta",
    "moving_mean": "moving_mean",
    "moving_variance": "moving_variance",
}


@dataclass(frozen=True)
class SourceLayer:
    """The tensors of one layer, as they lie in the file.

    Attributes
    ----------
    name : str
        Keras layer name, without the models it is nested in.
    path : str
        Where it was found in the file.
    tensors : dict of str -> ndarray
        Role (``kernel``, ``bias``, ``gamma``, ...) -> array in Keras axes.
    """

    name: str
    path: str
    tensors: dict[str, np.ndarray]


@dataclass(frozen=True)
class KerasFile:
    """Everything read from one file; `layers` are in model order."""

    container: str
    layers: list[SourceLayer]


def read_keras(path: str | Path) -> KerasFile:
    """Read a legacy Keras HDF5 file: weights alone, or a full model.

    Raises
    ------
    WeightsError
        Naming every problem: not HDF5, links, virtual datasets, integers, half floats, NaN
        or infinity, repeated layers, promised tensors that are absent.
    """
    path = Path(path)
    _check_is_hdf5(path)
    problems: list[str] = []
    try:
        with h5py.File(path, "r") as file:
            root, container = file, "legacy weights"
            if "model_weights" in file:
                root, container = file["model_weights"], "legacy full model"
            if "layer_names" not in _attribute_stems(root):
                raise WeightsError(path, ["no attribute 'layer_names': not a legacy Keras weight file"])
            _check_links(file, problems)
            if problems:
                raise WeightsError(path, problems)
            layers = _read_layers(root, problems)
    except (OSError, RuntimeError, KeyError, UnicodeDecodeError) as error:
        raise WeightsError(path, [f"damaged HDF5 file: {error}"]) from error
    if problems:
        raise WeightsError(path, problems)
    return KerasFile(container, layers)


def write_keras(path: str | Path, layers: list[SourceLayer]) -> None:
    """Write a legacy Keras weight file, one group per layer, in the given order."""
    with replacing(path) as temporary, h5py.File(temporary, "w", libver="earliest") as file:
        file.attrs["backend"] = b"tensorflow"
        file.attrs["keras_version"] = b"2.15.0"
        file.attrs["layer_names"] = np.array([layer.name.encode() for layer in layers])
        for layer in layers:
            group = file.create_group(layer.name, track_order=True)
            names = [f"{layer.name}/{role}:0" for role in layer.tensors]
            group.attrs["weight_names"] = np.array([name.encode() for name in names])
            for name, array in zip(names, layer.tensors.values(), strict=True):
                group.create_dataset(name, data=array, track_times=False)


def _check_is_hdf5(path: Path) -> None:
    if not path.is_file():
        raise WeightsError(path, ["no such file"])
    if h5py.is_hdf5(path):
        return
    with open(path, "rb") as stream:
        head = stream.read(512).lstrip()
    if head.startswith(b"version https://git-lfs"):
        found = "a Git LFS pointer; run 'git lfs pull' to fetch the file it stands for"
    elif head[:9].lower().startswith((b"<!doctype", b"<html")):
        found = "a web page; the download went to a login or error page"
    elif head.startswith((b"PK", b"\x80")):
        found = "a zip archive or a pickle; PyTorch pickles are never opened here"
    else:
        found = f"bytes that start with {head[:8]!r}"
    raise WeightsError(path, [f"not an HDF5 file, but {found}"])


def _check_links(group: h5py.Group, problems: list[str]) -> None:
    """Refuse whatever could make HDF5 read other files or loop."""
    for name in group:
        link = group.get(name, getlink=True)
        where = f"{group.name.rstrip('/')}/{name}"
        if not isinstance(link, h5py.HardLink):
            problems.append(f"{where}: a {type(link).__name__}, which is not followed")
            continue
        item = group[name]
        if isinstance(item, h5py.Group):
            _check_links(item, problems)
        elif item.is_virtual or item.external:
            problems.append(f"{where}: its data lie in other files, which are not opened")


def _attribute_stems(group: h5py.Group) -> set[str]:
    return {name.rstrip("0123456789") for name in group.attrs}


def _text_list(group: h5py.Group, name: str) -> list[str]:
    """A list attribute, which Keras splits into ``name0``, ``name1``, ... past 64 KiB."""
    if name in group.attrs:
        values = list(group.attrs[name])
    else:
        values, k = [], 0
        while f"{name}{k}" in group.attrs:
            values += list(group.attrs[f"{name}{k}"])
            k += 1
    return [value.decode() if isinstance(value, bytes) else str(value) for value in values]


def _read_layers(root: h5py.Group, problems: list[str]) -> list[SourceLayer]:
    layers: dict[str, SourceLayer] = {}
    n_bytes = 0
    for outer in _text_list(root, "layer_names"):
        if outer not in root:
            problems.append(f"{outer}: named in 'layer_names' but absent")
            continue
        group = root[outer]
        for name in _text_list(group, "weight_names"):
            *parents, layer, leaf = (outer, *name.split("/"))
            role = _ROLES.get(leaf.removesuffix(":0"))
            dataset = group.get(name)
            if not isinstance(dataset, h5py.Dataset):
                problems.append(f"{outer}/{name}: named in 'weight_names' but absent")
                continue
            if role is None:
                problems.append(f"{outer}/{name}: unknown tensor {leaf!r}; known: {', '.join(_ROLES)}")
                continue
            n_bytes += dataset.size * dataset.dtype.itemsize
            if n_bytes > MAX_BYTES:
                problems.append(f"{outer}/{name}: tensors promise over {MAX_BYTES:,} bytes; not read")
                return []
            where = "/".join((*parents, layer)) if len(parents) > 1 else layer
            source = layers.setdefault(where, SourceLayer(layer, where, {}))
            if role in source.tensors:
                problems.append(f"{where}: tensor {role!r} twice")
            array = _checked(dataset, f"{outer}/{name}", problems)
            if array is not None:
                source.tensors[role] = array
    return list(layers.values())


def _checked(dataset: h5py.Dataset, where: str, problems: list[str]) -> np.ndarray | None:
    if dataset.dtype not in (np.dtype("f4"), np.dtype("f8"), np.dtype(">f4"), np.dtype(">f8")):
        problems.append(f"{where}: expected float32 or float64, found {dataset.dtype}")
        return None
    array = np.asarray(dataset[()], dtype=dataset.dtype.newbyteorder("="))
    if not np.isfinite(array).all():
        problems.append(f"{where}: {int((~np.isfinite(array)).sum())} values are NaN or infinite")
        return None
    return array
