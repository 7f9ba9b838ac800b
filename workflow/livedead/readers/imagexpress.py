"""MetaXpress / ImageXpress exports: ``[date/plate/]TimePoint_1/ZStep_1/name_B03_s2_w1GUID.tif``."""

import csv
import re
from typing import Any

from livedead.errors import ExportError, SheetError
from livedead.plates.geometry import ROW_LETTERS, well_name, well_position
from livedead.readers.folder import RawFolder
from livedead.readers.names import words
from livedead.readers.scan import Plane, Scan

# The name is read from its end: what comes before the well is free text. A GUID is matched
# whole, because its first digits would otherwise join the channel's or the site's number.
# s1, w1, t1, z1 are no wells: files without wells have them, and 1536-well plates rows S, T, W and Z.
_NAME = re.compile(
    rf"(?:.*?_)?(?P<well>(?!(?-i:[stwz])){ROW_LETTERS}\d{{1,2}})"
    r"(?:_s(?P<field>\d+))?(?:_(?P<channel>w\d+))?"
    r"(?:_t(?P<timepoint>\d+))?(?:_z(?P<z>\d+))?"
    r"_?(?P<thumb>_?thumb)?(?P<guid>[0-9A-F]{8}(?:-[0-9A-F]{4}){3}-[0-9A-F]{12})?\.(?:tiff?|stk)",
    re.IGNORECASE | re.ASCII | re.DOTALL,
)
_TIMEPOINT = re.compile(r"TimePoint_?(\d+)", re.IGNORECASE | re.ASCII)
_Z_STEP = re.compile(r"ZStep_?(\d+)", re.IGNORECASE | re.ASCII)


def scan(folder: RawFolder) -> Scan:
    """Parse relative paths, and the ``.HTD`` file where there is one.

    Channels are ``w1``, ``w2``, ...; a projection that the microscope made (``ZStep_0``, or files
    beside the ``ZStep_n`` folders) has z 0.

    Raises
    ------
    ExportError
        If nothing in a name marks its well as MetaXpress does and another word may be it, or
        name and folders give a file two timepoints or focal planes.
    """
    planes, passed_over = [], {}
    settings = [path for path in folder.files if path.lower().endswith(".htd")]
    stacks = {_folder(path[: found.start()]) for path in folder.files if (found := re.search(_Z_STEP, path))}
    for path in folder.files:
        *folders, name = path.split("/")
        match = _NAME.fullmatch(name)
        if match is None or not _is_the_well(path, match, folder.n_wells, marked=bool(settings)):
            continue
        if match["thumb"]:
            passed_over[path] = "thumbnail"
            continue
        z = _number(path, match["z"], _Z_STEP, folders)
        if z is None and _folder(path) in stacks:
            z = "0"
        planes.append(
            Plane.from_texts(
                path,
                well=match["well"],
                field=match["field"],
                channel=(match["channel"] or "w1").lower(),
                timepoint=_number(path, match["timepoint"], _TIMEPOINT, folders),
                z=z,
                projected=z is not None and int(z) == 0,
            )
        )
    scanned = Scan(planes, "names such as 'plate_B03_s2_w1.TIF'", passed_over=passed_over)
    scanned.expected, scanned.channel_names, scanned.notes = _read_settings(folder, settings)
    if settings:
        scanned.evidence += f" and {min(settings, key=_depth)}"
    return scanned


def _is_the_well(path: str, match: re.Match[str], n_wells: int, *, marked: bool) -> bool:
    """Whether the word in the well's place is the well, and not a field or a day (``A1_f1``, ``B05_D1``).

    What marks it is what follows (``_s1``, ``_w1``, a GUID), or an ``.HTD`` file; MetaXpress writes
    it in capitals.
    """
    marked = marked or any(match[name] for name in ("field", "channel", "timepoint", "z", "guid"))
    if marked and match["well"][0].isupper():
        return True
    wells = words(match[0], n_wells).readings.get("well", [])
    taken = [well for well in wells if well_position(well) == _position(match["well"])]
    if taken and len(wells) > 1:
        raise ExportError(
            f"{path}: the well may be {' or '.join(wells)}; say which with format 'pattern' in plates.tsv "
            "and 'file_pattern' in config.yaml, such as '{well}_D{timepoint}'"
        )
    return bool(taken) or not wells


