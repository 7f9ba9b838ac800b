"""Folders of raw images -> one index: a row per image plane, whatever the microscope."""

import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pandas as pd

from livedead.errors import ExportError, SheetError
from livedead.plates import parse_well, well_position
from livedead.provenance import file_sha256
from livedead.readers import imagexpress, pattern

log = logging.getLogger(__name__)

FORMATS: dict[str, Callable[[list[str]], pd.DataFrame]] = {"imagexpress": imagexpress.scan}
"""Export format -> the reader of its file names; ``pattern`` takes the user's own."""

PLANE = ["well", "field", "timepoint", "channel"]
COLUMNS = ["plate", *PLANE, "path", "page", "bytes", "sha256"]


def index_plate(
    raw: Path,
    *,
    plate: str,
    export_format: str,
    channels: dict[str, str],
    n_wells: int,
    file_pattern: str | None = None,
    threads: int = 1,
) -> pd.DataFrame:
    """Index one plate.

    Parameters
    ----------
    raw : Path
        Folder of the export.
    export_format : str
        A key of `FORMATS`, or ``pattern``.
    channels : dict
        Name in the workflow -> name in the export, such as ``{"brightfield": "w1"}``.
    n_wells : int
        Size of the plate.
    file_pattern : str, optional
        For ``pattern``: see `livedead.readers.pattern`.

    Returns
    -------
    DataFrame
        `COLUMNS`, sorted by well, field, timepoint, channel; paths are relative to `raw`.

    Raises
    ------
    ExportError
        If nothing matches, a channel is nowhere, planes occur twice, wells are impossible, or
        files lead out of the folder.
    """
    if not raw.is_dir():
        raise ExportError(f"plate {plate}: no folder {raw}; correct 'raw' in plates.tsv")
    files = list_files(raw)
    if export_format == "pattern":
        if file_pattern is None:
            raise ExportError(f"plate {plate}: format 'pattern' needs 'file_pattern' in config.yaml")
        planes = pattern.scan(files, file_pattern)
    elif export_format in FORMATS:
        planes = FORMATS[export_format](files)
    else:
        known = ", ".join([*FORMATS, "pattern"])
        raise ExportError(f"plate {plate}: format {export_format!r} in plates.tsv; known: {known}")
    if planes.empty:
        sample = ", ".join(files[:3]) or "no file at all"
        raise ExportError(f"plate {plate}: no file in {raw} is named as {export_format} does: {sample}")
    planes["well"] = [_well(plate, row.well, row.path, n_wells) for row in planes.itertuples()]
    planes = _named_channels(planes, plate, channels)
    _check_unique(planes, plate)
    order = planes["well"].map(well_position)
    planes = planes.assign(_order=order).sort_values(["_order", "field", "timepoint", "channel"])
    with ThreadPoolExecutor(threads) as pool:
        hashes = list(pool.map(lambda path: file_sha256(raw / path), planes["path"]))
    sizes = [(raw / path).stat().st_size for path in planes["path"]]
    return planes.assign(plate=plate, bytes=sizes, sha256=hashes)[COLUMNS].reset_index(drop=True)


def list_files(raw: Path) -> list[str]:
    """Relative paths of all files below `raw`, sorted; links that lead out are refused."""
    root = raw.resolve()
    files = []
    for path in sorted(raw.rglob("*")):
        if path.is_symlink() and not path.resolve().is_relative_to(root):
            raise ExportError(f"{path}: a link that leads out of the raw folder; copy the file instead")
        if path.is_file() and not path.name.startswith("."):
            files.append(path.relative_to(raw).as_posix())
    return files


def _well(plate: str, text: str, path: str, n_wells: int) -> str:
    try:
        return parse_well(text, n_wells)
    except SheetError as error:
        raise ExportError(f"plate {plate}: file {path}: {error}; check 'wells' in plates.tsv") from error


def _named_channels(planes: pd.DataFrame, plate: str, channels: dict[str, str]) -> pd.DataFrame:
    found = sorted(set(planes["channel"]))
    names = {export: name for name, export in channels.items()}
    if not set(found) & set(names):
        raise ExportError(
            f"plate {plate}: none of the configured channels {', '.join(names)} is in the export, "
            f"which has {', '.join(found)}; correct 'channels' in config.yaml"
        )
    skipped = [channel for channel in found if channel not in names]
    if skipped:
        log.info("plate %s: channels not configured, not indexed: %s", plate, ", ".join(skipped))
    absent = [f"{name} ({export})" for export, name in names.items() if export not in found]
    if absent:
        log.warning("plate %s: no image of channel %s", plate, ", ".join(absent))
    kept = planes[planes["channel"].isin(names)]
    return kept.assign(channel=kept["channel"].map(names))


def _check_unique(planes: pd.DataFrame, plate: str) -> None:
    doubled = planes[planes.duplicated(PLANE, keep=False)].sort_values([*PLANE, "path"])
    if doubled.empty:
        return
    example = doubled.iloc[:2]
    if len(set(example["z"])) > 1:
        raise ExportError(
            f"plate {plate}: well {example['well'].iloc[0]} has several focal planes "
            f"({', '.join(example['path'])}); keep one plane in the raw folder"
        )
    raise ExportError(
        f"plate {plate}: {len(doubled)} files claim a plane that another has, such as "
        f"{' and '.join(example['path'])}"
    )
