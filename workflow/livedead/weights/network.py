"""A network with its tensors: what every format is read into, and written from."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor

from livedead.errors import WeightsError
from livedead.network.unet import Architecture, UNet
from livedead.weights import families
from livedead.weights.assay import Assay
from livedead.weights.graph import Graph, Node
from livedead.weights.layouts import Role
from livedead.weights.pairing import Pairing


@dataclass(frozen=True)
class Network:
    """A network and its tensors.

    Attributes
    ----------
    graph : Graph
    values : dict
        ``layer/role`` -> tensor in Keras axes.
    unet : Architecture or None
        For a U-Net.
    source : dict
        What it was read from: name, sha256, container, scheme, names.
    pairings : list of Pairing
        Where each tensor came from; empty for a network that was not converted.
    ignored : list of str
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
    def from_arrays(cls, graph: Graph, arrays: dict[str, np.ndarray], **attributes: Any) -> "Network":
        """The inverse of `arrays`."""
        network = cls(graph, {}, **attributes)
        traced = graph.trace()
        for node in graph.layers:
            for role in node.roles:
                array = arrays[network.target(node, role)]
                order = traced[node.name].input_order
                network.values[f"{node.name}/{role.keras}"] = node.from_torch(role, array, order)
        return network

    def arrays(self) -> dict[str, np.ndarray]:
        """The tensors in PyTorch's layout, by `target`; those of a U-Net as float32."""
        arrays = {}
        for node, role, array in self._turned():
            target = self.target(node, role)
            arrays[target] = array if self.unet is None else array.astype(np.float32, copy=False)
            if self.unet is not None and role.torch == "running_var":
                # PyTorch's own counter of training steps, which no other framework has.
                arrays[f"{target.rpartition('.')[0]}.num_batches_tracked"] = np.zeros((), np.int64)
        return arrays

    def target(self, node: Node, role: Role) -> str:
        """Name of a tensor in PyTorch: in its module, for a U-Net; ``layer.role`` for any other network."""
        layer = node.name if self.unet is None else families.unet_key(node.name)
        return f"{layer}.{role.torch}"

    def state(self, dtype: torch.dtype | None = None) -> dict[str, Tensor]:
        """The tensors as `Graph.run` takes them, ``layer.role`` -> Tensor."""
        return {
            f"{node.name}.{role.torch}": torch.from_numpy(np.array(array)).to(dtype)
            for node, role, array in self._turned()
        }

    def _turned(self) -> Iterator[tuple[Node, Role, np.ndarray]]:
        traced = self.graph.trace()
        for node in self.graph.layers:
            for role in node.roles:
                array, order = self.values[f"{node.name}/{role.keras}"], traced[node.name].input_order
                yield node, role, node.to_torch(role, array, order)


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
    module = UNet(network.unet)
    module.load_state_dict(
        {key: torch.from_numpy(np.array(array)) for key, array in network.arrays().items()}
    )
    return module.eval()


def from_unet(unet: UNet, assay: Assay | None = None) -> Network:
    """The tensors of a U-Net, and its assay, in the form that can be written to other frameworks."""
    return Network.from_arrays(
        families.unet(unet.architecture), arrays_of(unet), unet=unet.architecture, assay=assay
    )


def arrays_of(unet: UNet) -> dict[str, np.ndarray]:
    """The tensors of a U-Net by the names in its module."""
    return {key: tensor.detach().cpu().numpy() for key, tensor in unet.state_dict().items()}
