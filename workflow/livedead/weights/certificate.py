"""Certified weights: safetensors that say where every tensor came from, and what each must be."""

import hashlib
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import safetensors.numpy
from safetensors import SafetensorError, safe_open

from livedead.errors import WeightsError
from livedead.network.experience import Experience
from livedead.network.unet import Architecture, UNet
from livedead.provenance import file_sha256, value_sha256
from livedead.stores import read_json, write_bytes
from livedead.weights.assay import Assay, Classes
from livedead.weights.families import unet_graph
from livedead.weights.network import Network, arrays_of, unet_defects, with_grey_filters
from livedead.weights.refusals import RefusedError, refuse, refusing

METADATA_KEY = "livedead"
INPUT_SCALING = "plate normalization to [-1, 1]"
MAKE_ONE = "python -m livedead.weights convert IN OUT.safetensors"

_SEAL = "certificate_sha256"


def certify(
    network: Network,
    *,
    n_channels: int | None = None,
    classes: Classes | None = None,
    input_channels: list[str] | None = None,
) -> Network:
    """Say of a network from a file of Keras or Flax where every tensor came from.

    Parameters
    ----------
    n_channels : int, optional
        Channels the workflow feeds a U-Net. A file made for RGB is converted for grey by
        summing its first filters over the colours, which equals repeating the channel three
        times; as in the file if not given.
    classes, input_channels : list, optional
        The assay's, in the order of the network's output and input. Where the file carries its own,
        they must agree; where not, the certificate says that they are the user's word.

    Returns
    -------
    Network
        With its certificate, JSON-like values.

    Raises
    ------
    RefusedError
        For a network that does not fit what is said of it.
    """
    carried = network.assay
    if carried is not None:
        classes = carried.classes if classes is None else classes
        input_channels = carried.input_channels if input_channels is None else input_channels
        with refusing():
            refuse(*carried.disagreements(classes, input_channels))
    network, first_layer = _fed(network, n_channels, classes)
    nodes = network.graph.nodes
    record = {
        "source": network.source,
        "architecture": network.unet.as_dict() if network.unet else None,
        "graph": None if network.unet else network.graph.as_dict(),
        "classes": classes,
        "input_channels": input_channels,
        "classes_verified": carried is not None,
        "experience": None if carried is None else recorded(carried.experience),
        "input_scaling": INPUT_SCALING if network.unet else "as the network was trained",
        "first_layer": first_layer,
        "head_activation": network.head_activation,
        "padding": {
            node.name: node.options["padding"]
            for node in nodes
            if node.options.get("padding", "valid") != "valid"
        },
        "epsilon": {node.name: node.options["epsilon"] for node in nodes if "epsilon" in node.options},
        "tensors": _records(network),
        "ignored": network.ignored,
        "golden": None,
    }
    return replace(network, certificate=record)


def certify_training(unet: UNet, assay: Assay, source: dict[str, Any]) -> dict[str, Any]:
    """The certificate of a U-Net that was trained here; `source` says on what.

    Raises
    ------
    WeightsError
        If the training left a network that gives no finite numbers.
    """
    with refusing("the trained network"):
        refuse(*unet_defects(unet))
    return {
        "source": source,
        "architecture": unet.architecture.as_dict(),
        "graph": None,
        "classes": assay.classes,
        "input_channels": assay.input_channels,
        "classes_verified": True,
        "experience": recorded(assay.experience),
        "input_scaling": INPUT_SCALING,
        "tensors": [{"target": name, **_identity(array)} for name, array in arrays_of(unet).items()],
    }


def recorded(experience: Experience | None) -> dict[str, Any] | None:
    """What a network has seen, as a certificate says it."""
    return None if experience is None else experience.as_dict()


def with_experience(
    certificate: dict[str, Any], file: Path | None, pixel_size_um: float | None
) -> dict[str, Any]:
    """The certificate with what the user knows of the network's experience.

    Parameters
    ----------
    file : Path, optional
        A record of what the network has seen; it stands for the one that the weights carry.
    pixel_size_um : float, optional
        Of the images that it was trained on.

    Raises
    ------
    WeightsError
        If the file holds no such record, or another pixel size is known.
    """
    known = certificate.get("experience") if file is None else read_json(file)
    if known is None and pixel_size_um is None:
        return certificate
    with refusing(file or "experience"):
        try:
            experience = Experience.from_dict(known or {})
            if pixel_size_um is not None:
                experience = experience.of_pixel_size(pixel_size_um)
        except ValueError as error:
            raise RefusedError(str(error)) from error
    return {**certificate, "experience": experience.as_dict()}


def miscounted(unet: Architecture, classes: Classes) -> list[str]:
    """What to say of a configuration with more or fewer classes than the network has."""
    names = ", ".join(entry["name"] for entry in classes)
    said = f"the network has {unet.n_classes} classes; the configuration lists {len(classes)}: {names}"
    return [said] * (unet.n_classes != len(classes))


