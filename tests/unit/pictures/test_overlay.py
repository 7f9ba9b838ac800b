import re

import numpy as np
import pandas as pd
import pytest
from matplotlib.collections import PolyCollection
from matplotlib.colors import to_rgba

from livedead.cells.counting import CountedField
from livedead.errors import StoreError
from livedead.network.classes import Classes
from livedead.pictures import figures, overlay

BRIGHTFIELD = {"input": "brightfield"}
CLASSES = Classes(background=(0,), live=(1,), dead=(2,))
KEY = {"well": "A01", "field": 1, "timepoint": 1}


def counted(side=64):
    """A field with a live square of 4 x 6 px at (10, 20) and a dead one of 3 x 3 px at (40, 50)."""
    labels = np.zeros((side, side), np.int32)
    labels[10:14, 20:26], labels[40:43, 50:53] = 1, 2
    cells = pd.DataFrame({"cell": [1, 2], "state": ["live", "dead"], "x_px": [22.5, 51], "y_px": [11.5, 41]})
    return CountedField(dict(KEY), cells.assign(**KEY), labels, labels.astype(np.uint8))


def field(counts=100, normalized=0.0, of=None):
    of = of or counted()
    shape = (1, *of.labels.shape)
    raw, plane = np.full(shape, counts, np.uint16), np.full(shape, normalized, np.float32)
    return overlay.ShownField("A01 field 1", raw, plane, of)


def panels(figure):
    return dict(zip(overlay.PANELS, figure.axes, strict=False))


def outlines(axes):
    """State -> corners of its polygons."""
    found = [part for part in axes.collections if isinstance(part, PolyCollection)]
    return {part.get_gid(): [path.vertices[:-1].tolist() for path in part.get_paths()] for part in found}


def test_a_field_is_shown_raw_normalized_classified_and_counted():
    raw = field()
    raw.raw[0, 0, 0], raw.raw[0, -1, -1] = 0, 200
    found = panels(overlay.draw([raw._replace(normalized=raw.normalized + 0.5)], BRIGHTFIELD, CLASSES, 0.65))
    images = {name: axes.images[0].get_array() for name, axes in found.items()}
    np.testing.assert_allclose(images["normalized"], 0.75)
    np.testing.assert_allclose(images["counted cells"], 0.75)
    np.testing.assert_allclose(images["class map"][12, 22], to_rgba("#0072B2")[:3])
    np.testing.assert_allclose(images["class map"][41, 51], to_rgba("#D55E00")[:3])
    np.testing.assert_allclose(images["class map"][0, 0], 1)
    # 100 counts lie in the middle of 0 and 200, which a pixel each has.
    assert (images["raw"][0, 0, 0], images["raw"][-1, -1, 0]) == (0, 1)


def test_every_counted_cell_has_its_outline_and_sign():
    axes = panels(overlay.draw([field()], BRIGHTFIELD, CLASSES, 0.65))["counted cells"]
    found = outlines(axes)
    (live,), (dead,) = found["live"], found["dead"]
    # Pixel k reaches from k - 0.5 to k + 0.5.
    assert {tuple(corner) for corner in live} == {(19.5, 9.5), (25.5, 9.5), (25.5, 13.5), (19.5, 13.5)}
    assert {tuple(corner) for corner in dead} == {(49.5, 39.5), (52.5, 39.5), (52.5, 42.5), (49.5, 42.5)}
    signs = {line.get_marker(): line.get_xydata().tolist() for line in axes.lines if len(line.get_xdata())}
    assert signs == {"o": [[22.5, 11.5]], "x": [[51, 41]]}


def test_of_a_large_field_the_middle_is_shown_where_it_lies():
    """150 um are 30 px of 5 um: rows and columns 17 to 46 of 64."""
    axes = panels(overlay.draw([field()], BRIGHTFIELD, CLASSES, 5.0))
    assert axes["raw"].get_xlim() == (16.5, 46.5)
    found = outlines(axes["counted cells"])
    # The dead cell is outside; of the live one, nothing lies above row 17.
    assert found["live"] == found["dead"] == []


def test_the_scale_bar_is_in_um():
    figure = overlay.draw([field()], BRIGHTFIELD, CLASSES, 0.65)
    (bar,) = [line for line in panels(figure)["raw"].lines if line.get_gid() == "scale bar"]
    assert np.ptp(bar.get_xdata()) * 0.65 == pytest.approx(10)
    assert "10 µm" in figures.svg(figure).decode()


def test_wells_states_and_classes_are_named_in_the_svg():
    texts = re.findall(
        r"<text[^>]*>([^<]*)</text>",
        figures.svg(overlay.draw([field()], BRIGHTFIELD, CLASSES, 0.65)).decode(),
    )
    assert {"A01 field 1", *overlay.PANELS, "brightfield", "live", "dead"} <= set(texts)
    assert not {"ambiguous", "boundary"} & set(texts)


def test_a_field_without_cells_is_drawn_without_outlines():
    bare = counted()
    bare = bare._replace(cells=bare.cells[:0], labels=bare.labels * 0)
    figure = overlay.draw([field(of=bare)], BRIGHTFIELD, CLASSES, 0.65)
    assert not any(outlines(panels(figure)["counted cells"]).values())
    assert figures.png(figure).startswith(b"\x89PNG")


def test_a_plate_without_a_usable_field_is_a_picture_that_says_so():
    text = figures.svg(overlay.draw([], BRIGHTFIELD, CLASSES, 0.65)).decode()
    assert "no field of this plate can be used" in text


def test_fields_counted_again_must_have_the_cells_of_the_table():
    key = tuple(KEY.values())
    pixels = {key: (np.zeros((1, 64, 64)), np.zeros((1, 64, 64)))}
    given = counted()
    (shown,) = overlay.shown_fields({key: "A01"}, pixels, [given], given.cells, "cells.csv.gz")
    assert shown.counted is given and shown.heading == "A01"
    with pytest.raises(
        StoreError, match=r"A01 field 1 timepoint 1: 2 cells in its class map, 1 in cells\.csv\.gz"
    ):
        overlay.shown_fields({key: "A01"}, pixels, [given], given.cells[:1], "cells.csv.gz")
