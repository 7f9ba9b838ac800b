"""Folders of raw images -> one index: a row per image plane, whatever the microscope."""

import logging
import os
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from livedead.errors import ExportError, FieldError, SheetError
from livedead.images import Header, file_checksums, read_header
from livedead.plates import FORMATS as PLATE_FORMATS
from livedead.plates import parse_well, well_name, well_position
from livedead.readers import cellvoyager, hdf5, imagexpress, ome, operetta, pattern
from livedead.readers.planes import IMAGE_SUFFIXES, Scan
from livedead.readers.positions import find_overlap

log = logging.getLogger(__name__)

Reader = Callable[[Path, list[str], str | None], Scan]

FORMATS: dict[str, Reader] = {
    "imagexpress": imagexpress.scan,
    "operetta": operetta.scan,
    "cellvoyager": cellvoyager.scan,
    "incell": pattern.scan_incell,
    "scanr": pattern.scan_scanr,
    "hdf5": hdf5.scan,
    "ome": ome.scan,
}
"""Export format -> its reader: (folder, relative paths, file_pattern) -> what it found."""

PLANE = ["well", "field", "timepoint", "channel"]
COLUMNS = [
    "plate",
    *PLANE,
    "z",
    "projection",
    "path",
    "dataset",
    "page",
    "pages",
    "height",
    "width",
    "dtype",
    "bytes",
    "sha256",
    "crc32",
    "x_um",
    "y_um",
    "crop_y_px",
    "crop_x_px",
    "accept",
    "problem",
]


def index_plate(
    raw: Path,
    *,
    plate: str,
    export_format: str,
    channels: dict[str, str],
    n_wells: int,
    pixel_size_um: float,
    file_pattern: str | None = None,
    pages: str | None = None,
    focal_plane: int | str | dict[str, int | str] | None = None,
    overlap: str = "keep",
    accept: Iterable[str] = (),
    threads: int = 1,
) -> tuple[pd.DataFrame, dict[str, Any]]:
    """Index one plate.

    Parameters
    ----------
    raw : Path
        Folder of the export.
    export_format : str
        A key of `FORMATS`, ``pattern``, or ``auto``.
    channels : dict
        Name in the workflow -> name in the export, such as ``{"brightfield": "w1"}``; what
        the export's metadata calls the channel will do as well.
    n_wells : int
        Size of the plate.
    pixel_size_um : float
    file_pattern : str, optional
        For ``pattern``, ``hdf5`` and ``ome``: see `livedead.readers.pattern`.
    pages : str, optional
        What the pages of a multi-page TIFF are: field, timepoint, channel or z.
    focal_plane : int, str or dict, optional
        Of several focal planes the number of one, or ``max`` or ``mean`` of all, or
        ``acquired`` for the projection that the microscope made; or a dict by channel.
    overlap : str
        ``keep`` overlapping fields whole, or ``crop`` them to half the overlap.
    accept : iterable of str
        What the gate may accept, see `livedead.images.DECLARABLE`.

    Returns
    -------
    images : DataFrame
        `COLUMNS`, a row per plane that was found or promised, sorted by well, field, timepoint,
        channel and z; paths are relative to `raw`. ``problem`` is the code with which a field
        fails that needs this plane.
    export : dict
        ``format`` and ``evidence`` for it, ``expected`` and ``channel_names`` after the export's
        metadata, ``passed_over`` (relative path -> why) of all other files.

    Raises
    ------
    ExportError
        If nothing matches or more than one format does, a channel is nowhere, focal planes
        are left to guess, wells are impossible, or files lead out of the folder.
    """
    if not raw.is_dir():
        raise ExportError(f"plate {plate}: no folder {raw}; correct 'raw' in plates.tsv")
    files = list_files(raw)
    name, scan = _scan(raw, files, plate, export_format, file_pattern)
    log.info("plate %s: format %s, by %s", plate, name, scan.evidence)
    passed_over = dict(scan.passed_over)
    planes = scan.table()
    planes["well"] = [_well(plate, row.well, row.path, n_wells) for row in planes.itertuples()]
    if pages is not None:
        planes = _with_pages(planes, pages, _headers(raw, planes, threads))
    planes = _marked_doubles(planes)  # while channels are there that are not configured
    planes = _named_channels(planes, plate, channels, scan.channel_names, passed_over)
    planes = _chosen_focus(planes, plate, focal_plane, passed_over)
    headers = _headers(raw, planes, threads)
    planes = _with_headers(planes, headers)
    paths = list(dict.fromkeys(planes["path"]))
    with ThreadPoolExecutor(threads) as pool:
        found = dict(zip(paths, pool.map(lambda path: _fingerprint(raw / path), paths), strict=True))
    for column in ("sha256", "crc32", "bytes"):
        planes[column] = [found[path][column] for path in planes["path"]]
    planes[["crop_y_px", "crop_x_px"]] = _crop(
        planes, plate, scan.expected.get("pixel_size_um", pixel_size_um), overlap
    )
    order = planes["well"].map(well_position)
    planes = planes.assign(plate=plate, accept=",".join(sorted(accept)), _order=order)
    planes = planes.sort_values(["_order", *PLANE[1:], "z", "path", "page"])
    used = set(planes["path"])
    for path in files:
        if path not in used and path not in passed_over:
            passed_over[path] = _why_unlisted(path, name, scan)
    export = {
        "format": name,
        "evidence": scan.evidence,
        "expected": scan.expected,
        "channel_names": scan.channel_names,
        "passed_over": {path: why for path, why in passed_over.items() if path not in used},
    }
    return planes[COLUMNS].reset_index(drop=True), export