def _fed(network: Network, n_channels: int | None, classes: Classes | None) -> tuple[Network, str]:
    """The network for the channels that the workflow feeds, and what was done to its first layer."""
    unchanged = network, "as in the file"
    if n_channels is None and classes is None:
        return unchanged
    unet = network.unet
    if unet is None:
        reason = f"the file holds {network.graph.name}, not the U-Net that segments: an encoder alone has no "
        raise RefusedError(network.no_unet or f"{reason}decoder and can only start a training")
    found = unet.input_channels
    with refusing():
        refuse(*(miscounted(unet, classes) if classes is not None else ()))
        if n_channels is not None and found not in (n_channels, 3):
            refuse(f"the network reads {found} channel(s), the configuration feeds {n_channels}")
    if n_channels is None or found == n_channels:
        return unchanged
    unet = replace(unet, input_channels=n_channels)
    grey = with_grey_filters(network, unet_graph(unet, nested=bool(network.source.get("nested"))))
    return replace(grey, unet=unet), f"RGB filters summed over colours, over {n_channels} channel(s)"


def _records(network: Network) -> list[dict[str, Any]]:
    """Where each tensor came from and what became of it."""
    slots = {slot.key: slot for slot in network.graph.slots}
    records = []
    for pairing in network.pairings:
        slot = slots[pairing.slot.key]
        array = network.array(slot)
        record = {
            "source": pairing.source,
            "target": network.target(slot),
            "axes": list(slot.role.axes),
            "dtype": f"{pairing.array.dtype.name} -> {array.dtype.name}",
            **_identity(array),
        }
        if slot.order is not None:
            record["features"] = "of a flatten, from (H, W, C) to (C, H, W)"
        records.append(record)
    return records


def _identity(array: np.ndarray) -> dict[str, Any]:
    return {"shape": list(array.shape), "sha256": tensor_sha256(array)}


def tensor_sha256(array: np.ndarray) -> str:
    """SHA-256 of a tensor's values in its own dtype, little-endian, row by row."""
    little = np.asarray(array, dtype=array.dtype.newbyteorder("<"), order="C")
    return hashlib.sha256(little.tobytes()).hexdigest()


def certificate_beside(path: str | Path, certificate: dict[str, Any]) -> dict[str, Any]:
    """What the JSON beside a weight file says: its certificate and its own hash."""
    return {**certificate, "model_sha256": file_sha256(path)}


def write_tensors(path: str | Path, arrays: dict[str, np.ndarray], certificate: dict[str, Any]) -> None:
    """Write tensors and certificate as safetensors; equal content, equal bytes."""
    sealed = {**certificate, _SEAL: value_sha256(certificate)}
    # One metadata key only: safetensors writes several in random order.
    metadata = {METADATA_KEY: json.dumps(sealed, sort_keys=True)}
    contiguous = {key: np.asarray(array, order="C") for key, array in arrays.items()}
    write_bytes(path, safetensors.numpy.save(contiguous, metadata))


def is_in(path: str | Path) -> bool:
    """Whether a file is safetensors of this workflow, by its header alone."""
    if Path(path).suffix != ".safetensors":
        return False
    try:
        with safe_open(path, framework="np") as file:
            return METADATA_KEY in (file.metadata() or {})
    except (OSError, SafetensorError, ValueError):
        return False


def read_certificate(path: str | Path) -> dict[str, Any]:
    """The certificate inside a safetensors file.

    Raises
    ------
    WeightsError
        If the file has none, naming the command that makes one, or if it was changed.
    """
    with refusing(path):
        try:
            with safe_open(path, framework="np") as file:
                metadata = file.metadata() or {}
        except (OSError, SafetensorError, ValueError) as error:
            raise RefusedError(
                f"not a readable safetensors file: {error}; make one with '{MAKE_ONE}'"
            ) from error
        if METADATA_KEY not in metadata:
            raise RefusedError(
                f"no certificate; make the file with '{MAKE_ONE}' "
                "or 'snakemake results/weights/unet.safetensors'"
            )
        try:
            certificate: dict[str, Any] = json.loads(metadata[METADATA_KEY])
            seal = certificate.pop(_SEAL, None)
        except (ValueError, AttributeError, RecursionError) as error:
            raise RefusedError(f"damaged certificate: {error}") from error
        if seal != value_sha256(certificate):
            refuse(f"the certificate was changed after it was made; make it anew: '{MAKE_ONE}'")
    return certificate


def read_tensors(path: str | Path) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """Tensors by their names in PyTorch, each checked against the certificate, and the certificate.

    Raises
    ------
    WeightsError
        As for `read_certificate`, and if a tensor is not the one that was certified.
    """
    certificate = read_certificate(path)
    try:
        with safe_open(path, framework="np") as file:
            arrays = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118 (a handle, not a dict)
    except (OSError, SafetensorError, ValueError, TypeError) as error:
        raise WeightsError(path, [f"damaged safetensors file: {error}"]) from error
    recorded = {record["target"]: record for record in certificate.get("tensors", [])}
    with refusing(path):
        for key in sorted(arrays.keys() | recorded.keys()):
            record = recorded.get(key, {})
            # PyTorch's own counter of training steps, which no other framework has: zero if converted.
            counts = key.endswith("num_batches_tracked") and key in arrays and not arrays[key].any()
            if key not in arrays:
                refuse(f"tensor {key}: certified, but absent")
            elif not record and not counts:
                refuse(f"tensor {key}: not certified")
            elif record and {**record, **_identity(arrays[key])} != record:
                found, expected = tensor_sha256(arrays[key]), record["sha256"]
                said = f"sha256 {found[:12]}..., certified {expected[:12]}..."
                refuse(f"tensor {key}: {said}: it has changed")
    return arrays, certificate
