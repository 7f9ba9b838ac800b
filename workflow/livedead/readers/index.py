"""Folders of raw images -> one index: a row per image plane, whatever the microscope."""

import logging
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from livedead.errors import ExportError, FieldError, SheetError
from livedead.images.checksums import file_checksums
from livedead.images.headers import Header, read_header
from livedead.plates.geometry import FORMATS as PLATE_FORMATS
from livedead.plates.geometry import parse_well, well_name, well_position
from livedead.readers.folder import RawFolder, is_image, kind_of_entry, list_files
from livedead.readers.foreign import describe_foreign, foreign_kind, in_words
from livedead.readers.formats import scan_folder
from livedead.readers.planes import Scan, pixel_sizes
from livedead.readers.positions import find_overlap
from livedead.tables import IMAGES, ROW_SHA256

log = logging.getLogger(__name__)

PLANE = ["well", "field", "timepoint", "channel"]
COLUMNS = [column for column in IMAGES.columns if column != ROW_SHA256]


def index_plate(
    raw: Path,
    *,
    plate: str,
    export_format: str,
    channels: dict[str, str],
    n_wells: int,
    pixel_size_um: float,
    file_pattern: str | None = None,
    hdf5_axes: str | None = None,
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
        A key of `livedead.readers.formats.FORMATS`, ``pattern``, or ``auto``.
    channels : dict
        Name in the workflow -> name in the export, such as ``{"brightfield": "w1"}``; what
        the export's metadata calls the channel will do as well.
    n_wells : int
        Size of the plate.
    pixel_size_um : float
    file_pattern : str, optional
        For ``pattern``, ``hdf5`` and ``ome``: see `livedead.readers.pattern.FilePattern`.
    hdf5_axes : str, optional
        Axes of HDF5 datasets of three, see `livedead.readers.hdf5.AXES`.
    pages : str, optional
        What the pages of a multi-page TIFF are: field, timepoint, channel or z.
    focal_plane : int, str or dict, optional
        Of several focal planes the number of one, or ``max`` or ``mean`` of all, or
        ``acquired`` for the projection that the microscope made; or a dict by channel.
    overlap : str
        ``keep`` overlapping fields whole, or ``crop`` them to half the overlap.
    accept : iterable of str
        What the gate may accept, see `livedead.images.stored.DECLARABLE`.

    Returns
    -------
    images : DataFrame
        `COLUMNS`, a row per plane that was found or promised, sorted by well, field, timepoint,
        channel and z; paths are relative to `raw`. ``problem`` is the code with which a field
        fails that needs this plane.
    export : dict
        ``format`` and ``evidence`` for it, ``expected`` and ``channel_names`` after the export's
        metadata, ``notes`` on how it was read, ``foreign`` (relative path -> what it is) of files in
        the index that are no images, ``passed_over`` (relative path -> why) of all other files.

    Raises
    ------
    ExportError
        If nothing matches or more than one format does, a name or a stack can be read in more
        than one way, a channel is nowhere, focal planes are left to guess, wells are impossible,
        no file is an image, or files lead out of the folder.
    """
    if not raw.is_dir():
        raise ExportError(f"plate {plate}: no folder {raw}; correct 'raw' in plates.tsv")
    folder = RawFolder(raw, list_files(raw), n_wells, frozenset(channels.values()), file_pattern, hdf5_axes)
    name, scan = scan_folder(folder, plate, export_format)
    log.info("plate %s: format %s, by %s", plate, name, scan.evidence)
    for note in scan.notes:
        log.warning("plate %s: %s", plate, note)
    passed_over = dict(scan.passed_over)
    planes = scan.table()
    _refuse_foreign(raw, plate, planes["path"])
    planes["well"] = [_well(plate, row.well, row.path, n_wells) for row in planes.itertuples()]
    if pages is not None:
        planes = _with_pages(planes, pages, _headers(raw, planes, threads))
    planes = _marked_doubles(planes)  # while channels are there that are not configured
    planes = _named_channels(planes, plate, channels, scan.channel_names, passed_over)
    planes = _chosen_focus(planes, plate, focal_plane, passed_over)
    headers = _headers(raw, planes, threads)
    planes = _with_headers(planes, headers)
    foreign = _foreign(raw, planes)
    headless = dict.fromkeys(planes["path"][planes["height"] == 0])
    no_file = planes["path"].isin([path for path in headless if kind_of_entry(raw / path)])
    planes.loc[no_file & (planes["problem"] == ""), "problem"] = "unreadable"
    if "pixel_size_um" not in scan.expected and "pixel_sizes_um" not in scan.expected:
        scan.expected.update(pixel_sizes(header.pixel_size_um for header in headers.values()))
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
    for path in folder.files:
        if path not in used and path not in passed_over:
            passed_over[path] = _why_unlisted(raw, path, name, scan)
    export = {
        "format": name,
        "evidence": scan.evidence,
        "expected": scan.expected,
        "channel_names": scan.channel_names,
        "notes": scan.notes,
        "foreign": foreign,
        "passed_over": {path: why for path, why in passed_over.items() if path not in used},
    }
    return planes[COLUMNS].reset_index(drop=True), export


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
    if kind_of_entry(path):  # a FIFO would wait for its writer for ever
        return {"sha256": "", "crc32": "", "bytes": 0}
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


def _why_unlisted(raw: Path, path: str, name: str, scan: Scan) -> str:
    kind = foreign_kind(raw, path, by_content=is_image(path))
    if kind:
        return f"{kind[0]} (where it is to be read: {kind[1]})"
    if not is_image(path):
        return "no image"
    return f"not listed in {scan.evidence}" if scan.by_metadata else f"not named as {name} does"


def _refuse_foreign(raw: Path, plate: str, paths: Iterable[str]) -> None:
    """Refuse a plate whose every file is known to be no image: it is named, and what to do."""
    paths = list(dict.fromkeys(paths))
    if all(foreign_kind(raw, path) for path in paths):  # ends at the first image
        raise ExportError(f"plate {plate}: no file is an image: {describe_foreign(raw, paths)}")


def _foreign(raw: Path, planes: pd.DataFrame) -> dict[str, str]:
    """What the files are that the index lists and that are no images."""
    headless = planes["path"][planes["height"] == 0]
    kinds = {path: foreign_kind(raw, path) for path in dict.fromkeys(headless)}
    return {path: in_words(kind) for path, kind in kinds.items() if kind}
