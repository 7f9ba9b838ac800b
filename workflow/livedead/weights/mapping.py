"""Module path <-> source layer name: one bijection, checked from both ends.

Keras names the same encoder in three ways (see ``SCHEMES``) and counts the decoder's layers.
Both are first rewritten to canonical names, under which a file's layers and the network's
must pair one to one: nothing is loaded by position, and nothing may be left over.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from livedead.unet import Architecture, encoder_blocks, make_divisible
from livedead.weights.keras_files import KerasFile, SourceLayer
from livedead.weights.layouts import LAYOUTS, Role, to_keras, to_torch

ALPHAS = (0.35, 0.5, 0.75, 1.0, 1.3, 1.4)
"""Width multipliers for which ImageNet weights were published."""

UNUSED = ("Conv_1", "Conv_1_bn", "block_16_project_BN", "predictions", "Logits")
"""Layers of the classifier that the U-Net does without; ignored by name and reported."""


@dataclass(frozen=True)
class Layer:
    """One layer with tensors, as the network knows it.

    Attributes
    ----------
    path : str
        Module path in PyTorch, such as ``encoder.block_3_expand``.
    kind : str
        A key of `LAYOUTS`.
    roles : tuple of Role
        The tensors it has.
    """

    path: str
    kind: str
    roles: tuple[Role, ...]

    @property
    def name(self) -> str:
        """Canonical name: the path without its first part, joined by underscores."""
        return self.path.split(".", 1)[1].replace(".", "_")


@dataclass(frozen=True)
class Pairing:
    """One tensor of the network and where it came from."""

    layer: Layer
    role: Role
    source: SourceLayer

    @property
    def key(self) -> str:
        """Name in the network's state dict."""
        return f"{self.layer.path}.{self.role.torch}"

    def tensor(self) -> np.ndarray:
        """The tensor in PyTorch's layout."""
        return to_torch(self.layer.kind, self.role, self.source.tensors[self.role.keras])


def encoder_layers(bottom: str) -> list[Layer]:
    """Layers of the encoder, in model order; their names do not depend on its width."""
    layers = [_conv("encoder.Conv1"), _norm("encoder.bn_Conv1")]
    for block in encoder_blocks(1.0):
        stem = f"encoder.{block.name}"
        if block.expands:
            layers += [_conv(f"{stem}_expand"), _norm(f"{stem}_expand_BN")]
        layers += [_conv(f"{stem}_depthwise", "depthwise"), _norm(f"{stem}_depthwise_BN")]
        layers += [_conv(f"{stem}_project"), _norm(f"{stem}_project_BN")]
    return layers[:-1] if bottom == "project" else layers


def decoder_layers() -> list[Layer]:
    """Layers of the decoder, in model order."""
    layers = []
    for k in range(4):
        layers += [_conv(f"decoder.up_{k}.conv", "conv_transpose"), _norm(f"decoder.up_{k}.bn")]
    head = Layer("decoder.head", "conv_transpose", LAYOUTS["conv_transpose"])
    return [*layers, head]


def _conv(path: str, kind: str = "conv") -> Layer:
    return Layer(path, kind, LAYOUTS[kind][:1])


def _norm(path: str) -> Layer:
    return Layer(path, "batch_norm", LAYOUTS["batch_norm"])


def _rename_2018(name: str) -> str:
    match = re.fullmatch(r"(mobl|bn)(\d+)_conv_\2_(bn_)?(\w+)", name)
    return _block_name(match[1], match[2], match[4]) if match else name


def _rename_2_2(name: str) -> str:
    match = re.fullmatch(r"(mobl|bn)(\d+)_conv_(bn_)?(expand|depthwise|project)", name)
    return _block_name(match[1], match[2], match[4]) if match else name


def _block_name(prefix: str, block: str, part: str) -> str:
    stem = "expanded_conv" if block == "0" else f"block_{block}"
    return f"{stem}_{part}" + ("_BN" if prefix == "bn" else "")


