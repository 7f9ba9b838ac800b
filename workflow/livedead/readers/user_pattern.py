"""Names that the user's own pattern reads: a template, or a regular expression."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from livedead.errors import ExportError, SheetError
from livedead.images.containers import is_container
from livedead.plates.geometry import parse_well
from livedead.plates.raw_folders import PLATE_PLACE
from livedead.readers import pattern_grammar
from livedead.readers.folder import RawFolder, is_image
from livedead.readers.scan import Plane, Scan, well_at

_TRIED = 100
"""Files that are compared with a pattern that fits none."""


def scan(folder: RawFolder) -> Scan:
    """The user's own pattern."""
    pattern = file_pattern(folder)
    if pattern is None:
        raise ExportError("format 'pattern' needs 'file_pattern' in plates.tsv or config.yaml")
    planes = [
        Plane.from_texts(path, **said) for path in folder.files if (said := pattern.read(path)) is not None
    ]
    contained = [plane.path for plane in planes if is_container(plane.path)]
    if contained:
        raise ExportError(
            f"{contained[0]} holds many images, and format 'pattern' reads a file per image; write its own "
            "format into plates.tsv: 'file_pattern' then tells its well"
        )
    return Scan(planes, f"file_pattern {pattern.text!r}", of_several=PLATE_PLACE in pattern.text)


def file_pattern(folder: RawFolder) -> "FilePattern | None":
    """The pattern that the user gave, checked; None without one."""
    if folder.file_pattern is None:
        return None
    return FilePattern(folder.file_pattern, tuple(folder.plate_names), bool(folder.well_numbers))


