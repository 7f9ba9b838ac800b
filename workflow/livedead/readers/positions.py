"""Where the stage stood: fields that overlap would count cells twice."""

from dataclasses import dataclass

import numpy as np
import pandas as pd


@dataclass(frozen=True)
class Overlap:
    """How much neighbouring fields of a plate share, at most.

    Attributes
    ----------
    known : bool
        Whether the export says where the fields lie.
    x_px, y_px : int
        Shared columns of fields beside each other, shared rows of fields above each other.
    pairs : int
        Pairs of fields that overlap.
    same_place : list of (well, field, field)
        Fields that lie at one place.
    """

    known: bool
    x_px: int
    y_px: int
    pairs: int
    same_place: list[tuple[str, int, int]]

    def crop_px(self) -> tuple[int, int]:
        """Rows and columns to cut off at each edge: half of what is shared, rounded up.

        All four edges are cut alike, so that nothing hangs on the direction of the stage's axes.
        """
        return -(-self.y_px // 2), -(-self.x_px // 2)


def find_overlap(images: pd.DataFrame, pixel_size_um: float) -> Overlap:
    """Compare the stage positions of the fields of each well.

    Parameters
    ----------
    images : DataFrame
        The index: ``well, field, timepoint, x_um, y_um, height, width``.
    pixel_size_um : float
    """
    placed = images.dropna(subset=["x_um", "y_um"])
    placed = placed[(placed["height"] > 0) & (placed["width"] > 0)]
    placed = placed.drop_duplicates(["well", "timepoint", "field"]).drop_duplicates(["well", "field"])
    x_px = y_px = pairs = 0
    same_place = []
    for well, fields in placed.groupby("well", sort=False):
        height, width = fields[["height", "width"]].min()
        x, y = (fields[name].to_numpy() / pixel_size_um for name in ("x_um", "y_um"))
        numbers = fields["field"].to_numpy()
        first, second = np.triu_indices(len(fields), 1)
        shared_x = np.rint(width - np.abs(x[first] - x[second])).astype(int)
        shared_y = np.rint(height - np.abs(y[first] - y[second])).astype(int)
        touching = (shared_x > 0) & (shared_y > 0)
        same = touching & (shared_x >= width) & (shared_y >= height)
        same_place += [
            (str(well), int(numbers[first[k]]), int(numbers[second[k]])) for k in np.flatnonzero(same)
        ]
        touching &= ~same
        pairs += int(touching.sum())
        beside = touching & (shared_x <= shared_y)
        above = touching & (shared_y <= shared_x)
        x_px = max(x_px, int(shared_x[beside].max(initial=0)))
        y_px = max(y_px, int(shared_y[above].max(initial=0)))
    return Overlap(not placed.empty, x_px, y_px, pairs, same_place)
