"""What the layers of a file tell of the family that they belong to: alpha, kernel, widths, channels."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np

from livedead.network.unet import Architecture, encoder_blocks, make_divisible
from livedead.weights.families import N_UP, UNUSED, encoder_kinds, mobilenet_v2, unet_graph
from livedead.weights.graph import Graph
from livedead.weights.names import assign, canonical, counted, in_order, places_of, schemes
from livedead.weights.refusals import RefusedError, refuse
from livedead.weights.sources import SourceFile, SourceLayer

ALPHAS = (0.35, 0.5, 0.75, 1.0, 1.3, 1.4)
"""Width multipliers of ``keras.applications``."""

Named = dict[str, SourceLayer]


@dataclass(frozen=True)
class Family:
    """What a file tells about itself.

    Attributes
    ----------
    named : dict
        Layer of the graph -> layer of the file; more than the graph's where some are unused.
    scheme : str
        How the file names its encoder; "counted" where it only counts layers.
    unet : Architecture or None
        For a U-Net.
    """

    graph: Graph
    named: Named
    scheme: str
    unet: Architecture | None


def recognize(file: SourceFile, config: Graph | None, choices: dict[str, Any]) -> Family | None:
    """The family that a file belongs to; None where its layers are not MobileNetV2's.

    Parameters
    ----------
    config : Graph or None
        The file's own configuration; it tells what tensors do not.
    choices : dict
        What the user said: ``bottom``, ``stride_padding``, ``top_activation``, ``pooling``.

    Raises
    ------
    RefusedError
        For a network that the family does not have; what the layers lack is noted.
    ValueError
        For a choice that there is not.
    """
    layers = _own_names(file, config)
    encoder = encoder_kinds().keys()
    if len({canonical(name) for name, _ in layers} & encoder) <= 20:
        return None
    found = schemes(name for name, _ in layers)
    if len(found) > 1:
        mixed = ", ".join(f"{scheme} ({name})" for scheme, name in sorted(found.items()))
        refuse(f"the encoder's layers must follow one naming scheme; found several mixed: {mixed}")
    scheme = next(iter(found), "") if file.named or config is not None else "counted"
    known = {*encoder, *UNUSED}
    named: Named = {}
    others: list[tuple[str, SourceLayer]] = []
    for name, layer in layers:
        today = canonical(name)
        if today not in known:
            others.append((name, layer))
        elif today in named:
            refuse(f"layer {today!r} twice: {named[today].path} and {layer.path}")
        else:
            named[today] = layer
    if not others and (config is None or all(node.kind != "Conv2DTranspose" for node in config.nodes)):
        return Family(_encoder(named, choices), named, scheme, None)
    named |= _decoder(others)
    architecture = _architecture(named, config, choices)
    return Family(unet_graph(architecture, nested=file.nested), named, scheme, architecture)


def _own_names(file: SourceFile, config: Graph | None) -> list[tuple[str, SourceLayer]]:
    """The layers by their own names: those of the configuration, of the file, or told by their places."""
    if config is not None:
        return [
            (layer.name if name.startswith("?") else name.rsplit("/", 1)[-1], layer)
            for name, layer in assign(file, config).items()
        ]
    if file.named:
        return [(layer.name, layer) for layer in file.layers]
    placed = ({place: node.name for node, place in places_of(graph)} for graph in _candidates())
    found = {layer.path: layer for layer in file.layers}
    names = next((names for names in placed if names.keys() == found.keys()), {})
    return [(name, found[place]) for place, name in names.items()]


def _candidates() -> Iterator[Graph]:
    """The networks of this family, where only the number of layers of a class tells which it is."""
    for bottom, encoder, steps in product(("project", "project_BN"), (False, True), (False, True)):
        yield unet_graph(Architecture(n_classes=1, bottom=bottom), nested=encoder, nested_steps=steps)
    for until, n_classes in product(("Conv_1", "block_16_project_BN"), (None, 1)):
        yield mobilenet_v2(until=until, n_classes=n_classes)


def kernel_of(layer: SourceLayer | None) -> np.ndarray | None:
    """A convolution's kernel, (h, w, ., .); None for any other layer."""
    tensors = {} if layer is None else layer.tensors
    kernel = next((tensors[key] for key in ("kernel", "params/kernel", "0") if key in tensors), None)
    return kernel if kernel is not None and kernel.ndim == 4 else None


def input_channels_of(named: Named) -> int:
    """Channels that ``Conv1`` takes; RGB where it cannot be told."""
    kernel = kernel_of(named.get("Conv1"))
    return 3 if kernel is None else kernel.shape[2]


