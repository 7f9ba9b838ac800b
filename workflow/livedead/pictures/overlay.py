"""Fields from raw counts to counted cells, so that a person can check every step."""

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.collections import PolyCollection
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from livedead.cells.counting import CountedField
from livedead.cells.outlines import outlines
from livedead.errors import StoreError
from livedead.network.classes import Classes
from livedead.normalization.transforms import Key
from livedead.pictures.class_maps import coloured
from livedead.pictures.figures import (
    FULL_MM,
    ROLE_COLOURS,
    STATE_COLOURS,
    STATE_LINES,
    STATE_MARKERS,
    axes_at,
    draw_scale_bar,
    new_figure,
    note,
)
from livedead.pictures.light import composed, light_of

SIDE_UM = 150
"""Of a field, as much is shown."""
SIDE_PX = 500
"""With more pixels than a panel has in print, some are left out."""
PANELS = ("raw", "normalized", "class map", "counted cells")
LEFT_MM, TOP_MM, PANEL_MM, GAP_MM, KEY_MM = 8, 5, 41, 1.5, 8
RAW_PERCENTILES = (0.1, 99.9)
"""Counts of all shown fields that are black and white in the raw panels."""
SIGN: dict[str, Any] = {"markersize": 1.8, "markeredgewidth": 0.5}


class ShownField(NamedTuple):
    """A field to draw.

    Attributes
    ----------
    heading : str
    raw : ndarray, (C, H, W), uint16
    normalized : ndarray, (C, H, W), float32
        The same in [-1, 1].
    counted : CountedField
    """

    heading: str
    raw: np.ndarray
    normalized: np.ndarray
    counted: CountedField


def shown_fields(
    headings: Mapping[Key, str],
    pixels: Mapping[Key, tuple[np.ndarray, np.ndarray]],
    counted: Iterable[CountedField],
    cells: pd.DataFrame,
    what: str,
) -> list[ShownField]:
    """Fields to draw, in the order of their headings.

    Parameters
    ----------
    headings : mapping
        (well, field, timepoint) -> what stands beside the field.
    pixels : mapping
        The same -> raw and normalized planes.
    counted : iterable of CountedField
        These fields, counted again.
    cells : DataFrame
        `livedead.tables.CELLS`, what was counted before.
    what : str
        Its file, for the message.

    Raises
    ------
    StoreError
        If another number of cells is found than before.
    """
    found = {}
    for field in counted:
        key = field.row["well"], field.row["field"], field.row["timepoint"]
        n_before = int((cells[["well", "field", "timepoint"]] == list(key)).all(axis=1).sum())
        if len(field.cells) != n_before:
            raise StoreError(
                "well {} field {} timepoint {}: {} cells in its class map, {} in {}; delete that table and "
                "start the same command again".format(*key, len(field.cells), n_before, what)
            )
        found[key] = field
    return [ShownField(heading, *pixels[key], found[key]) for key, heading in headings.items()]


def draw(fields: list[ShownField], shown: Mapping[str, str], classes: Classes, um_per_px: float) -> Figure:
    """Draw a row of four panels for each field: raw, normalized, its class map, and outlines of its cells.

    Parameters
    ----------
    fields : list of ShownField
        Of large ones the middle is shown. An empty list gives a picture that says so.
    shown : mapping
        What each of the planes is, ``input`` of a network or a dye -> its channel.
    classes : Classes
        Of the class maps.
    um_per_px : float
    """
    if not fields:
        return note("no field of this plate can be used")
    middles = [_middle(field.raw.shape[1:], um_per_px) for field in fields]
    crops = [
        field.raw[:, *middle].reshape(len(shown), -1) for field, middle in zip(fields, middles, strict=True)
    ]
    levels = np.percentile(np.concatenate(crops, axis=1), RAW_PERCENTILES, axis=1)
    height = TOP_MM + len(fields) * (PANEL_MM + GAP_MM) + KEY_MM
    figure = new_figure(FULL_MM, height, constrained=False)
    for k, (field, middle) in enumerate(zip(fields, middles, strict=True)):
        bottom = height - TOP_MM - PANEL_MM - k * (PANEL_MM + GAP_MM)
        lefts = [LEFT_MM + j * (PANEL_MM + GAP_MM) for j in range(len(PANELS))]
        row = [axes_at(figure, left, bottom, PANEL_MM, PANEL_MM) for left in lefts]
        _draw_field(row, field, middle, levels, list(shown), classes)
        draw_scale_bar(row[0], um_per_px)
        if k == 0:
            for axes, name in zip(row, PANELS, strict=True):
                axes.set_title(name)
    _draw_keys(figure, fields, shown, classes)
    return figure


