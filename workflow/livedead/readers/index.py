"""Folders of raw images -> one index: a row per image plane, whatever the microscope."""

import logging
from collections.abc import Collection, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd

from livedead.errors import ExportError, FieldError, SheetError
from livedead.images.checksums import file_checksums
from livedead.images.containers import is_container, plane_fingerprint
from livedead.images.guard import in_time
from livedead.logs import progress
from livedead.plates import geometry
from livedead.plates.file_globs import fitting
from livedead.readers.channels import named_channels
from livedead.readers.claims import Claim, check_claims
from livedead.readers.focus import FocalPlane, chosen_focus
from livedead.readers.folder import RawFolder, is_image, kind_of_entry, list_files
from livedead.readers.foreign import describe_foreign, foreign_kind, in_words
from livedead.readers.formats import scan_folder
from livedead.readers.headers import read_headers, with_headers, with_pages
from livedead.readers.positions import find_overlap
from livedead.readers.scan import PLANE, Scan, pixel_sizes
from livedead.readers.times import with_times
from livedead.tables import IMAGES, ROW_SHA256

log = logging.getLogger(__name__)

COLUMNS = [column for column in IMAGES.columns if column != ROW_SHA256]
_NOT_THERE = ("missing_plane", "acquisition_failed", "missing_file", "unreadable")
"""Problems of planes without an image."""
_NO_FINGERPRINT: dict[str, str | int] = {"sha256": "", "crc32": "", "bytes": 0}


