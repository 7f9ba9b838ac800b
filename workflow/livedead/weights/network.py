"""A network with its tensors: what every format is read into, and written from.

Layers were paired by name (`livedead.weights.names`). Here tensor of the network and tensor of the
file are paired one to one: nothing may be left over on either side, and every shape must fit.
"""

import copy
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from livedead.errors import WeightsError
from livedead.network.folding import folded
from livedead.network.unet import STRIDE, Architecture, UNet, grey_filters
from livedead.weights.assay import Assay
from livedead.weights.families import unet_graph, unet_key
from livedead.weights.graph import Graph, Node
from livedead.weights.layouts import Slot
from livedead.weights.refusals import refuse, refuse_all
from livedead.weights.sources import SourceFile, SourceLayer, negative, not_finite


@dataclass(frozen=True)
class Pairing:
    """One tensor of the network, in Keras axes, and where it came from."""

    slot: Slot
    source: str
    array: np.ndarray


def pair(
    file: SourceFile, graph: Graph, named: dict[str, SourceLayer], unused: tuple[str, ...] = ()
) -> tuple[list[Pairing], list[str]]:
    """Pair the network's tensors with the file's, one to one; what does not pair is refused.

    Parameters
    ----------
    named : dict
        Layer of the graph -> layer of the file.
    unused : tuple of str
        Layers that may be in the file without a partner.

    Returns
    -------
    pairings : list of Pairing
    ignored : list of str
        Paths of the unused layers that the file holds.
    """
    traced = graph.trace()
    pairings: list[Pairing] = []
    for node in graph.layers:
        if node.name in named:
            pairings += _pair_layer(file.dialect, node, named[node.name], traced[node.name].slots)
        else:
            refuse(f"layer {node.name!r} ({node.kind}): expected, absent from the file")
    known = {node.name for node in graph.layers}
    left = {name: layer.path for name, layer in named.items() if name not in known}
    for name, path in left.items():
        if name not in unused:
            refuse(f"layer {path or 'at the top'!r}: unexpected, {graph.name} has no such layer")
    return pairings, [path for name, path in left.items() if name in unused]


def _pair_layer(dialect: str, node: Node, source: SourceLayer, slots: list[Slot]) -> list[Pairing]:
    by_name = {
        {"keras": slot.role.keras, "numbered": str(number), "flax": slot.role.flax}[dialect]: slot
        for number, slot in enumerate(slots)
    }
    if by_name.keys() != source.tensors.keys():
        refuse(
            f"layer {source.path!r} as {node.name!r} ({node.kind}): expected tensors "
            f"{', '.join(sorted(by_name))}; found {', '.join(sorted(source.tensors)) or 'none'}"
        )
    pairings = []
    for name in [name for name in by_name if name in source.tensors]:
        array, slot = source.tensors[name], by_name[name]
        path, where = f"{source.path}/{name}", f"tensor {source.path}/{name} of {node.name!r}"
        expected = slot.flax_shape if dialect == "flax" else slot.shape
        if array.shape != expected:
            refuse(f"{where}: expected shape {expected}, found {array.shape}")
            continue
        if slot.role.keras == "moving_variance":
            refuse_all(where, negative(array))
        pairings.append(Pairing(slot, path, slot.from_flax(array) if dialect == "flax" else array))
    return pairings


FIRST = "Conv1/kernel"