def _middle(shape: tuple[int, ...], um_per_px: float) -> tuple[slice, slice]:
    """The middle of a field, `SIDE_UM` wide and high where the field is larger."""
    side = max(1, round(SIDE_UM / um_per_px))
    tops = [max(0, (length - side) // 2) for length in shape]
    return slice(tops[0], tops[0] + side), slice(tops[1], tops[1] + side)


def _draw_field(
    row: list[Axes],
    field: ShownField,
    middle: tuple[slice, slice],
    levels: np.ndarray,
    shown: list[str],
    classes: Classes,
) -> None:
    """The panels of one field, in units of its pixels."""
    low, high = levels[..., np.newaxis, np.newaxis]
    raw = ((field.raw[:, *middle] - low) * (2 / np.maximum(high - low, 1)) - 1).clip(-1, 1)
    normalized = composed(field.normalized[:, *middle], shown)
    images = [
        composed(raw, shown),
        normalized,
        coloured(field.counted.class_map[middle], classes),
        normalized,
    ]
    top, left = (side.start for side in middle)
    height, width = normalized.shape[:2]
    step = -(-max(height, width) // SIDE_PX)
    for axes, image in zip(row, images, strict=True):
        extent = (left - 0.5, left + width - 0.5, top + height - 0.5, top - 0.5)
        axes.imshow(image[::step, ::step], extent=extent)
        axes.set(xlim=extent[:2], ylim=extent[2:], xticks=[], yticks=[])
        axes.spines[:].set_visible(False)
    row[0].set_ylabel(field.heading)
    _draw_cells(row[-1], field.counted, middle)


def _draw_cells(axes: Axes, counted: CountedField, middle: tuple[slice, slice]) -> None:
    """Outline and sign of every counted cell in the middle of its field, by its state."""
    inside = counted.labels[middle]
    numbers, renumbered = np.unique(np.append(0, inside), return_inverse=True)
    polygons = outlines(renumbered[1:].reshape(inside.shape))
    corner = np.array([side.start for side in middle]) - 0.5
    shown = counted.cells.set_index("cell").loc[numbers[1:]]
    for state, colour in STATE_COLOURS.items():
        chosen = np.flatnonzero(shown["state"] == state)
        cells = shown.iloc[chosen]
        corners = [(polygons[k] + corner)[:, ::-1] for k in chosen]
        outlined = PolyCollection(corners, facecolor="none", edgecolor=colour, linewidth=0.8, gid=state)
        outlined.set_linestyle(STATE_LINES[state])
        axes.add_collection(outlined)
        axes.plot(cells["x_px"], cells["y_px"], STATE_MARKERS[state], color=colour, **SIGN)


def _draw_keys(figure: Figure, fields: list[ShownField], shown: Mapping[str, str], classes: Classes) -> None:
    """What the light of several planes, the colours of class maps, and the signs of cells mean."""
    roles = [Patch(facecolor=ROLE_COLOURS[role], label=role) for role in ROLE_COLOURS if classes.of(role)]
    drawn = {state for field in fields for state in field.counted.cells["state"]}
    cells = [
        Line2D(
            [],
            [],
            color=colour,
            linestyle=STATE_LINES[state],
            marker=STATE_MARKERS[state],
            label=state,
            **{**SIGN, "markersize": 4},
        )
        for state, colour in STATE_COLOURS.items()
        if state in drawn
    ]
    planes = [
        Patch(facecolor=light_of(what, k), edgecolor="black", linewidth=0.4, label=channel)
        for k, (what, channel) in enumerate(shown.items())
    ]
    for column, handles in ((0, planes), (2, roles), (3, cells)):
        x = (LEFT_MM + column * (PANEL_MM + GAP_MM)) / FULL_MM
        figure.legend(
            handles=handles,
            loc="upper left",
            bbox_to_anchor=(x, KEY_MM / (figure.get_figheight() * 25.4)),
            ncols=2,
            handlelength=2,
            columnspacing=1,
            borderpad=0,
            borderaxespad=0,
        )
