"""A training between two epochs, on disk: a kill costs one epoch at most."""

import json
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import safetensors.torch
from safetensors import SafetensorError, safe_open
from torch import Tensor, nn, optim

from livedead.provenance import value_sha256
from livedead.stores import write_bytes

log = logging.getLogger(__name__)

_KEY = "training"


class Checkpoint:
    """One safetensors file, without a pickle, replaced as a whole after every epoch.

    Parameters
    ----------
    path : Path
    identity : JSON value
        Everything that the training's numbers depend on; a file of another identity is not used.
    """

    def __init__(self, path: Path, identity: Any):
        self.path = path
        self.identity = value_sha256(identity)

    def save(
        self, modules: Mapping[str, nn.Module], optimizer: optim.Optimizer, history: list[dict[str, float]]
    ) -> None:
        """Write the state of `modules` and `optimizer`, and the rows of the epochs so far."""
        tensors = {
            f"{name}/{key}": tensor
            for name, module in modules.items()
            for key, tensor in module.state_dict().items()
        }
        for number, state in optimizer.state_dict()["state"].items():
            tensors |= {f"optimizer/{number}/{key}": tensor for key, tensor in state.items()}
        # One metadata key only: safetensors writes several in random order.
        about = {_KEY: json.dumps({"identity": self.identity, "history": history})}
        held = {key: tensor.detach().cpu().contiguous() for key, tensor in tensors.items()}
        write_bytes(self.path, safetensors.torch.save(held, about))

    def load(self, modules: Mapping[str, nn.Module], optimizer: optim.Optimizer) -> list[dict[str, float]]:
        """Restore the saved state and return the rows so far; without a usable file change nothing."""
        if not self.path.is_file():
            return []
        try:
            with safe_open(self.path, framework="pt") as file:
                about = json.loads((file.metadata() or {})[_KEY])
                tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118 (a handle)
        except (OSError, SafetensorError, KeyError, ValueError) as error:
            log.warning(
                "%s: not a readable checkpoint (%s): training starts from the beginning", self.path, error
            )
            return []
        if about["identity"] != self.identity:
            log.info("%s: checkpoint of another training: not used", self.path)
            return []
        for name, module in modules.items():
            module.load_state_dict(_below(tensors, name))
        states: dict[int, dict[str, Tensor]] = {}
        for key, tensor in _below(tensors, "optimizer").items():
            number, name = key.split("/")
            states.setdefault(int(number), {})[name] = tensor
        groups = optimizer.state_dict()["param_groups"]
        optimizer.load_state_dict({"state": states, "param_groups": groups})
        history: list[dict[str, float]] = about["history"]
        log.info("%s: resuming after epoch %d", self.path, len(history))
        return history

    def remove(self) -> None:
        """Delete the file, once the training is done."""
        self.path.unlink(missing_ok=True)


def _below(tensors: dict[str, Tensor], name: str) -> dict[str, Tensor]:
    return {key.removeprefix(f"{name}/"): t for key, t in tensors.items() if key.startswith(f"{name}/")}