@dataclass(frozen=True)
class FilePattern:
    """A pattern of the user: a template, or a regular expression with named groups.

    It is searched in each relative path, in any case, and anchored only by what it says itself.
    A match that would begin or end with a group in the middle of a word or a number is none:
    ``{well}`` is not the A12 of BETA12, nor ``{field}`` the 1 of 12. One that ends before the
    path does counts for images only, not for the notes and thumbnails' lists beside them.

    Parameters
    ----------
    text : str
        A template has names in braces (`livedead.readers.pattern_grammar.TEMPLATE`), ``*`` for anything
        within a folder's or file's name, and stands for itself otherwise; all else is a regular
        expression, whose groups are of `livedead.readers.pattern_grammar.GROUPS`.
    plate_names : tuple of str
        What ``{plate}`` stands for.
    numbered : bool
        Whether ``{well}`` may be a number.

    Raises
    ------
    ExportError
        If it is neither, or has no place for the well.
    """

    text: str
    plate_names: tuple[str, ...] = ()
    numbered: bool = False

    def __post_init__(self) -> None:
        wrong = pattern_grammar.why_no_pattern(self.text)
        if wrong:
            raise ExportError(f"file_pattern {self.text!r} {wrong}")

    @cached_property
    def _expression(self) -> re.Pattern[str]:
        return self._compiled(self.text)

    def _compiled(self, start: str) -> re.Pattern[str]:
        places = pattern_grammar.places(self.plate_names, self.numbered)
        return pattern_grammar.expression(start, pattern_grammar.is_template(self.text), places)

    def read(self, path: str) -> dict[str, str] | None:
        """Groups of the pattern in a path; None if it does not fit.

        ``row`` and ``column`` are joined to ``well``, ``date`` and ``clock`` to ``timepoint``.

        Raises
        ------
        ExportError
            If it fits in several places that say different things, or takes a text for a number.
        """
        readings = {}
        for match in self._matches(path):
            said = {part: text for part, text in match.groupdict().items() if text and part != "plate"}
            if "row" in said and "column" in said:
                said.setdefault("well", well_at(said.pop("row"), said.pop("column")))
            if "date" in said and "clock" in said:
                said["timepoint"] = f"{said.pop('date')} {said.pop('clock')}"
            if "well" in said and not self._why_not(path, match):
                readings[_meaning(said)] = said
        if len(readings) > 1:  # what cannot be a well, such as f00, is none of them
            readings = {key: said for key, said in readings.items() if key[0] is not None} or readings
        if len(readings) > 1:
            listed = " or ".join(", ".join(f"{k} {v}" for k, v in said.items()) for said in readings.values())
            raise ExportError(
                f"file_pattern {self.text!r} fits {path} in several places: {listed}; write more of the name "
                "into it, so that it fits in one"
            )
        said = next(iter(readings.values()), {})
        texts = [part for part in ("field", "z") if not said.get(part, "0").isdecimal()]
        if texts:
            raise ExportError(
                f"file_pattern {self.text!r} takes {said} from {path}; {', '.join(texts)} must be a number"
            )
        return said or None

    def _matches(self, path: str) -> Iterator[re.Match[str]]:
        """Every match; where one begins with a well, another well may begin within it."""
        at = 0
        while match := self._expression.search(path, at):
            yield match
            starts = {match.start(name) for name in match.re.groupindex if name in ("well", "row")}
            at = match.start() + 1 if match.start() in starts else max(match.end(), match.start() + 1)

    def _why_not(self, path: str, match: re.Match[str]) -> str:
        """Why a match does not count; empty if it does."""
        end = match.end()
        if _begins_within(match):
            return "begins in the middle of a word or a number"
        if any(a < end == b for a, b in _spans(match)) and _one_word(path, end):
            return "ends in the middle of a word or a number"
        return "" if end == len(path) or is_image(path) else "is not in the name of an image"

    def nearest(self, files: list[str]) -> str:
        """The file that the pattern comes closest to fitting beside the pattern, and how far it goes."""
        tried = sorted(files, key=lambda path: not is_image(path))[:_TRIED]
        if not tried:
            return "there is no file"
        starts = list(self._starts())
        n, path, match = max((self._reach(path, starts) for path in tried), key=lambda reach: reach[0])
        fitted = repr(match[0]) if match else "nothing"
        if match and n == len(self.text):
            return f"in {path} it fits {fitted}, but {self._why_not(path, match)}"
        rest = path[match.end() :] if match else path
        return (
            "nearest is\n"
            f"  path:    {path}\n"
            f"  pattern: {self.text}\n"
            f"  fits up to {self.text[:n]!r}, which is {fitted}; "
            f"then the pattern says {self.text[n:]!r} where the path says {rest!r}"
        )

    def _starts(self) -> "list[tuple[int, re.Pattern[str]]]":
        """The beginnings of the pattern that are patterns themselves, the longest first."""
        starts = []
        for n in range(len(self.text), 0, -1):
            try:
                starts.append((n, self._compiled(self.text[:n])))
            except (re.error, OverflowError):
                continue
        return [(n, start) for n, start in starts if not self.text[:n].endswith("|")]

    @staticmethod
    def _reach(path: str, starts: list[tuple[int, re.Pattern[str]]]) -> tuple[int, str, re.Match[str] | None]:
        for n, start in starts:
            matches = list(start.finditer(path))
            if matches:
                return n, path, next((one for one in matches if not _begins_within(one)), matches[0])
        return 0, path, None


def _spans(match: re.Match[str]) -> list[tuple[int, int]]:
    return [match.span(name) for name in match.re.groupindex]


def _begins_within(match: re.Match[str]) -> bool:
    """Whether a match begins with a group in the middle of a word or a number."""
    start = match.start()
    return any(a == start < b for a, b in _spans(match)) and _one_word(match.string, start)


def _one_word(path: str, at: int) -> bool:
    """Whether a place lies between two letters or two digits."""
    before, after = path[at - 1 : at], path[at : at + 1]
    return (before.isalpha() and after.isalpha()) or (before.isdecimal() and after.isdecimal())


def _meaning(said: dict[str, str]) -> tuple[str | None, tuple[tuple[str, str | int], ...]]:
    """What is said, however it is written: A1 as A01 (None if it is no well), field 01 as 1."""
    well = said["well"]
    try:
        name = str(int(well)) if well.isdecimal() else parse_well(well)
    except SheetError:
        name = None
    return name, tuple(
        (part, int(text) if text.isdecimal() else text)
        for part, text in sorted(said.items())
        if part != "well"
    )