@dataclass(frozen=True)
class Network:
    """A network and its tensors.

    Attributes
    ----------
    values : dict
        ``layer/role`` -> tensor in Keras axes.
    unet : Architecture or None
        For a U-Net.
    source : dict
        What it was read from: name, sha256, container, scheme, names.
    pairings : list of Pairing
        Where each tensor came from; empty for a network that was not converted.
    ignored : list of str
        What the file holds that the network does without.
    head_activation : str
        Activation of the U-Net's last layer in the file, which is left out here.
    no_unet : str
        Why a network with a U-Net's layers is not taken for one.
    assay : Assay or None
        Channels and classes, where they came with the tensors.
    certificate : dict
        See `livedead.weights.certificate`; empty for a network without.
    """

    graph: Graph
    values: dict[str, np.ndarray]
    unet: Architecture | None = None
    source: dict[str, Any] = field(default_factory=dict)
    pairings: list[Pairing] = field(default_factory=list)
    ignored: list[str] = field(default_factory=list)
    head_activation: str = "linear"
    no_unet: str = ""
    assay: Assay | None = None
    certificate: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def of_pairings(cls, graph: Graph, pairings: list[Pairing], **attributes: Any) -> "Network":
        """The network of tensors that were read from a file."""
        values = {pairing.slot.key: pairing.array for pairing in pairings}
        return cls(graph, values, pairings=pairings, **attributes)

    @classmethod
    def from_arrays(cls, graph: Graph, arrays: dict[str, np.ndarray], **attributes: Any) -> "Network":
        """The inverse of `arrays`."""
        names = cls(graph, {}, **attributes)
        values = {slot.key: slot.from_torch(arrays[names.target(slot)]) for slot in graph.slots}
        return replace(names, values=values)

    def arrays(self) -> dict[str, np.ndarray]:
        """The tensors in PyTorch's layout, by `target`."""
        arrays = {}
        for slot in self.graph.slots:
            target = self.target(slot)
            arrays[target] = self.array(slot)
            if self.unet is not None and slot.role.torch == "running_var":
                # PyTorch's own counter of training steps, which no other framework has.
                arrays[f"{target.rpartition('.')[0]}.num_batches_tracked"] = np.zeros((), np.int64)
        return arrays

    def array(self, slot: Slot) -> np.ndarray:
        """One tensor in PyTorch's layout; that of a U-Net as float32."""
        array = slot.to_torch(self.values[slot.key])
        return array if self.unet is None else array.astype(np.float32, copy=False)

    def target(self, slot: Slot) -> str:
        """Name of a tensor in PyTorch: in its module, for a U-Net; ``layer.role`` for any other network."""
        return f"{slot.layer if self.unet is None else unet_key(slot.layer)}.{slot.role.torch}"

    def state(self, dtype: torch.dtype | None = None) -> dict[str, Tensor]:
        """The tensors as `Graph.run` takes them, ``layer.role`` -> Tensor."""
        return {
            f"{slot.layer}.{slot.role.torch}": _tensor(slot.to_torch(self.values[slot.key])).to(dtype)
            for slot in self.graph.slots
        }


def as_unet(network: Network) -> UNet:
    """The U-Net that segments, with these tensors, in evaluation mode, float32.

    Raises
    ------
    WeightsError
        For any other network.
    """
    if network.unet is None:
        reason = network.no_unet or f"{network.graph.name} is not the U-Net that segments"
        raise WeightsError(network.source.get("name", "network"), [reason])
    unet = UNet(network.unet)
    unet.load_state_dict({name: _tensor(array) for name, array in network.arrays().items()})
    return unet.eval()


def from_unet(unet: UNet, assay: Assay | None = None) -> Network:
    """The tensors of a U-Net, and its assay, in the form that can be written to other frameworks."""
    architecture = unet.architecture
    return Network.from_arrays(unet_graph(architecture), arrays_of(unet), unet=architecture, assay=assay)


def arrays_of(unet: UNet) -> dict[str, np.ndarray]:
    """The tensors of a U-Net by the names in its module."""
    return {name: tensor.detach().cpu().numpy() for name, tensor in unet.state_dict().items()}


def with_grey_filters(network: Network, graph: Graph) -> Network:
    """The network with its first filters summed over the colours, for the channels of `graph`."""
    n_channels = graph.input_shape[-1] or 1
    kernel = torch.from_numpy(network.values[FIRST].transpose(3, 2, 0, 1))
    grey = grey_filters(kernel, n_channels).numpy().transpose(2, 3, 1, 0)
    return replace(network, graph=graph, values={**network.values, FIRST: grey})


def _tensor(array: np.ndarray) -> Tensor:
    # PyTorch shares the memory, and wants to be allowed to write.
    return torch.from_numpy(np.require(array, requirements="W"))


def unet_defects(unet: UNet) -> list[str]:
    """What keeps a U-Net from telling one pixel from another; empty for a good one.

    Its tensors one by one; then as they are used, with each BatchNorm folded into its convolution;
    then its logits of noise, which must be finite and not the same everywhere.
    """
    found = []
    for name, tensor in unet.state_dict().items():
        if tensor.is_floating_point():
            array = tensor.numpy()
            defects = not_finite(array) + (negative(array) if name.endswith("running_var") else [])
            found += [f"tensor {name}: {defect}" for defect in defects]
    if found:
        return found
    fast = folded(copy.deepcopy(unet))
    found = [
        f"tensor {name}: finite, but beyond float32 (3.4e38) once its BatchNorm is folded in"
        for name, tensor in fast.state_dict().items()
        if not tensor.isfinite().all()
    ]
    if found:
        return found
    shape = (1, unet.architecture.input_channels, 2 * STRIDE, 2 * STRIDE)
    noise = torch.rand(shape, generator=torch.Generator().manual_seed(0)) * 2 - 1
    with torch.inference_mode():
        low, high = torch.aminmax(fast(noise)[0].flatten(1), dim=1)
    if not (low.isfinite() & high.isfinite()).all():
        return ["its logits of noise are NaN or infinite: the values of its layers overflow"]
    if (low == high).all():
        return ["its logits of noise are the same at every pixel: nothing of its input reaches its output"]
    return []