SCHEMES: dict[str, tuple[str, Callable[[str], str]]] = {
    "2018": (r"(mobl|bn)(\d+)_conv_\2_\w+", _rename_2018),
    "Keras 2.2": (r"(mobl|bn)\d+_conv_(bn_)?(expand|depthwise|project)", _rename_2_2),
    "current": (r"(expanded_conv|block_\d+)_\w+", lambda name: name),
}
"""Scheme -> pattern of its block names, and their canonical form."""


def canonical_names(file: KerasFile) -> tuple[dict[str, SourceLayer], str, list[str]]:
    """Layers by canonical name, the encoder's naming scheme, and every problem found."""
    problems: list[str] = []
    schemes = {
        scheme
        for layer in file.layers
        for scheme, (pattern, _) in SCHEMES.items()
        if re.fullmatch(pattern, layer.name)
    }
    if len(schemes) != 1:
        found = f"found {', '.join(sorted(schemes))} together" if schemes else "found none"
        problems.append(f"the encoder's layers follow one naming scheme of {', '.join(SCHEMES)}; {found}")
        return {}, "", problems
    scheme = schemes.pop()
    rename = SCHEMES[scheme][1]
    encoder = {layer.name for layer in encoder_layers("project_BN")} | set(UNUSED)
    named: dict[str, SourceLayer] = {}
    others: list[SourceLayer] = []
    for layer in file.layers:
        name = rename(layer.name)
        if name not in encoder:
            others.append(layer)
        elif name in named:
            problems.append(f"layer {name!r} twice: {named[name].path} and {layer.path}")
        else:
            named[name] = layer
    named.update(_decoder_names(others, problems))
    return named, scheme, problems


def _decoder_names(layers: list[SourceLayer], problems: list[str]) -> dict[str, SourceLayer]:
    """Canonical names of the decoder's layers, from Keras's own counters.

    The counters (``conv2d_transpose``, ``conv2d_transpose_1``, ...) start anywhere but keep
    the model's order; the shapes are then checked along the chain by `read_architecture`.
    """
    convolutions = sorted((x for x in layers if _rank(x) == 4), key=_natural)
    norms = sorted((x for x in layers if "gamma" in x.tensors or "beta" in x.tensors), key=_natural)
    rest = [x.path for x in layers if x not in convolutions and x not in norms]
    if rest:
        problems.append(f"layers that this network does not have: {', '.join(rest)}")
    if not convolutions and not norms:
        return {}
    if len(convolutions) != 5 or len(norms) != 4:
        problems.append(
            "a decoder has 5 transposed convolutions and 4 BatchNorms; found "
            f"{len(convolutions)} and {len(norms)}: {', '.join(x.path for x in layers)}"
        )
        return {}
    names = {f"up_{k}_conv": layer for k, layer in enumerate(convolutions[:4])}
    names |= {f"up_{k}_bn": layer for k, layer in enumerate(norms)}
    return {**names, "head": convolutions[4]}


def _rank(layer: SourceLayer) -> int:
    return layer.tensors["kernel"].ndim if "kernel" in layer.tensors else 0


def _natural(layer: SourceLayer) -> list[tuple[int, str]]:
    """Sort key under which ``_2`` comes before ``_10`` and no number before ``_1``."""
    parts = re.split(r"(\d+)", layer.name)
    return [(int(part), "") if part.isdigit() else (-1, part.rstrip("_")) for part in parts if part]


def read_alpha(named: dict[str, SourceLayer], problems: list[str]) -> float:
    """Width multiplier of the encoder, from the shapes of its projections."""
    found = tuple(_out(named, f"{block.name}_project") for block in encoder_blocks(1.0))
    for alpha in ALPHAS:
        widths = tuple(block.out_channels for block in encoder_blocks(alpha))
        if found == widths and _out(named, "Conv1") == make_divisible(32 * alpha):
            return alpha
    problems.append(f"the encoder's widths {found} are those of no alpha of {', '.join(map(str, ALPHAS))}")
    return 1.0


def _out(named: dict[str, SourceLayer], name: str) -> int:
    layer = named.get(name)
    return layer.tensors["kernel"].shape[-1] if layer is not None and _rank(layer) == 4 else 0


