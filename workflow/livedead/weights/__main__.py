"""The command line: ``python -m livedead.weights inspect | convert | verify``."""

import argparse
import logging
import sys
from dataclasses import replace
from pathlib import Path

import torch

from livedead import stores, yaml_files
from livedead.errors import LivedeadError, WeightsError
from livedead.faults import explained
from livedead.provenance import file_sha256
from livedead.weights import certificate, formats, golden
from livedead.weights.assay import Assay, Classes
from livedead.weights.network import Network
from livedead.weights.refusals import refuse, refusing
from livedead.weights.sources import SourceFile

PASSED, FAILED, REFUSED = 0, 1, 2
"""Exit codes: done; over the tolerance; a file was refused."""

CHOICES = ("bottom", "stride_padding", "pooling", "top_activation")


def main(arguments: list[str] | None = None) -> int:
    """Run one command; see ``docs/weights.md``.

    Returns
    -------
    int
        `PASSED`, `FAILED` or `REFUSED`.
    """
    options = _parser().parse_args(arguments)
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr, format="%(message)s")
    try:
        code: int = options.command(options)
    except LivedeadError as error:
        print(error, file=sys.stderr)  # noqa: T201
        return REFUSED
    except Exception as error:
        fault = explained(error)
        if fault is None:
            raise
        print(f"{fault.reason}\nwhat to do: {fault.remedy}", file=sys.stderr)  # noqa: T201
        return REFUSED
    return code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m livedead.weights", description=__doc__)
    commands = parser.add_subparsers(required=True)

    reading = argparse.ArgumentParser(add_help=False)
    reading.add_argument("--architecture", type=Path, help="YAML or Keras JSON, where the file does not say")
    reading.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="what neither tells: bottom=project|project_BN, stride_padding=correct|even|even_blocks, "
        "pooling=avg|max, top_activation=linear|softmax",
    )
    reading.add_argument("--allow-half", action="store_true", help="take half floats, as float32")

    inspect = commands.add_parser("inspect", parents=[reading], help="say what a file holds")
    inspect.add_argument("file", type=Path)
    inspect.set_defaults(command=_inspect)

    convert = commands.add_parser("convert", parents=[reading], help="convert; OUT's suffix is the format")
    convert.add_argument("source", type=Path, metavar="IN")
    convert.add_argument("target", type=Path, metavar="OUT")
    convert.add_argument("--channels", type=int, help="channels to feed a U-Net; sums RGB filters")
    convert.add_argument("--classes", type=Path, help="YAML with the list 'classes' of {name, role}")
    convert.add_argument("--golden", type=Path, help="check against this file; the certificate says so")
    convert.add_argument("--experience", type=Path, help="record of what the network has seen")
    convert.add_argument("--sha256", help="what the hash of IN must be")
    convert.add_argument(
        "--nested",
        action=argparse.BooleanOptionalAction,
        help="write a U-Net as models in a model, as TensorFlow's tutorial does, or flat",
    )
    convert.set_defaults(command=_convert)

    verify = commands.add_parser("verify", parents=[reading], help="compare with recorded outputs")
    verify.add_argument("weights", type=Path)
    verify.add_argument("golden", type=Path)
    verify.add_argument("--precision", choices=["float32", "float64"], help="arithmetic, and its tolerance")
    verify.add_argument("--tolerance", type=float, help="share of the range; 1e-4, or 1e-9 in float64")
    verify.set_defaults(command=_verify)
    return parser


def _read(path: Path, options: argparse.Namespace, sha256: str | None = None) -> Network:
    pairs = [item.partition("=") for item in options.set]
    with refusing("--set"):
        for key in [key for key, _, _ in pairs if key not in CHOICES]:
            refuse(f"--set {key}: not known; known: {', '.join(CHOICES)}")
    return formats.read(
        path,
        architecture=options.architecture,
        choices={key: value for key, _, value in pairs},
        allow_half=options.allow_half,
        sha256=sha256,
    )