def index_plate(
    raw: Path,
    *,
    plate: str,
    export_format: str,
    channels: dict[str, str],
    n_wells: int,
    pixel_size_um: float,
    wells: Collection[str] = (),
    files: str = "",
    file_pattern: str | None = None,
    well_numbers: str = "",
    plate_names: Collection[str] = (),
    siblings: Collection[Claim] = (),
    hdf5_axes: str | None = None,
    pages: str | None = None,
    focal_plane: FocalPlane = None,
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
        Name in the workflow -> name in the export, see `livedead.readers.channels`.
    n_wells, pixel_size_um
        Of the plate.
    wells : collection of str
        The only ones to list; empty for all.
    files, file_pattern, well_numbers
        As in plates.tsv, see `livedead.plates.file_globs`, `FilePattern`, `geometry.WELL_NUMBERS`.
    plate_names : collection of str
        By which `file_pattern` knows the plate; its id if there are none.
    siblings : collection of Claim
        What other plates claim of the folder.
    hdf5_axes, pages, focal_plane, overlap, accept
        As in config.yaml; see `hdf5.AXES`, `with_pages`, `chosen_focus`, `DECLARABLE`.

    Returns
    -------
    images : DataFrame
        `COLUMNS`, a row per plane that was found or promised, in plate order; paths are relative to
        `raw`, and ``problem`` is the code with which a field fails that needs the plane.
    export : dict
        What the export says of itself, see `_export`.

    Raises
    ------
    ExportError
        If the folder does not hold what one format promises, or leaves something to guess.
    """
    if not raw.is_dir():
        raise ExportError(f"plate {plate}: no folder {raw}; correct 'raw' in plates.tsv")
    try:
        folder = RawFolder(
            raw,
            fitting(files, list_files(raw)) if files else list_files(raw),
            n_wells,
            {*channels.values()},
            file_pattern,
            hdf5_axes,
            plate_names or [plate],
            well_numbers,
        )
        name, scan = scan_folder(folder, export_format)
        log.info("plate %s: format %s, by %s", plate, name, scan.evidence)
        for note in scan.notes:
            log.warning("plate %s: %s", plate, note)
        own = {plane.path for plane in scan.planes} if name == "pattern" else folder.files
        check_claims(own, siblings)
        planes, passed_over = _planes(folder, scan, channels, wells, pages, focal_plane, threads)
        scan = replace(scan, expected=_expected(scan, planes), passed_over=passed_over)
        planes = _with_crop(planes, scan.expected.get("pixel_size_um", pixel_size_um), overlap)
    except (ExportError, SheetError) as error:
        raise ExportError(f"plate {plate}: {error}") from error
    planes = _in_order(planes.assign(plate=plate, accept=",".join(sorted(accept))))
    return planes[COLUMNS].reset_index(drop=True), _export(folder, name, scan, planes)


def _planes(
    folder: RawFolder,
    scan: Scan,
    channels: dict[str, str],
    wells: Collection[str],
    pages: str | None,
    focal_plane: FocalPlane,
    threads: int,
) -> tuple[pd.DataFrame, dict[str, str]]:
    """The planes of a scan that are wanted, with all that their files tell, and why others are not."""
    raw, planes = folder.path, scan.table()
    _refuse_foreign(raw, planes["path"])
    planes = with_times(planes)  # while every image is there: the first one is time 0
    planes, other_wells = _in_wells(_with_wells(planes, folder), wells)
    if pages is not None:
        planes = with_pages(planes, pages, read_headers(raw, planes, threads))
    planes = _with_doubles(planes)  # while channels are there that are not configured
    planes, other_channels = named_channels(planes, channels, scan.channel_names)
    planes, other_planes = chosen_focus(planes, focal_plane)
    planes = with_headers(planes, read_headers(raw, planes, threads))
    planes = _with_unreadable(planes, raw)
    planes = _with_fingerprints(planes, raw, threads)
    return planes, {**other_planes, **other_channels, **other_wells, **scan.passed_over}


def _expected(scan: Scan, planes: pd.DataFrame) -> dict[str, Any]:
    """What the metadata promise, with the pixel size of the images' headers if they are silent on it."""
    if {"pixel_size_um", "pixel_sizes_um"} & set(scan.expected):
        return scan.expected
    return {**scan.expected, **pixel_sizes(planes["header_pixel_um"])}


def _export(folder: RawFolder, name: str, scan: Scan, planes: pd.DataFrame) -> dict[str, Any]:
    """What an export says of itself.

    Returns
    -------
    dict
        ``format`` and ``evidence`` for it, ``expected`` and ``channel_names`` after the export's
        metadata, ``notes`` on how it was read, ``foreign`` (relative path -> what it is) of files in
        the index that are no images, ``passed_over`` (relative path -> why) of all other files.
    """
    used = set(planes["path"])
    headless = planes["path"][planes["height"] == 0].unique()
    kinds = {path: foreign_kind(folder.path, path) for path in headless}
    passed_over = {path: why for path, why in scan.passed_over.items() if path not in used}
    for path in () if scan.of_several else folder.files:
        if path not in used and path not in passed_over:
            passed_over[path] = _why_unlisted(folder.path, path, name, scan)
    return {
        "format": name,
        "evidence": scan.evidence,
        "expected": scan.expected,
        "channel_names": scan.channel_names,
        "notes": scan.notes,
        "foreign": {path: in_words(kind) for path, kind in kinds.items() if kind},
        "passed_over": passed_over,
    }


def _with_wells(planes: pd.DataFrame, folder: RawFolder) -> pd.DataFrame:
    """The planes with canonical wells."""
    first = planes.drop_duplicates("well")
    if not folder.well_numbers:
        _refuse_uncounted([text for text in first["well"] if text.isdecimal()], folder.n_wells)
    wells = {row.well: _well(row.well, row.path, folder) for row in first.itertuples()}
    return planes.assign(well=planes["well"].map(wells))


def _in_wells(planes: pd.DataFrame, wells: Collection[str]) -> tuple[pd.DataFrame, dict[str, str]]:
    """The planes of the wells that are wanted, all if none is named, and why files of others are not."""
    wanted = planes["well"].isin(wells) if wells else pd.Series(True, planes.index)
    if not wanted.any():
        raise ExportError(
            f"none of the wells to read ({', '.join(wells)}) has an image; correct 'dyed_wells' in plates.tsv"
        )
    others = planes[~wanted]
    reasons = {
        path: f"well {well} is not read" for path, well in zip(others["path"], others["well"], strict=True)
    }
    return planes[wanted], reasons


def _well(text: str, path: str, folder: RawFolder) -> str:
    """Canonical well from a name, or from a number, where any way to count gives one well or one was said."""
    try:
        if text.isdecimal():
            way = folder.well_numbers or geometry.WELL_NUMBERS[0]
            return geometry.numbered_well(int(text), folder.n_wells, way)
        return geometry.parse_well(text, folder.n_wells)
    except SheetError as error:
        raise ExportError(f"file {path}: {error}; check 'wells' in plates.tsv") from error


def _refuse_uncounted(numbers: Iterable[str], n_wells: int) -> None:
    """Refuse numbers that are other wells if counted in another way, with the one that shows it best."""
    readings = {
        number: [geometry.numbered_well(int(number), n_wells, way) for way in geometry.WELL_NUMBERS]
        for number in numbers
        if 1 <= int(number) <= n_wells
    }
    number = max(readings, key=lambda number: len(set(readings[number])), default="")
    if len(set(readings.get(number, []))) > 1:
        meant = zip(geometry.WELL_NUMBERS, readings[number], strict=True)
        raise ExportError(
            "wells are numbers, which plates.tsv must say how to count: write into its column 'well_numbers' "
            + ", or ".join(f"{way!r} (well {number} is {well})" for way, well in meant)
        )


def _refuse_foreign(raw: Path, paths: Iterable[str]) -> None:
    """Refuse a plate whose every file is known to be no image: it is named, and what to do."""
    paths = list(dict.fromkeys(paths))
    if all(foreign_kind(raw, path) for path in paths):  # ends at the first image
        raise ExportError(f"no file is an image: {describe_foreign(raw, paths)}")


def _with_doubles(planes: pd.DataFrame) -> pd.DataFrame:
    """Mark planes that several images claim, and images that several planes claim."""
    source = ["path", "dataset", "page"]
    planes = planes.drop_duplicates([*PLANE, "z", *source, "problem"]).copy()
    doubled = planes.duplicated([*PLANE, "z"], keep=False)
    there = planes[~planes["problem"].isin(_NOT_THERE)]
    shared = there.duplicated(source, keep=False).reindex(planes.index, fill_value=False)
    planes.loc[(doubled | shared) & (planes["problem"] == ""), "problem"] = "doubled"
    return planes


def _with_unreadable(planes: pd.DataFrame, raw: Path) -> pd.DataFrame:
    """Mark planes of what is named like an image, and is no file."""
    unknown = planes["height"] == 0
    paths = planes["path"][unknown].unique()
    no_file = unknown & planes["path"].isin([path for path in paths if kind_of_entry(raw / path)])
    return planes.assign(problem=planes["problem"].mask(no_file & (planes["problem"] == ""), "unreadable"))


def _with_fingerprints(planes: pd.DataFrame, raw: Path, threads: int) -> pd.DataFrame:
    """The planes with checksums and size of their files, or of themselves where they lie in a container."""
    sources = [
        (row.path, row.dataset, row.page) if is_container(raw / row.path) else (row.path, "", 0)
        for row in planes.itertuples()
    ]
    once = list(dict.fromkeys(sources))
    with ThreadPoolExecutor(threads) as pool:
        prints = progress(pool.map(lambda source: _fingerprint(raw, *source), once), len(once), "files")
        found = dict(zip(once, prints, strict=True))
    columns = ("sha256", "crc32", "bytes")
    return planes.assign(**{name: [found[source][name] for source in sources] for name in columns})


def _fingerprint(raw: Path, path: str, dataset: str, page: int) -> dict[str, str | int]:
    """Checksums and size of a file, or of a plane; for what cannot be read those that the gate refuses."""
    file = raw / path
    try:
        if is_container(file):
            return in_time(lambda: plane_fingerprint(file, dataset, page), file)
        if kind_of_entry(file):  # a FIFO would wait for its writer for ever
            return _NO_FINGERPRINT
        return {**file_checksums(file), "bytes": file.stat().st_size}
    except (FieldError, OSError) as error:
        log.warning("%s", error)
        return _NO_FINGERPRINT


def _with_crop(planes: pd.DataFrame, pixel_size_um: float, overlap: str) -> pd.DataFrame:
    """The planes with the rows and columns to cut off at each edge."""
    found = find_overlap(planes, pixel_size_um)
    if found.pairs:
        log.warning(
            "%d pairs of fields overlap, by up to %d columns or %d rows; %s",
            found.pairs,
            found.x_px,
            found.y_px,
            "each is cropped by half of it" if overlap == "crop" else "cells there are counted twice",
        )
    if overlap != "crop":
        return planes.assign(crop_y_px=0, crop_x_px=0)
    if not found.known:
        raise ExportError("'overlap: crop' in config.yaml, but the export gives no stage positions")
    if found.same_place:
        well, first, second = found.same_place[0]
        raise ExportError(
            f"fields {first} and {second} of well {well} lie at one place, where cropping cannot part them; "
            "remove one of them"
        )
    crop_y_px, crop_x_px = found.crop_px()
    return planes.assign(crop_y_px=crop_y_px, crop_x_px=crop_x_px)


def _in_order(planes: pd.DataFrame) -> pd.DataFrame:
    """The planes by well in plate order, field, timepoint, channel and z."""
    places = planes["well"].map(geometry.well_position)
    order = planes.assign(well=places).sort_values([*PLANE, "z", "path", "page"])
    return planes.loc[order.index]


def _why_unlisted(raw: Path, path: str, name: str, scan: Scan) -> str:
    kind = foreign_kind(raw, path, by_content=is_image(path))
    if kind:
        return f"{kind[0]} (where it is to be read: {kind[1]})"
    if not is_image(path):
        return "no image"
    return f"not listed in {scan.evidence}" if scan.by_metadata else f"not named as {name} does"
