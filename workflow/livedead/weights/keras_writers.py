"""Weight files for Keras, written with h5py alone so that Keras 2 and 3 read them."""

from pathlib import Path

import h5py
import numpy as np

from livedead.stores import replacing_hdf5
from livedead.weights import assay as assays
from livedead.weights.assay import Assay
from livedead.weights.graph import Graph, Node
from livedead.weights.names import places_of


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
