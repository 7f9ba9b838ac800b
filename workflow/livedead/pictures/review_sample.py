"""The page on which a person judges cells one by one, without seeing what they were called."""

import base64
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
from skimage.transform import resize

from livedead.cells.outlines import outlines
from livedead.pictures import pages
from livedead.pictures.light import composed

DIAMETERS = 6
"""Side of a crop in diameters of the median cell, so that its neighbours are seen, too."""

MAX_SIDE_PX = 240
"""Larger crops are made smaller: a page of 200 then stays below 4 MB."""

BARS_UM = (1, 2, 5, 10, 20, 50, 100, 200, 500)


class Crop(NamedTuple):
    """A cell in the middle of its surroundings.

    Attributes
    ----------
    picture : ndarray, (side, side, 3), float
        In [0, 1]; grey beyond the edge of the field.
    outline : ndarray, (n, 2), int
        Corners (y, x) of the cell's outline in the crop; none if it lies around the crop.
    """

    picture: np.ndarray
    outline: np.ndarray


def crops(
    fields: Iterable[tuple[pd.DataFrame, np.ndarray, np.ndarray]], sample: pd.DataFrame, shown: Sequence[str]
) -> dict[int, Crop]:
    """The crop of every sampled cell, by its number in the sample.

    Parameters
    ----------
    fields : iterable of (cells, planes, labels)
        From `livedead.wells.sampled_fields.sampled_fields`.
    sample : DataFrame
        From `livedead.wells.blind_review.sample_cells`.
    shown : sequence of str
        What the planes are, see `livedead.pictures.light.composed`.
    """
    side_px = crop_side_px(sample["area_px"])
    found = {}
    for cells, planes, labels in fields:
        field = composed(planes, shown)
        for number, row in cells.iterrows():
            found[int(number)] = crop(field, labels, row["cell"], (row["y_px"], row["x_px"]), side_px)
    return found


def crop_side_px(area_px: pd.Series) -> int:
    """Side of the crops of cells of these areas: one for all, so that large cells look large."""
    diameter_px = 2 * np.sqrt(float(area_px.median()) / np.pi)
    return max(16, 2 * round(DIAMETERS * diameter_px / 2))


def crop(field: np.ndarray, labels: np.ndarray, cell: int, centre: tuple[float, float], side_px: int) -> Crop:
    """Cut out one cell.

    Parameters
    ----------
    field : ndarray, (H, W, 3), float
        In [0, 1].
    labels : ndarray, (H, W), int32
        Where cell k has the value k.
    cell : int
    centre : (float, float)
        y, x of its centroid, px.
    side_px : int
    """
    half = side_px // 2
    top, left = (round(place) for place in centre)
    window = slice(top, top + side_px), slice(left, left + side_px)
    sides = ((half, half), (half, half))
    around = np.pad(field, (*sides, (0, 0)), constant_values=0.5)[window]
    inside = np.pad(labels, sides)[window] == cell
    return Crop(around, next(iter(outlines(inside.astype(np.int32))), np.empty((0, 2), int)))


def draw(
    plate: str, cells_sha256: str, n_drawn: int, seed: int, crops: dict[int, Crop], pixel_size_um: float
) -> bytes:
    """The page, which holds nothing of a cell but its number, its picture and its outline.

    Parameters
    ----------
    cells_sha256, n_drawn, seed
        What the sample was drawn from, and how: the judgements carry them.
    crops : dict of int -> Crop
        By the cells' numbers in the sample.
    pixel_size_um : float
    """
    side_px = len(next(iter(crops.values())).picture)
    cells = [
        {
            "cell": number,
            "picture": _picture(crops[number]),
            "outline": crops[number].outline[:, ::-1].tolist(),
        }
        for number in sorted(crops)
    ]
    bar_um = max(bar for bar in BARS_UM if bar == BARS_UM[0] or bar <= side_px * pixel_size_um / 4)
    sample = {"plate": plate, "cells_sha256": cells_sha256, "cells": n_drawn, "seed": seed}
    return pages.render(
        "review_sample.html.j2",
        title=f"Judge cells of plate {plate}",
        plate=plate,
        n_cells=len(cells),
        side_px=side_px,
        bar_um=bar_um,
        bar_px=round(bar_um / pixel_size_um, 2),
        data={"sample": sample, "cells": cells},
    )


def _picture(crop: Crop) -> str:
    """A crop as the address of a JPEG."""
    side_px = min(len(crop.picture), MAX_SIDE_PX)
    colours = crop.picture
    if side_px < len(colours):
        colours = resize(colours, (side_px, side_px), anti_aliasing=True)
    return f"data:image/jpeg;base64,{base64.b64encode(pages.jpeg(colours)).decode()}"
