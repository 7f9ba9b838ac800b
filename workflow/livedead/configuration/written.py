"""Where each key and value of the configuration was written, and which of them YAML misreads."""

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

Contradiction = tuple[list[Key], str]
"""Keys that contradict each other, the one to name first, and what is wrong."""

COMMAND_LINE = "--config"
"""Stands for a file where a value was set on the command line."""

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
        The value as it was written, if it is neither list nor mapping.
    quoted : bool
        Whether the value is in quotation marks.
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
        Where it was written; None for a key that is missing.
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
    """What is written where in all files of a configuration.

    Attributes
    ----------
    places : dict
        Place of every key; where several files have it, that of the file that decides.
    mistakes : list of Mistake
        Keys that are given twice, and numbers that YAML reads in its own way.
    misread : set of Key
        The keys of those numbers, which need no second message.
    """

    places: dict[Key, Place] = field(default_factory=dict)
    mistakes: list[Mistake] = field(default_factory=list)
    misread: set[Key] = field(default_factory=set)

    def mistake(self, message: str, *keys: Key) -> Mistake:
        """A mistake in the first of these keys, at the place of the first of them that was written."""
        places = (self.places[key] for key in keys if key in self.places)
        return Mistake(keys[0], message, next(places, None))


def listed(mistakes: Iterable[Mistake]) -> str:
    """Mistakes, a line each, in the order of the files and their lines."""

    def order(mistake: Mistake) -> tuple[str, int]:
        place = mistake.place
        return ("", 0) if place is None else (place.file, place.line or 0)

    return "\n".join(str(mistake) for mistake in sorted(mistakes, key=order))


def dotted(key: Key) -> str:
    """A key as text, such as ``classes[1].name``; items of lists are counted from 1, as people do."""
    text = "".join(f"[{part + 1}]" if isinstance(part, int) else f".{part}" for part in key)
    return text.removeprefix(".")


def read_written(paths: Iterable[str | Path], config: Mapping[str, Any], given: Mapping[str, Any]) -> Written:
    """Read in configuration files where each key is written.

    Parameters
    ----------
    paths : iterable of path
        YAML or JSON, the file that decides last. A file with top-level keys that `config` does not have
        is left out: it belongs to a project that uses the workflow as a module.
    config : mapping
        The configuration that Snakemake made of them.
    given : mapping
        What was set by ``--config`` instead.

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
    """Check a configuration file before Snakemake reads it, which names no line and unfolds every alias.

    Raises
    ------
    ConfigError
        If it exists and is not YAML in UTF-8, or unfolds into too many values.
    """
    if Path(path).is_file():
        yaml_files.compose(_text(path), _short(path))


def _text(path: str | Path) -> str:
    """Content of a file; JSON, which Snakemake reads as well, is YAML except for its tabs."""
    text = yaml_files.decoded(path)
    try:
        json.loads(text)
    except ValueError:
        return text
    return text.replace("\t", " ")


def _short(path: str | Path) -> str:
    """A path as people write it: relative to the working folder, if it is inside."""
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
    """The places and mistakes of one file, noted node by node."""

    def __init__(self, name: str):
        self.name = name
        self.places: dict[Key, Place] = {}
        self.mistakes: list[Mistake] = []
        self.misread: set[Key] = set()

    def read(self, node: yaml.Node, key: Key) -> None:
        """Note the places of everything below a node."""
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
                f"{node.value} is a number of YAML's own kind; allowed: finite decimal numbers, such as 12 "
                "or 0.5; text needs quotation marks",
            )

    def _read_mapping(self, node: yaml.MappingNode, key: Key) -> None:
        lines: dict[str, int] = {}
        # Merged keys (<<) come first, as the keys beside them override them.
        for name, value in sorted(node.value, key=lambda pair: pair[0].tag != _MERGE):
            if name.tag == _MERGE:
                for merged in value.value if isinstance(value, yaml.SequenceNode) else [value]:
                    self.read(merged, key)
                continue
            # A name that YAML reads as a number or a date is refused in `livedead.configuration.keys`.
            below = (*key, str(yaml.constructor.SafeConstructor().construct_object(name)))
            if name.value in lines:
                self._mistake(
                    below,
                    name,
                    f"already in line {lines[name.value]}; remove one of the two",
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