def _inspect(options: argparse.Namespace) -> int:
    path: Path = options.file
    _say(f"file        {path.name}")
    # What a file's layers lack is said below them, with what the network lacks.
    with refusing(path):
        if not certificate.is_in(path):
            _list_layers(path, formats.read_source(path, allow_half=options.allow_half))
        network = _read(path, options)
    if network.certificate:
        _say("container   livedead safetensors, every tensor as certified")
        _say(f"source      {network.source}")
    _say(f"network     {network.graph.name}, input {network.graph.input_shape}")
    if network.unet is not None:
        _say(f"U-Net       {network.unet.as_dict()}")
    if network.source.get("scheme"):
        _say(f"scheme      {network.source['scheme']}")
    _say(f"ignored     {', '.join(network.ignored) or 'nothing'}")
    return PASSED


def _list_layers(path: Path, file: SourceFile) -> None:
    n_values = sum(array.size for layer in file.layers for array in layer.tensors.values())
    _say(f"sha256      {file_sha256(path)}")
    _say(f"container   {file.container}, {'nested' if file.nested else 'flat'}")
    _say(f"layers      {len(file.layers)} with tensors, {n_values:,} values")
    for layer in file.layers:
        shapes = ", ".join(f"{name} {array.shape}" for name, array in layer.tensors.items())
        _say(f"  {layer.path or '(top)'} [{layer.name}]: {shapes}")
    _say(f"besides     {', '.join(file.skipped) or 'nothing'}")


def _convert(options: argparse.Namespace) -> int:
    target: Path = options.target
    classes = _classes(options.classes) if options.classes else None
    network = _read(options.source, options, options.sha256)
    if not network.certificate:
        with refusing(options.source):
            network = certificate.certify(network, n_channels=options.channels, classes=classes)
    if options.experience:
        network = _with_experience(network, options.experience)
    if options.golden:
        report = golden.verify(network, options.golden)
        if _tell(report) != PASSED:
            _say(f"{target} was not written")
            return FAILED
        network = replace(network, certificate={**network.certificate, "golden": report.as_dict()})
    formats.write(target, network, nested=options.nested)
    beside = target.with_name(target.name.removesuffix(target.suffix) + ".certificate.json")
    stores.write_json(beside, certificate.certificate_beside(target, network.certificate))
    _say(f"{target}: {network.graph.name}, {len(network.values)} tensors; certificate {beside.name}")
    if network.ignored:
        _say(f"ignored: {', '.join(network.ignored)}")
    return PASSED


def _with_experience(network: Network, path: Path) -> Network:
    """The network with the record of what it has seen, which formats carry that have a place for it."""
    record = certificate.with_experience(network.certificate, path, None)
    assay = Assay.certified(record)
    with refusing(network.source):
        if assay is None:
            refuse("carries no classes and channels, beside which to write what it has seen")
    return replace(network, certificate=record, assay=assay)


def _classes(path: Path) -> Classes:
    """The list ``classes`` of a YAML file, such as a configuration."""
    values = yaml_files.read(path)
    classes = values.get("classes") if isinstance(values, dict) else None
    if not isinstance(classes, list) or not all(
        isinstance(entry, dict) and {"name", "role"} <= set(entry) for entry in classes
    ):
        raise WeightsError(path, ["expected a list 'classes' of {name, role}; found none"])
    return classes


def _verify(options: argparse.Namespace) -> int:
    dtype = getattr(torch, options.precision) if options.precision else None
    network = _read(options.weights, options)
    return _tell(golden.verify(network, options.golden, dtype=dtype, tolerance=options.tolerance))


def _tell(report: golden.Report) -> int:
    _say(f"{'layer':<40} {'max error / range':>18}")
    for found in report.comparisons:
        over = "" if found.relative <= report.tolerance else f"  OVER {found.note}".rstrip()
        name = found.name if found.name == found.layer else f"{found.name} = {found.layer}"
        _say(f"{name:<40} {found.relative:>18.2e}{over}")
    if report.skipped:
        _say(f"not compared, since the network has no such layer: {', '.join(report.skipped)}")
    first = report.first_failure
    compared = f"{len(report.comparisons)} tensors in {report.dtype}"
    if first is None:
        _say(f"passed: {compared}, all within {report.tolerance:g} of the range")
        return PASSED
    _say(f"FAILED: first layer over {report.tolerance:g} of the range: {first.name} ({first.relative:.3g})")
    return FAILED


def _say(line: str) -> None:
    print(line)  # noqa: T201


if __name__ == "__main__":
    sys.exit(main())
