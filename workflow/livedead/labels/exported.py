"""Counted cells for other programs: label images, a table of their states, and ImageJ's ROIs."""

import io
import zipfile
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import tifffile
from roifile import ROI_TYPE, ImagejRoi

from livedead import stores
from livedead.cells.counting import CountedField
from livedead.cells.outlines import outlines
from livedead.cells.tables import FieldCounter
from livedead.errors import StoreError
from livedead.logs import progress
from livedead.plates.masks import Key, mask_paths
from livedead.tables import CELLS, FIELD_KEY, FIELDS, LABEL_STATES
from livedead.wells.counting import counted_fields

STROKES = {"live": "0072B2", "dead": "D55E00", "ambiguous": "F0E442", "unknown": "CC79A7"}
"""Colours of outlines by state, RGB; those of the pictures."""
LONG_AGO = (1980, 1, 1, 0, 0, 0)
"""Time of every file in an archive: equal cells, equal bytes."""


def export_fields(
    folder: Path,
    fields: Iterable[CountedField],
    keys: Iterable[Key],
    crop_px: tuple[int, int],
    pixel_size_um: float,
) -> None:
    """Write label images, the table of their states and outlines, such as Fiji and napari read.

    Parameters
    ----------
    folder : Path
        Gets a label image per field, named as `livedead.plates.masks.mask_paths` finds it, ``states.csv``
        (`livedead.tables.LABEL_STATES`), and ``rois/``, an archive per field.
    fields : iterable of CountedField
    keys : iterable of Key
        All of the plate.
    crop_px : (int, int)
        Rows and columns at either side of the raw image that were not counted; they are added again, so that
        the labels lie on the raw image.
    pixel_size_um : float
    """
    paths = {key: Path(path) for key, path in mask_paths(str(folder), keys).items()}
    tables = [pd.DataFrame(columns=LABEL_STATES.columns)]
    for field in fields:
        path = paths[field.row["well"], field.row["field"], field.row["timepoint"]]
        labels = np.pad(field.labels, [(margin, margin) for margin in crop_px])
        states = field.cells["state"].tolist()
        stores.write_bytes(path, label_image(labels, pixel_size_um))
        stores.write_bytes(folder / "rois" / f"{path.stem}.zip", roi_archive(labels, states))
        named = {"image": path.name, "label": field.cells["cell"], "state": states}
        tables.append(pd.DataFrame(named))
    stores.write_table(folder / "states.csv", pd.concat(tables), LABEL_STATES)


def usable_fields(
    class_maps: list[Path], counter: FieldCounter, fields: Path, cells: Path
) -> Iterator[CountedField]:
    """Count again those fields in `class_maps` that did not fail; see `as_in_table`.

    Parameters
    ----------
    class_maps : list of Path
        Of some or all shards.
    counter : FieldCounter
        From `livedead.wells.counting.counter_of`, as it counted them.
    fields, cells : Path
        Tables of the whole plate.
    """
    of_fields = stores.read_table(fields, FIELDS)
    usable = of_fields.loc[of_fields["status"] == "ok", FIELD_KEY[1:]].itertuples(index=False, name=None)
    listed = (row for path in class_maps for row in stores.list_class_maps(path).to_dict("records"))
    wanted = {(row["well"], row["field"], row["timepoint"]) for row in listed} & set(usable)
    counted = progress(counted_fields(class_maps, counter, wanted), len(wanted), "fields")
    return as_in_table(counted, stores.read_table(cells, CELLS), str(cells))


def as_in_table(fields: Iterable[CountedField], cells: pd.DataFrame, what: str) -> Iterator[CountedField]:
    """The fields, each checked to have the cells that a table has of it.

    Parameters
    ----------
    cells : DataFrame
        `livedead.tables.CELLS`
    what : str
        Its file.

    Raises
    ------
    StoreError
        For a field with other cells.
    """
    states = {key: table["state"].tolist() for key, table in cells.groupby(FIELD_KEY)}
    for field in fields:
        key = tuple(field.row[name] for name in FIELD_KEY)
        if field.cells["state"].tolist() != states.get(key, []):
            raise StoreError(
                "{}: plate {} well {} field {} timepoint {}: other cells than its class map has; start the "
                "same command again".format(what, *key)
            )
        yield field


def label_image(labels: np.ndarray, pixel_size_um: float) -> bytes:
    """A label image as TIFF, uint16, or uint32 if there are too many cells; ImageJ reads its pixel size.

    Parameters
    ----------
    labels : ndarray, (H, W), int32
    pixel_size_um : float
    """
    dtype = np.uint16 if labels.max(initial=0) <= np.iinfo(np.uint16).max else np.uint32
    content = io.BytesIO()
    per_um = 1 / pixel_size_um
    tifffile.imwrite(
        content,
        labels.astype(dtype),
        compression="zlib",
        photometric="minisblack",
        resolution=(per_um, per_um),
        resolutionunit="NONE",
        description="ImageJ=1.54f\nunit=micron\n",
        metadata=None,
    )
    return content.getvalue()


def roi_archive(labels: np.ndarray, states: list[str]) -> bytes:
    """A zip archive for ImageJ's ROI Manager: the outline of each cell, named such as ``0001-live``.

    Parameters
    ----------
    labels : ndarray, (H, W), int32
        Cells 1, 2, ... without a gap.
    states : list of str
        That of cell 1 first.
    """
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for k, (outline, state) in enumerate(zip(outlines(labels), states, strict=True), start=1):
            name = f"{k:04d}-{state}"
            roi = ImagejRoi.frompoints(outline[:, ::-1], name=name)
            # As ImageJ's wand traces: the points are corners of pixels, not pixels.
            roi.roitype = ROI_TYPE.TRACED
            roi.bottom, roi.right = outline.max(axis=0).tolist()
            roi.stroke_color = bytes.fromhex(f"FF{STROKES[state]}")
            entry = zipfile.ZipInfo(f"{name}.roi", LONG_AGO)
            archive.writestr(entry, roi.tobytes(), compress_type=zipfile.ZIP_DEFLATED)
    return content.getvalue()