def _folder(path: str) -> str:
    return path.rpartition("/")[0]


def _depth(path: str) -> tuple[int, str]:
    return path.count("/"), path


def _position(well: str) -> tuple[int, int] | None:
    try:
        return well_position(well)
    except SheetError:
        return None


def _number(path: str, named: str | None, expression: re.Pattern[str], folders: list[str]) -> str | None:
    """The number that a name or a folder gives, None if neither does."""
    found = [match[1] for folder in folders if (match := expression.fullmatch(folder))]
    found = [number for number in (named, *found) if number is not None]
    if len(set(map(int, found))) > 1:
        raise ExportError(
            f"{path}: its folders and its name number it {' and '.join(found)}; say which is meant "
            "with format 'pattern' in plates.tsv and 'file_pattern' in config.yaml"
        )
    return found[0] if found else None


def _read_settings(folder: RawFolder, paths: list[str]) -> tuple[dict[str, Any], dict[str, str], list[str]]:
    """What the uppermost ``.HTD`` files promise, if they agree; on channels they have to."""
    top = min((path.count("/") for path in paths), default=0)
    uppermost = sorted(path for path in paths if path.count("/") == top)
    found, notes = [], []
    for path in uppermost:
        try:
            found.append(parse_htd(folder.read_bytes(path).decode("latin-1")))
        except (ValueError, KeyError, IndexError, SheetError, csv.Error) as error:
            notes.append(f"{path} is not understood ({error!r}); what it expects is not known")
    names: dict[str, str] = {}
    for _, own in found:
        for channel, name in own.items():
            if names.setdefault(channel, name) != name:
                raise ExportError(
                    f"{', '.join(uppermost)}: {channel} is {names[channel]!r} in one, {name!r} in another; "
                    "give each plate its own 'files' in plates.tsv, or remove what is wrong"
                )
    if any(one != found[0] for one in found):
        notes.append(f"{', '.join(uppermost)} disagree; what they expect is left aside")
        return {}, names, notes
    return found[0][0] if found else {}, names, notes


def parse_htd(text: str) -> tuple[dict[str, Any], dict[str, str]]:
    """What a MetaXpress ``.HTD`` file promises.

    Returns
    -------
    expected : dict
        See `livedead.readers.scan.Scan`.
    channel_names : dict
        ``w1`` -> the name of the wavelength.
    """
    lines = csv.reader(text.splitlines(), skipinitialspace=True)
    values: dict[str, list[str]] = {}
    for name, *of_name in filter(None, lines):
        stripped = [value.strip() for value in of_name]
        if values.setdefault(name.strip(), stripped) != stripped:
            raise ValueError(f"{name} is there twice, {values[name.strip()]} and {stripped}")
    wells = [well_name(row, column) for row, column in _selected(values, "WellsSelection")]
    has_sites = values.get("Sites", ["FALSE"])[0].upper() == "TRUE"
    waves = {k: values[k][0] for k in values if k.startswith("WaveName") and values[k]}
    names = {k.replace("WaveName", "w"): name for k, name in waves.items() if name}
    expected = {
        "wells": wells,
        "n_wells": int(values["YWells"][0]) * int(values["XWells"][0]),
        "fields": len(_selected(values, "SiteSelection")) if has_sites else 1,
        "channels": int(values.get("NWavelengths", ["1"])[0]),
        "timepoints": int(values.get("TimePoints", ["1"])[0]),
    }
    return expected, names


def _selected(values: dict[str, list[str]], name: str) -> list[tuple[int, int]]:
    """Zero-based rows and columns that the lines ``name1``, ``name2``, ... of the file mark TRUE."""
    return [
        (int(key.removeprefix(name)) - 1, column)
        for key, marks in values.items()
        if key.startswith(name)
        for column, mark in enumerate(marks)
        if mark.upper() == "TRUE"
    ]
