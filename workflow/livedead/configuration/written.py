"""Where each key and value of the configuration was written, and what YAML makes of it unasked."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from livedead import yaml_files

Key = tuple[str | int, ...]
"""A value's place in the configuration, such as ``("classes", 0, "name")``."""

COMMAND_LINE = "--config"
"""Stands for a file where something was set on the command line."""

_DECIMAL = re.compile(r"[-+]?(0|[1-9]\d*|\d+\.\d*([eE][-+]\d+)?|\.\d+([eE][-+]\d+)?)", re.ASCII)
_MERGE = "tag:yaml.org,2002:merge"
_NUMBERS = ("tag:yaml.org,2002:int", "tag:yaml.org,2002:float")


@dataclass(frozen=True)
class Place:
    """Where a key stands.

    Attributes
    ----------
    file : str
        Path of the configuration file, or ``--config``.
    line : int, optional
        Counted from 1.
    text : str, optional
        The value as it was written, if it is a single one.
    quoted : bool
        Whether it stands in quotation marks.
    """

    file: str
    line: int | None = None
    text: str | None = None
    quoted: bool = False


@dataclass(frozen=True)
class Mistake:
    """What is wrong with a key.

    Attributes
    ----------
    key : Key
    message : str
        The value, what is allowed, what to do.
    place : Place, optional
        Where it was written; None if nowhere, as with a key that is needed.
    """

    key: Key
    message: str
    place: Place | None = None

    def __str__(self) -> str:
        if self.place is None:
            return f"configuration: {dotted(self.key)}: {self.message}"
        line = "" if self.place.line is None else f" line {self.place.line},"
        return f"{self.place.file}:{line} {dotted(self.key)}: {self.message}"


@dataclass
class Written:
    """What was written where, of all files of a configuration.

    Attributes
    ----------
    places : dict
        Place of every key; that of the file that decides, where several have it.
    mistakes : list of Mistake
        Keys that are given twice, and numbers that YAML reads in a way of its own.
    misread : set of Key
        Those of the numbers, of which nothing more is to be said.
    """

    places: dict[Key, Place] = field(default_factory=dict)
    mistakes: list[Mistake] = field(default_factory=list)
    misread: set[Key] = field(default_factory=set)

    def mistake(self, message: str, *keys: Key) -> Mistake:
        """A mistake of the first of these keys, at the place of the first that was written."""
        places = (self.places[key] for key in keys if key in self.places)
        return Mistake(keys[0], message, next(places, None))


def listed(mistakes: Iterable[Mistake]) -> str:
    """Mistakes a line each, in the order of the files' lines."""

    def order(mistake: Mistake) -> tuple[str, int]:
        place = mistake.place
        return ("", 0) if place is None else (place.file, place.line or 0)

    return "\n".join(str(mistake) for mistake in sorted(mistakes, key=order))


def dotted(key: Key) -> str:
    """``classes[1].name``: items of lists are counted from 1, as people do."""
    text = "".join(f"[{part + 1}]" if isinstance(part, int) else f".{part}" for part in key)
    return text.removeprefix(".")


def read_written(paths: Iterable[str | Path], config: Mapping[str, Any], given: Mapping[str, Any]) -> Written:
    """Read configuration files for where things are written.

    Parameters
    ----------
    paths : iterable of path
        YAML or JSON, those that decide last. One with keys at its top that `config` does not have is
        left out: it is of a project that uses the workflow as a module, and has keys of its own.
    config : mapping
        What became of them.
    given : mapping
        What was set on the command line instead.

    Raises
    ------
    ConfigError
        If the aliases of a file unfold into too many values, see `livedead.yaml_files`.
    """
    written = Written()
    for path in paths:
        root = yaml_files.compose(_text(path), _short(path))
        if isinstance(root, yaml.MappingNode) and all(key.value in config for key, _ in root.value):
            name = _short(path)
            found = _File(name)
            found.read(root, ())
            written.places.update(found.places)
            written.mistakes += found.mistakes
            written.misread |= found.misread
    for key in _keys(given, ()):
        written.places[key] = Place(COMMAND_LINE)
    return written


def check_readable(path: str | Path) -> None:
    """Check a configuration file before Snakemake reads it, which names no line and unfolds any alias.

    Raises
    ------
    ConfigError
        If it is there, and no YAML in UTF-8, or unfolds into too many values.
    """
    if Path(path).is_file():
        yaml_files.compose(_text(path), _short(path))


def _text(path: str | Path) -> str:
    """Content of a file; JSON, which Snakemake takes too, is YAML but for its tabs."""
    text = yaml_files.decoded(path)
    try:
        json.loads(text)
    except ValueError:
        return text
    return text.replace("\t", " ")


def _short(path: str | Path) -> str:
    """A path as people write it: relative to the working folder, if it lies there."""
    try:
        return str(Path(path).resolve().relative_to(Path.cwd().resolve()))
    except ValueError:
        return str(path)


def _keys(values: Any, key: Key) -> Iterator[Key]:
    """Every key of nested mappings."""
    if isinstance(values, Mapping):
        for name, value in values.items():
            yield (*key, name)
            yield from _keys(value, (*key, name))


class _File:
    """One file as it is read, node by node."""

    def __init__(self, name: str):
        self.name = name
        self.places: dict[Key, Place] = {}
        self.mistakes: list[Mistake] = []
        self.misread: set[Key] = set()

    def read(self, node: yaml.Node, key: Key) -> None:
        """Note the places of all that lies under a node."""
        if isinstance(node, yaml.MappingNode):
            self._read_mapping(node, key)
        elif isinstance(node, yaml.SequenceNode):
            for number, item in enumerate(node.value):
                self._place(item, (*key, number), item)
                self.read(item, (*key, number))
        elif node.tag in _NUMBERS and not _quoted(node) and not _DECIMAL.fullmatch(node.value):
            self.misread.add(key)
            self._mistake(
                key,
                node,
                f"{node.value} is read as a number in a way of YAML's own; allowed: finite decimal numbers, "
                "such as 12 or 0.5; text needs quotation marks",
            )

    def _read_mapping(self, node: yaml.MappingNode, key: Key) -> None:
        lines: dict[str, int] = {}
        # What is merged (<<) comes first, as the keys beside it are stronger.
        for name, value in sorted(node.value, key=lambda pair: pair[0].tag != _MERGE):
            if name.tag == _MERGE:
                for merged in value.value if isinstance(value, yaml.SequenceNode) else [value]:
                    self.read(merged, key)
                continue
            # What is read as a number or a date is no name, which `livedead.configuration.keys` tells.
            below = (*key, str(yaml.constructor.SafeConstructor().construct_object(name)))
            if name.value in lines:
                self._mistake(
                    below,
                    name,
                    f"in line {lines[name.value]} already, and only one can hold; remove the other",
                )
            lines[name.value] = _line(name)
            self._place(name, below, value)
            self.read(value, below)

    def _place(self, node: yaml.Node, key: Key, value: yaml.Node) -> None:
        text = value.value if isinstance(value, yaml.ScalarNode) else None
        self.places[key] = Place(self.name, _line(node), text, _quoted(value))

    def _mistake(self, key: Key, node: yaml.Node, message: str) -> None:
        self.mistakes.append(Mistake(key, message, Place(self.name, _line(node))))


def _line(node: yaml.Node) -> int:
    return int(node.start_mark.line) + 1


def _quoted(node: yaml.Node) -> bool:
    return isinstance(node, yaml.ScalarNode) and bool(node.style)