def list_files(raw: Path) -> list[str]:
    """Relative paths of all files below `raw`, sorted; links that lead out are refused.

    A link that leads nowhere is listed as the file that it stands for: that one is missing.
    """
    root = raw.resolve()
    files = []
    for folder, subfolders, names in os.walk(raw, onerror=_refuse_folder):
        subfolders[:] = sorted(name for name in subfolders if not name.startswith("."))
        for name in [*subfolders, *names]:
            path = Path(folder, name)
            if path.is_symlink() and not Path(os.path.realpath(path)).is_relative_to(root):
                raise ExportError(f"{path}: a link that leads out of the raw folder; copy the file instead")
            if name.startswith(".") or not (path.is_file() or (path.is_symlink() and not path.exists())):
                continue
            relative = path.relative_to(raw).as_posix()
            if relative.isprintable():
                files.append(relative)
            elif relative.lower().endswith(IMAGE_SUFFIXES):  # macOS leaves files named "Icon\r"
                raise ExportError(
                    f"{relative!r} in {raw}: a file name with unprintable characters; rename it"
                )
    return sorted(files)


def _refuse_folder(error: OSError) -> None:
    """What `os.walk` would pass over: the wells of such a folder would seem not to be imaged."""
    raise ExportError(
        f"{error.filename}: {error.strerror}; make the folder readable, or move it out of 'raw'"
    )


def _scan(
    raw: Path, files: list[str], plate: str, export_format: str, file_pattern: str | None
) -> tuple[str, Scan]:
    """The format and what its reader found; for ``auto``, the only one that finds anything."""
    readers = {**FORMATS, "pattern": pattern.scan}
    try:
        if export_format == "auto":
            return _recognised(raw, files, file_pattern)
        if export_format not in readers:
            known = ", ".join(["auto", *readers])
            raise ExportError(f"format {export_format!r} in plates.tsv; known: {known}")
        scan = readers[export_format](raw, files, file_pattern)
        if not scan.rows:
            sample = ", ".join(files[:3]) or "no file at all"
            raise ExportError(f"no file in {raw} is of format {export_format}: {sample}")
        return export_format, scan
    except ExportError as error:
        raise ExportError(f"plate {plate}: {error}") from error


def _recognised(raw: Path, files: list[str], file_pattern: str | None) -> tuple[str, Scan]:
    found: dict[str, Scan] = {}
    errors: dict[str, ExportError] = {}
    for name, reader in FORMATS.items():
        try:
            scan = reader(raw, files, file_pattern if name in ("hdf5", "ome") else None)
        except ExportError as error:
            errors[name] = error
            continue
        if scan.rows:
            found[name] = scan
    candidates = [f"{name} ({len(scan.rows)} planes, by {scan.evidence})" for name, scan in found.items()]
    candidates += [f"{name} ({error})" for name, error in errors.items()]
    if len(candidates) == 1:
        if errors:
            raise next(iter(errors.values()))
        return next(iter(found.items()))
    if candidates:
        raise ExportError(
            f"format 'auto' in plates.tsv, but {raw} may be: {'; '.join(candidates)}; "
            "write the right one into plates.tsv"
        )
    sample = ", ".join(files[:3]) or "no file at all"
    raise ExportError(
        f"format 'auto' in plates.tsv, but {raw} is of no known format ({', '.join(FORMATS)}): {sample}; "
        "use format 'pattern' with 'file_pattern' in config.yaml"
    )


