"""Class maps from boxes or points that were drawn around cells and judged live or dead."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from livedead.errors import ConfigError
from livedead.labels.painting import paint_cells
from livedead.network.classes import Classes
from livedead.plates.boxes import DrawnCells


@dataclass(frozen=True)
class BoxSettings:
    """How a class map is made of boxes or points; the keys of ``labels.boxes`` in config.yaml.

    Attributes
    ----------
    shrink : float
        Sides of the ellipse that has the cell's state, as a share of its box's. The rest of the ellipse
        that fills the box is context if there is such a class, otherwise background.
    boundary_px : int
        Pixels within this distance of two such ellipses are boundary.
    diameter_um, diameter_px : float, optional
        Side of the box of a point, one of the two.
    unlisted : {'left_out', 'empty'}
        What fields without a row are: not labelled, or fields without cells.
    """

    shrink: float = 1.0
    boundary_px: int = 2
    diameter_um: float | None = None
    diameter_px: float | None = None
    unlisted: str = "left_out"

    @classmethod
    def from_config(cls, boxes: dict[str, Any]) -> "BoxSettings":
        """Settings from the section ``labels.boxes`` of the configuration."""
        return cls(**boxes)


def as_boxes(cells: DrawnCells, settings: BoxSettings, pixel_size_um: float) -> np.ndarray:
    """The boxes of drawn cells, (n, 4) float64, those of points as large as the settings say.

    Raises
    ------
    ConfigError
        If there are points and no diameter.
    """
    if cells.places.shape[1] == 4:
        return cells.places
    if settings.diameter_px is not None:
        side = settings.diameter_px
    elif settings.diameter_um is not None:
        side = settings.diameter_um / pixel_size_um
    else:
        raise ConfigError(
            "labels.boxes: the sheet has points; set diameter_um or diameter_px to the diameter of a cell"
        )
    # The centre of the first pixel is 0 for a point, half a pixel for a box.
    middle = cells.places + 0.5
    return np.hstack([middle - side / 2, middle + side / 2])


def label_from_boxes(
    boxes: np.ndarray, is_dead: np.ndarray, shape: tuple[int, ...], classes: Classes, settings: BoxSettings
) -> tuple[np.ndarray, np.ndarray]:
    """Class map and cells of a field, an ellipse in every box.

    Parameters
    ----------
    boxes : ndarray, (n, 4)
        Upper, left, lower and right side in px; 0 is the field's edge.
    is_dead : ndarray, (n,), bool
    shape : tuple
        (H, W) of the field.
    classes : Classes
    settings : BoxSettings

    Returns
    -------
    class_map : ndarray, (H, W), uint8
        The first class of each role.
    cells : ndarray, (H, W), int32
        0 background, k + 1 the ellipse of box k; one wholly behind others has no pixel.

    Examples
    --------
    >>> classes = Classes(background=(0,), live=(1,), dead=(2,))
    >>> boxes = np.array([[0, 0, 3, 4], [0, 4, 3, 6]])
    >>> label_from_boxes(boxes, np.array([False, True]), (3, 6), classes, BoxSettings())[0]
    array([[0, 1, 1, 0, 2, 2],
           [1, 1, 1, 1, 2, 2],
           [0, 1, 1, 0, 2, 2]], dtype=uint8)
    """
    cells = ellipses(boxes, shape, settings.shrink)
    extents = ellipses(boxes, shape, 1.0) > 0 if classes.context else None
    class_map = paint_cells(cells, np.append(False, is_dead), classes, settings.boundary_px, extents)
    return class_map, cells


def ellipses(boxes: np.ndarray, shape: tuple[int, ...], shrink: float) -> np.ndarray:
    """An ellipse inscribed in every box, shrunk around its middle, (H, W) int32: 0, then a number each.

    A pixel in several belongs to that with the nearest middle. The pixel in the middle of a box is always
    inside, however small the ellipse.
    """
    owner, nearest = np.zeros(shape, np.int32), np.full(shape, np.inf)
    areas = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
    # Large ones first, so that of two with the same middle the smaller one is seen.
    for k in np.argsort(-areas, kind="stable"):
        middle, half = (boxes[k, :2] + boxes[k, 2:]) / 2, (boxes[k, 2:] - boxes[k, :2]) / 2 * shrink
        first = np.maximum(np.floor(middle - half).astype(int), 0)
        last = np.minimum(np.ceil(middle + half).astype(int), shape)
        rows, columns = slice(first[0], last[0]), slice(first[1], last[1])
        at = [np.arange(start, stop) + 0.5 for start, stop in zip(first, last, strict=True)]
        y, x = (axis - centre for axis, centre in zip(at, middle, strict=True))
        inside = ((y / half[0]) ** 2)[:, None] + ((x / half[1]) ** 2)[None] <= 1
        inside |= np.outer(*(np.floor(a) == np.floor(centre) for a, centre in zip(at, middle, strict=True)))
        distance = np.hypot(y[:, None], x[None])
        taken = inside & (distance <= nearest[rows, columns])
        owner[rows, columns][taken] = k + 1
        nearest[rows, columns][taken] = distance[taken]
    return owner