def _alpha(named: Named) -> float:
    """The width multiplier under which most shapes fit; the misfits are reported when paired."""
    kernels = [
        kernel_of(named.get(name)) for name in ("Conv1", *(f"{b.name}_project" for b in encoder_blocks(1.0)))
    ]
    found = [0 if kernel is None else kernel.shape[-1] for kernel in kernels]

    def n_fits(alpha: float) -> int:
        widths = [make_divisible(32 * alpha), *(block.out_channels for block in encoder_blocks(alpha))]
        return sum(a == b for a, b in zip(found, widths, strict=True))

    alpha = max(ALPHAS, key=n_fits)
    if n_fits(alpha) < len(found) // 2:
        refuse(f"the encoder's widths {found} are those of no alpha; known: {', '.join(map(str, ALPHAS))}")
    return alpha


def _encoder(named: Named, choices: dict[str, Any]) -> Graph:
    top = named["predictions"].tensors.values() if "predictions" in named else ()
    biases = [array for array in top if array.ndim == 1]
    return mobilenet_v2(
        _alpha(named),
        input_channels=input_channels_of(named),
        n_classes=len(biases[0]) if biases else None,
        until="Conv_1" if "Conv_1" in named else "block_16_project_BN",
        **{key: value for key, value in choices.items() if key != "bottom"},
    )


def _decoder(layers: list[tuple[str, SourceLayer]]) -> Named:
    """The decoder's layers by counters from zero, whatever the file calls them."""
    norms = {"gamma", "beta", "moving_mean", "params/scale", "batch_stats/mean", "3"}
    parts = {
        "conv2d_transpose": [pair for pair in layers if kernel_of(pair[1]) is not None],
        "batch_normalization": [pair for pair in layers if norms & pair[1].tensors.keys()],
    }
    found: Named = {f"?{layer.path}": layer for _, layer in layers}
    for (stem, members), expected in zip(parts.items(), (N_UP + 1, N_UP), strict=True):
        by_name = dict(members)
        if len(by_name) < len(members):
            by_name = {layer.path: layer for _, layer in members}
        meant = in_order(list(by_name), [counted(stem, k) for k in range(expected)])
        for name, new in meant.items():
            found[new] = found.pop(f"?{by_name[name].path}")
        if len(meant) < len(members):
            paths = ", ".join(layer.path for _, layer in members) or "none"
            refuse(f"a decoder has {expected} layers of kind {stem}; found {len(members)}: {paths}")
    return found


def _architecture(named: Named, config: Graph | None, choices: dict[str, Any]) -> Architecture:
    kernels = [kernel_of(named.get(counted("conv2d_transpose", k))) for k in range(N_UP + 1)]
    sizes = [kernel.shape[:2] for kernel in kernels if kernel is not None]
    side = max(set(sizes), key=sizes.count)[0] if sizes else 0
    if side not in (3, 4):
        raise RefusedError(f"transposed convolutions have kernels {sorted(set(sizes))}; known: 3x3, 4x4")
    # A missing layer's width is told by the tensors around it; 8 only keeps the list going.
    *widths, n_classes = (8 if kernel is None else kernel.shape[2] for kernel in kernels)
    return Architecture(
        n_classes=n_classes,
        alpha=_alpha(named),
        decoder_widths=(widths[0], widths[1], widths[2], widths[3]),
        kernel=side,
        input_channels=input_channels_of(named),
        stride_padding=choices.get("stride_padding", "correct"),
        bottom=_bottom(config, named, choices),
        **_told(config),
    )


def _told(config: Graph | None) -> dict[str, Any]:
    """Epsilons that the configuration gives, where it gives one for each part."""
    told: dict[str, set[float]] = {"encoder_eps": set(), "decoder_eps": set()}
    encoder = {*encoder_kinds(), *UNUSED}
    for node in config.layers if config else ():
        if node.kind == "BatchNormalization":
            part = "encoder_eps" if canonical(node.name) in encoder else "decoder_eps"
            told[part].add(node.options["epsilon"])
    return {part: values.pop() for part, values in told.items() if len(values) == 1}


def _bottom(config: Graph | None, named: Named, choices: dict[str, Any]) -> str:
    """Where the decoder starts: as the configuration is wired, else as the tensors or the user say."""
    if config is None:
        return str(choices.get("bottom", "project")) if "block_16_project_BN" in named else "project"
    nodes = {node.name: node for node in config.nodes}
    node = next((node for node in config.nodes if node.kind == "Conv2DTranspose"), None)
    while node is not None and node.inputs:
        node = nodes[node.inputs[0]]
        name = canonical(node.name)
        if name in ("block_16_project", "block_16_project_BN"):
            return name.removeprefix("block_16_")
        if node.kind not in ("InputLayer", "Dropout", "SpatialDropout2D"):
            break
    raise RefusedError(
        "the configuration's decoder starts neither at block_16_project nor at its BatchNorm; "
        "pass --architecture for another network"
    )