def _well(plate: str, text: str, path: str, n_wells: int) -> str:
    """Canonical well from a name, or from a number that counts wells row by row from 1."""
    try:
        if text.isdigit():
            rows, columns = PLATE_FORMATS[n_wells]
            if not 1 <= int(text) <= rows * columns:
                raise SheetError(f"well number {text} is not on a {n_wells}-well plate")
            return well_name(*divmod(int(text) - 1, columns))
        return parse_well(text, n_wells)
    except SheetError as error:
        raise ExportError(f"plate {plate}: file {path}: {error}; check 'wells' in plates.tsv") from error


def _with_pages(planes: pd.DataFrame, pages: str, headers: dict[str, Header]) -> pd.DataFrame:
    """A row per page of every multi-page TIFF; `pages` is the column that the page's number fills.

    A file that cannot be read stands for as many pages as the others have. Where pages are channels,
    a stack of another length has others in their places.
    """
    single = planes["pages"] == 1
    readable = planes["path"].isin(headers)
    most = max((header.pages for header in headers.values()), default=1)
    counts = [
        (headers[path].pages if is_read else most) if is_single else 1
        for path, is_read, is_single in zip(planes["path"], readable, single, strict=True)
    ]
    planes = planes.copy()
    planes.loc[single & ~readable & (planes["problem"] == ""), "problem"] = "unreadable"
    if pages == "channel":
        other = np.array([1 < count < most for count in counts])
        planes.loc[other & (planes["problem"] == ""), "problem"] = "missing_plane"
    repeated = planes.loc[planes.index.repeat(counts)].reset_index(drop=True)
    many = [count for count in counts for _ in range(count)]
    page = [k for count in counts for k in range(count)]
    number = [str(k + 1) for k in page] if pages == "channel" else [k + 1 for k in page]
    several = pd.Series(many) > 1
    repeated["pages"] = repeated["pages"].where(~several, many)
    repeated["page"] = repeated["page"].where(~several, page)
    repeated[pages] = repeated[pages].where(~several, number)
    return repeated


def _named_channels(
    planes: pd.DataFrame,
    plate: str,
    channels: dict[str, str],
    export_names: dict[str, str],
    passed_over: dict[str, str],
) -> pd.DataFrame:
    """The planes of configured channels, under their names in the workflow."""
    found = sorted(set(planes["channel"]))
    names: dict[str, str] = {}
    for name, wanted in channels.items():
        matches = [c for c in found if wanted == c] or [c for c in found if wanted == export_names.get(c)]
        if len(matches) > 1:
            raise ExportError(
                f"plate {plate}: channel {wanted!r} names several of the export: {', '.join(matches)}; "
                "give one of these in 'channels' of config.yaml"
            )
        if matches and matches[0] in names:
            raise ExportError(
                f"plate {plate}: {name} and {names[matches[0]]} are both channel {matches[0]} of the export; "
                "correct 'channels' in config.yaml"
            )
        names.update(dict.fromkeys(matches, name))
    shown = [f"{c} ({export_names[c]})" if c in export_names else c for c in found]
    if not names:
        raise ExportError(
            f"plate {plate}: none of the configured channels {', '.join(channels.values())} "
            f"is in the export, which has {', '.join(shown)}; correct 'channels' in config.yaml"
        )
    absent = [f"{name} ({wanted})" for name, wanted in channels.items() if name not in names.values()]
    if absent:
        log.warning(
            "plate %s: no image of channel %s; the export has %s", plate, ", ".join(absent), ", ".join(shown)
        )
    kept = planes["channel"].isin(names)
    for row in planes[~kept].itertuples():
        passed_over.setdefault(row.path, f"channel {row.channel} is not configured")
    return planes[kept].assign(channel=planes["channel"].map(names))


