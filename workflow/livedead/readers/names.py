"""What a file's name may mean: well, timepoint and field from its words, or from the user's pattern."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from livedead.errors import ExportError, SheetError
from livedead.plates.geometry import ROW_LETTERS, parse_well
from livedead.readers.folder import RawFolder
from livedead.readers.scan import Plane
from livedead.readers.user_pattern import FilePattern

_WELL = re.compile(rf"(well)?({ROW_LETTERS}\d{{1,2}})", re.IGNORECASE | re.ASCII)
_TIMES, _FIELDS = "t|tp|time|timepoint|frame", "f|fld|field|fov|s|site|pos|position|series|xy"
_TIME = re.compile(rf"(?:{_TIMES})(\d+)", re.IGNORECASE | re.ASCII)
_FIELD = re.compile(rf"(?:{_FIELDS})(\d+)", re.IGNORECASE | re.ASCII)
_MARK = re.compile(
    rf"(?<![a-z0-9])(well(?=[ _-]+[a-z]{{1,2}}\d)|(?:{_TIMES}|{_FIELDS})(?=[ _-]+\d))[ _-]+",
    re.IGNORECASE | re.ASCII,
)
"""A mark that stands apart from what it marks: ``well_B3``, ``Site_0``, ``time 12``."""
NO_WELL = "no well in its name; give 'file_pattern' in config.yaml"
NO_FIT = "file_pattern does not fit it"
"""Why a file is passed over."""
_LABELS = frozenset("fswcztp")
"""f7, s1, w2, c3, z4, t5, p6 are fields, channels, planes, times more often than wells; F7 is a well."""


@dataclass(frozen=True)
class FileName:
    """The readings of a file's name.

    Attributes
    ----------
    path : str
    readings : dict
        Part (``well``, ``field``, ``timepoint``, ``channel``, ``z``) -> the texts that it may be.
    by_pattern : bool
        Whether the user's pattern says so, and not the words.
    """

    path: str
    readings: dict[str, list[str]]
    by_pattern: bool = False

    def one(self, part: str) -> str | None:
        """The only reading of a part, None if there is none.

        Raises
        ------
        ExportError
            If there are several: which is meant is the user's to say.
        """
        found = self.readings.get(part, [])
        if len(found) > 1:
            raise ExportError(
                f"{self.path}: the {part} may be {' or '.join(found)}, by the words of its name; say which "
                "with 'file_pattern' in config.yaml, such as '{well}_f{field}'"
            )
        return found[0] if found else None

    def said(self, parts: Iterable[str]) -> dict[str, str]:
        """The parts that the name has, for `livedead.readers.scan.Plane.from_texts`."""
        return {part: text for part in parts if (text := self.one(part)) is not None}

    def first_field(self, several: bool) -> int:
        """Number of the file's field, or of the first if it holds several; 1 if the name has none.

        A word numbers one field; a file of several numbers them itself.
        """
        if several and not self.by_pattern:
            return 1
        return int(self.one("field") or 1)


def file_name(folder: RawFolder, pattern: FilePattern | None, path: str) -> FileName:
    """What a path says, by the user's pattern if there is one, else by its words."""
    if pattern is None:
        return words(path, folder.n_wells)
    said = pattern.read(path) or {}
    return FileName(path, {part: [text] for part, text in said.items()}, by_pattern=True)


def words(path: str, n_wells: int) -> FileName:
    """The readings of the words of a path, folders and name alike.

    A word such as ``B03`` may be a well if it is on a plate of `n_wells`; one that is marked
    (``well_B03``) stands over others, and labels such as ``f7`` or ``w1`` are set aside beside a
    well in capitals. Equal readings are one.
    """
    stem = path.rpartition(".")[0]
    parts = [_MARK.sub(r"\1", part) for part in stem.split("/")]
    found = [word for part in parts for word in re.split(r"[\s_.,;:=+&()\[\]{}-]+", part)]
    wells = _well_words(found, n_wells)
    rest = [word for word in found if len(wells) > 1 or word not in wells.values()]
    times = {int(match[1]): match[1] for word in rest if (match := _TIME.fullmatch(word))}
    fields = {int(match[1]): match[1] for word in rest if (match := _FIELD.fullmatch(word))}
    readings = {"well": list(wells), "timepoint": list(times.values()), "field": list(fields.values())}
    return FileName(path, {part: texts for part, texts in readings.items() if texts})


def _well_words(found: list[str], n_wells: int) -> dict[str, str]:
    """Canonical well -> its word, for every word that may be the well."""
    candidates = [(word, match) for word in found if (match := _WELL.fullmatch(word))]
    on_plate = [one for one in candidates if _on_plate(one[1][2], n_wells)]
    # Where none is on the plate its size is in doubt, and the well is named by the error that says so.
    candidates = on_plate or [
        (word, match)
        for word, match in candidates
        if match[2][0] not in _LABELS and not _TIME.fullmatch(word)
    ]
    marked = [one for one in candidates if one[1][1]]
    if any(match[2][0].isupper() for _, match in candidates):
        candidates = [one for one in candidates if one[1][2][0] not in _LABELS]
    return {_canonical(match[2]): word for word, match in marked or candidates}


def _on_plate(text: str, n_wells: int) -> bool:
    try:
        parse_well(text, n_wells)
    except SheetError:
        return False
    return True


def _canonical(text: str) -> str:
    return parse_well(text) if _on_plate(text, 1536) else text


def unreadable_planes(planes: list[Plane], files: Iterable[FileName]) -> list[Plane]:
    """Planes of files that hold many and cannot be read: those that the other files have.

    Parameters
    ----------
    planes : list of Plane
        Of the files that can be read.
    files : iterable of FileName
        Each with a well.
    """
    first: dict[str, tuple[int, int]] = {}
    for one in planes:
        field, timepoint = first.get(one.path, (one.field, one.timepoint))
        first[one.path] = min(one.field, field), min(one.timepoint, timepoint)
    alike = set()
    for one in planes:
        field, timepoint = first[one.path]
        alike.add((one.channel, one.dataset, one.field - field, one.timepoint - timepoint, one.z))
    several = any(field for _, _, field, _, _ in alike)
    found = []
    for name in files:
        for channel, dataset, field, timepoint, z in sorted(alike or {("1", "", 0, 0, 1)}):
            plane = Plane.from_texts(
                name.path,
                **name.said(("well", "timepoint")),
                field=str(name.first_field(several) + field),
                channel=channel,
                z=str(z),
                dataset=dataset,
                problem="unreadable",
            )
            found.append(plane._replace(timepoint=plane.timepoint + timepoint))
    return found
