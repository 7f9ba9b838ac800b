"""A network with its tensors: what every format is read into, and written from."""

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from livedead.errors import WeightsError
from livedead.network.unet import Architecture, UNet, grey_filters
from livedead.weights.assay import Assay
from livedead.weights.families import unet_graph, unet_key
from livedead.weights.graph import Graph
from livedead.weights.layouts import Slot
from livedead.weights.pairing import Pairing

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
        """The tensors in PyTorch's layout, by `target`; those of a U-Net as float32."""
        arrays = {}
        for slot in self.graph.slots:
            target, array = self.target(slot), slot.to_torch(self.values[slot.key])
            arrays[target] = array if self.unet is None else array.astype(np.float32, copy=False)
            if self.unet is not None and slot.role.torch == "running_var":
                # PyTorch's own counter of training steps, which no other framework has.
                arrays[f"{target.rpartition('.')[0]}.num_batches_tracked"] = np.zeros((), np.int64)
        return arrays

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
    return torch.from_numpy(np.array(array))
