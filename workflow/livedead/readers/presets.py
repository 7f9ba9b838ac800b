"""Exports whose file names tell all: one expression, or the first of several, fits the whole name."""

import re
from collections.abc import Iterator

from livedead.readers.folder import RawFolder
from livedead.readers.pattern_grammar import FLAGS
from livedead.readers.scan import Plane, Scan


def preset(pattern: str) -> re.Pattern[str]:
    """An expression for whole file names, in any case, as one for whole relative paths."""
    return re.compile(f"(?:.*/)?(?:{pattern})", FLAGS)


def read_names(folder: RawFolder, *patterns: str) -> Iterator[tuple[str, dict[str, str]]]:
    """Each path whose name a preset fits, and the groups that it has there."""
    expressions = [preset(pattern) for pattern in patterns]
    for path in folder.files:
        match = next((found for e in expressions if (found := e.fullmatch(path))), None)
        if match is not None:
            yield path, {name: text for name, text in match.groupdict().items() if text is not None}


def scan_names(folder: RawFolder, *patterns: str, evidence: str) -> Scan:
    """The planes of all files whose names a preset fits; its groups are those of a file pattern."""
    return Scan([Plane.from_texts(path, **said) for path, said in read_names(folder, *patterns)], evidence)
