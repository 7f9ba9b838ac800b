"""Exports whose file names tell all: one expression, or the first of several, fits the whole name."""

import re

from livedead.readers.folder import RawFolder
from livedead.readers.pattern_grammar import FLAGS
from livedead.readers.scan import Plane, Scan


def preset(pattern: str) -> re.Pattern[str]:
    """An expression for whole file names, in any case, as one for whole relative paths."""
    return re.compile(f"(?:.*/)?(?:{pattern})", FLAGS)


def scan_names(folder: RawFolder, *patterns: str, evidence: str) -> Scan:
    """The planes of all files whose names a preset fits; its groups are those of a file pattern."""
    expressions = [preset(pattern) for pattern in patterns]
    planes = []
    for path in folder.files:
        match = next((found for e in expressions if (found := e.fullmatch(path))), None)
        if match is not None:
            planes.append(Plane.from_texts(path, **match.groupdict()))
    return Scan(planes, evidence)
