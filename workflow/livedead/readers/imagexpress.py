"""MetaXpress / ImageXpress exports: ``[date/plate/]TimePoint_1/ZStep_1/name_B03_s2_w1GUID.tif``."""

import csv
import logging
import re
from pathlib import Path
from typing import Any

from livedead.errors import ExportError
from livedead.plates import well_name
from livedead.readers.planes import Scan, plane, read_bytes

log = logging.getLogger(__name__)

# The name is read from its end: what comes before the well is free text. A GUID is matched
# whole, because its first digits would otherwise join the channel's or the site's number.
# s1, w1, t1, z1 are no wells: files without wells have them, and 1536-well plates rows S, T, W and Z.
_NAME = re.compile(
    r"(?:.*?_)?(?P<well>(?!(?-i:[stwz]))(?:[A-Z]|A[A-F])\d{1,2})(?:_s(?P<field>\d+))?(?:_(?P<channel>w\d+))?"
    r"(?:_t(?P<timepoint>\d+))?(?:_z(?P<z>\d+))?"
    r"_?(?P<thumb>_?thumb)?(?:[0-9A-F]{8}(?:-[0-9A-F]{4}){3}-[0-9A-F]{12})?\.(?:tiff?|stk)",
    re.IGNORECASE | re.ASCII | re.DOTALL,
)
_TIMEPOINT = re.compile(r"TimePoint_?(\d+)", re.IGNORECASE | re.ASCII)
_Z_STEP = re.compile(r"ZStep_?(\d+)", re.IGNORECASE | re.ASCII)


def scan(raw: Path, files: list[str], file_pattern: str | None) -> Scan:
    """Parse relative paths, and the ``.HTD`` file where there is one.

    Channels are ``w1``, ``w2``, ...; a projection that the microscope made (``ZStep_0``, or files
    beside the ``ZStep_n`` folders) has z 0.
    """
    rows, passed_over = [], {}
    stacks = {_folder(path[: found.start()]) for path in files if (found := re.search(_Z_STEP, path))}
    for path in files:
        *folders, name = path.split("/")
        match = _NAME.fullmatch(name)
        if match is None:
            continue
        if match["thumb"]:
            passed_over[path] = "thumbnail"
            continue
        z = match["z"] or _number(_Z_STEP, folders)
        if z is None and _folder(path) in stacks:
            z = "0"
        rows.append(
            plane(
                path,
                well=match["well"],
                field=match["field"],
                channel=(match["channel"] or "w1").lower(),
                timepoint=match["timepoint"] or _number(_TIMEPOINT, folders),
                z=z,
                projected=z is not None and int(z) == 0,
            )
        )
    settings = [path for path in files if path.lower().endswith(".htd")]
    expected, names = _read_settings(raw, settings)
    evidence = "names such as 'plate_B03_s2_w1.TIF'"
    if settings:
        evidence += f" and {min(settings, key=_depth)}"
    return Scan(rows, evidence, passed_over=passed_over, channel_names=names, expected=expected)


def _folder(path: str) -> str:
    return path.rpartition("/")[0]


def _depth(path: str) -> tuple[int, str]:
    return path.count("/"), path


def _number(expression: re.Pattern[str], folders: list[str]) -> str | None:
    found = [match[1] for folder in folders if (match := expression.fullmatch(folder))]
    return found[-1] if found else None


def _read_settings(raw: Path, paths: list[str]) -> tuple[dict[str, Any], dict[str, str]]:
    """What the uppermost ``.HTD`` files promise, if they agree; on channels they have to."""
    top = min((path.count("/") for path in paths), default=0)
    uppermost = sorted(path for path in paths if path.count("/") == top)
    found = []
    for path in uppermost:
        try:
            found.append(parse_htd(read_bytes(raw, path).decode("latin-1")))
        except (ValueError, KeyError, IndexError, csv.Error) as error:
            log.warning("%s: not understood (%r); what it expects is not known", raw / path, error)
    names: dict[str, str] = {}
    for _, own in found:
        for channel, name in own.items():
            if names.setdefault(channel, name) != name:
                raise ExportError(
                    f"{', '.join(uppermost)}: {channel} is {names[channel]!r} in one, {name!r} in another; "
                    "give each measurement a row of plates.tsv of its own, or remove what is wrong"
                )
    if any(one != found[0] for one in found):
        log.warning("%s disagree; what they expect is left aside", ", ".join(uppermost))
        return {}, names
    return found[0] if found else ({}, {})


def parse_htd(text: str) -> tuple[dict[str, Any], dict[str, str]]:
    """What a MetaXpress ``.HTD`` file promises.

    Returns
    -------
    expected : dict
        See `livedead.readers.planes.Scan`.
    channel_names : dict
        ``w1`` -> the name of the wavelength.
    """
    lines = csv.reader(text.splitlines(), skipinitialspace=True)
    values = {line[0].strip(): [value.strip() for value in line[1:]] for line in lines if line}
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