def _chosen_focus(
    planes: pd.DataFrame,
    plate: str,
    focal_plane: int | str | dict[str, int | str] | None,
    passed_over: dict[str, str],
) -> pd.DataFrame:
    """The focal planes that were asked for; where there are several, one must be."""
    chosen = []
    for channel, group in planes.groupby("channel", sort=False):
        wanted = focal_plane.get(channel) if isinstance(focal_plane, dict) else focal_plane
        levels = sorted(set(group["z"][~group["projected"]]))
        has = [str(level) for level in levels] + ["acquired"] * bool(group["projected"].any())
        if wanted is None:
            if len(has) > 1:
                raise ExportError(
                    f"plate {plate}: channel {channel} has several focal planes ({', '.join(has)}); "
                    "say in config.yaml which: focal_plane: a number, max, mean, or acquired "
                    "(the microscope's projection)"
                )
            keep = pd.Series(True, group.index)
        elif wanted == "acquired":
            keep = group["projected"]
        elif wanted in ("max", "mean"):
            keep = ~group["projected"]
        else:
            keep = (group["z"] == wanted) & ~group["projected"]
        if not keep.any():
            raise ExportError(
                f"plate {plate}: channel {channel} has no focal plane {wanted!r}; it has {', '.join(has)}; "
                "correct 'focal_plane' in config.yaml"
            )
        for row in group[~keep].itertuples():
            passed_over.setdefault(row.path, "focal plane not chosen")
        kept = group[keep]
        projection = wanted if wanted in ("max", "mean") and len(levels) > 1 else ""
        chosen.append(kept.assign(projection=projection))
        if projection:
            chosen.append(_absent_levels(chosen[-1], levels))
    return pd.concat([part for part in chosen if len(part)], ignore_index=True)


def _absent_levels(kept: pd.DataFrame, levels: list[int]) -> pd.DataFrame:
    """Rows for focal planes that a field lacks: its projection would not compare with others."""
    rows = []
    for _, group in kept.groupby(["well", "field", "timepoint"], sort=False):
        first = group.iloc[0]
        rows += [{**first, "z": z, "problem": "missing_plane"} for z in levels if z not in set(group["z"])]
    return pd.DataFrame(rows, columns=kept.columns)


def _marked_doubles(planes: pd.DataFrame) -> pd.DataFrame:
    """Mark planes that several images claim, and images that several planes claim."""
    source = ["path", "dataset", "page"]
    planes = planes.drop_duplicates([*PLANE, "z", *source, "problem"]).copy()
    present = ~planes["problem"].isin(["missing_plane", "acquisition_failed", "missing_file", "unreadable"])
    doubled = planes.duplicated([*PLANE, "z"], keep=False)
    shared = planes[present].duplicated(source, keep=False).reindex(planes.index, fill_value=False)
    planes.loc[(doubled | shared) & (planes["problem"] == ""), "problem"] = "doubled"
    return planes


def _headers(raw: Path, planes: pd.DataFrame, threads: int) -> dict[str, Header]:
    """Header of every TIFF file that has a readable one."""
    paths = list(dict.fromkeys(planes["path"][planes["dataset"] == ""]))

    def header(path: str) -> Header | None:
        try:
            return read_header(raw / path)
        except FieldError as error:
            log.warning("%s", error)
            return None

    with ThreadPoolExecutor(threads) as pool:
        return {path: h for path, h in zip(paths, pool.map(header, paths), strict=True) if h is not None}


def _fingerprint(path: Path) -> dict[str, str | int]:
    """Checksums and size of a file; if it cannot be read what no file has, so that the gate refuses it."""
    try:
        return {**file_checksums(path), "bytes": path.stat().st_size}
    except OSError as error:
        log.warning("%s: %s", path, error.strerror)
        return {"sha256": "", "crc32": "", "bytes": 0}


def _with_headers(planes: pd.DataFrame, headers: dict[str, Header]) -> pd.DataFrame:
    known = planes["path"].map(lambda path: headers.get(path))
    has = known.notna() & (planes["problem"] != "missing_plane")
    for name in ("height", "width", "dtype"):
        planes[name] = [
            getattr(header, name) if one else value
            for header, one, value in zip(known, has, planes[name], strict=True)
        ]
    return planes


def _crop(planes: pd.DataFrame, plate: str, pixel_size_um: float, overlap: str) -> tuple[int, int]:
    found = find_overlap(planes, pixel_size_um)
    if found.pairs:
        log.warning(
            "plate %s: %d pairs of fields overlap, by up to %d columns or %d rows; %s",
            plate,
            found.pairs,
            found.x_px,
            found.y_px,
            "cropped to half of it" if overlap == "crop" else "cells there are counted twice",
        )
    if overlap != "crop":
        return 0, 0
    if not found.known:
        raise ExportError(
            f"plate {plate}: 'overlap: crop' in config.yaml, but the export says nothing of stage positions"
        )
    if found.same_place:
        well, first, second = found.same_place[0]
        raise ExportError(
            f"plate {plate}: fields {first} and {second} of well {well} lie at one place; "
            "remove one of them, cropping cannot part them"
        )
    return found.crop_px()


def _why_unlisted(path: str, name: str, scan: Scan) -> str:
    if not path.lower().endswith(IMAGE_SUFFIXES):
        return "no image"
    return f"not listed in {scan.evidence}" if scan.by_metadata else f"not named as {name} does"