def read_architecture(
    named: dict[str, SourceLayer], bottom: str, stride_padding: str, problems: list[str]
) -> Architecture | None:
    """The architecture that the shapes of a file tell; None, with reasons, where they do not."""
    decoder = [named[name] for name in (*(f"up_{k}_conv" for k in range(4)), "head") if name in named]
    if len(decoder) != 5:
        if not problems:
            problems.append("no decoder: an encoder alone can start a training but segments nothing")
        return None
    kernels = {layer.tensors["kernel"].shape[:2] for layer in decoder}
    if kernels not in ({(3, 3)}, {(4, 4)}):
        problems.append(f"transposed convolutions have kernels {sorted(kernels)}; known: 3x3, 4x4")
        return None
    *widths, n_classes = (layer.tensors["kernel"].shape[2] for layer in decoder)
    first = named.get("Conv1")
    return Architecture(
        n_classes=n_classes,
        alpha=read_alpha(named, problems),
        decoder_widths=(widths[0], widths[1], widths[2], widths[3]),
        kernel=kernels.pop()[0],
        input_channels=first.tensors["kernel"].shape[2] if first and _rank(first) == 4 else 3,
        bottom=bottom,
        stride_padding=stride_padding,
    )


def pair(
    named: dict[str, SourceLayer],
    layers: list[Layer],
    shapes: dict[str, tuple[int, ...]],
    problems: list[str],
) -> tuple[list[Pairing], list[str]]:
    """Pair the network's tensors with the file's, one to one.

    Parameters
    ----------
    shapes : dict
        State-dict key -> shape that the network expects.

    Returns
    -------
    pairings : list of Pairing
    ignored : list of str
        Paths of layers in the file that are known and unused.
    """
    pairings, used = [], set()
    for layer in layers:
        source = named.get(layer.name)
        if source is None:
            problems.append(f"layer {layer.name!r}: expected, absent from the file")
            continue
        used.add(layer.name)
        expected = {role.keras for role in layer.roles}
        if expected != set(source.tensors):
            problems.append(
                f"layer {source.path!r}: expected tensors {', '.join(sorted(expected))}; "
                f"found {', '.join(sorted(source.tensors))}"
            )
            continue
        for role in layer.roles:
            pairing = Pairing(layer, role, source)
            array = source.tensors[role.keras]
            found = pairing.tensor().shape if array.ndim == len(role.axes) else array.shape
            if found != shapes[pairing.key]:
                problems.append(
                    f"tensor {source.path}/{role.keras}: expected {shapes[pairing.key]} in "
                    f"PyTorch's order, found {found}"
                )
            else:
                pairings.append(pairing)
    ignored = [named[name].path for name in named if name in UNUSED and name not in used]
    unexpected = [named[name].path for name in named if name not in used and name not in UNUSED]
    if unexpected:
        problems.append(f"layers that this network does not have: {', '.join(unexpected)}")
    return pairings, ignored


def unet_layers(architecture: Architecture) -> list[Layer]:
    """All layers of the U-Net, in model order."""
    return encoder_layers(architecture.bottom) + decoder_layers()


def keras_layers(layers: list[Layer], state: dict[str, np.ndarray]) -> list[SourceLayer]:
    """The network's tensors as Keras layers, with the names Keras would give."""
    counts = {"conv_transpose": 0, "batch_norm": 0}
    sources = []
    for layer in layers:
        name = layer.name
        if layer.path.startswith("decoder."):
            stem = {"conv_transpose": "conv2d_transpose", "batch_norm": "batch_normalization"}[layer.kind]
            name = f"{stem}_{counts[layer.kind]}" if counts[layer.kind] else stem
            counts[layer.kind] += 1
        tensors = {
            ("depthwise_kernel" if layer.kind == "depthwise" else role.keras): to_keras(
                layer.kind, role, state[f"{layer.path}.{role.torch}"]
            )
            for role in layer.roles
        }
        sources.append(SourceLayer(name, name, tensors))
    return sources


def grey_source(named: dict[str, SourceLayer], filters: np.ndarray) -> dict[str, SourceLayer]:
    """The same layers with other first filters, (h, w, c, o)."""
    first = named["Conv1"]
    return {**named, "Conv1": replace(first, tensors={**first.tensors, "kernel": filters})}
