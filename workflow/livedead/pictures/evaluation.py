"""The label-free readout against the dye: one page with what a reviewer would ask for."""

from collections.abc import Iterable

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from livedead.network.classes import Classes
from livedead.pictures import agreement as pictures
from livedead.pictures import pages
from livedead.pictures.class_maps import outlined, shaded
from livedead.pictures.figures import COLUMN_MM, DATA_COLOUR, REFERENCE, new_figure, svg
from livedead.statistics import agreement
from livedead.statistics.detection import detection_by_well

BEFORE = """<p><i>before</i> is the network that the training started from, on the same wells. Wells that
it was trained on are left out, as far as its file tells them.</p>"""
DETECTION = """<p>A cell is detected if the centre of a counted cell lies in its box, one to one. The box is
that which was drawn, otherwise the smallest that holds the cell.</p>"""
EXPLANATION = """<p>Every dyed well was read label-free (undyed) by a network that was not trained on it;
the dye, or who drew the cells, is the truth. Cells are those drawn where there are any, otherwise the
connected components of the dye's class map. <i>found</i> is the state of most of a cell's pixels in the
network's class map, or <i>missed</i>; a cell that only the network saw has the true state <i>none</i>.
Wells are counted by the counting rules, on either class map.</p>"""
RELIABILITY = """<p>Confidence is the probability that the found state is right, by a calibration that was
fitted on the other wells of this page (each well left out in turn), so no cell is judged by what was fitted
on it. The calibration that travels with the weights is fitted on all of these wells. Softmax is what the
network says of itself, uncalibrated. Numbers are cells, bars Wilson's 95 % intervals.</p>"""


def draw(
    cells: pd.DataFrame,
    wells: pd.DataFrame,
    detected: pd.DataFrame,
    folds: pd.DataFrame,
    worst: Iterable[tuple[str, np.ndarray, np.ndarray, np.ndarray]],
    classes: Classes,
) -> bytes:
    """One self-contained HTML page.

    Parameters
    ----------
    cells, wells : DataFrame
        See `livedead.statistics.agreement`; wells with ``control`` where the plate map has it.
    detected : DataFrame
        See `livedead.statistics.detection`.
    folds : DataFrame
        From `livedead.statistics.agreement.summaries`; with a row ``before`` of what training started from.
    worst : iterable of (name, field, class map of the dye, class map of the network)
    classes : Classes
    """
    table = agreement.confusion(cells)
    parts = [
        EXPLANATION,
        "<h2>In numbers</h2>",
        pages.table(
            folds.astype(object).set_index("fold").T.rename_axis(index="fold", columns=None).reset_index()
        ),
        BEFORE if "before" in set(folds["fold"]) else "",
        "<h2>Cells</h2>",
        pages.table(table.rename_axis(index="by the dye", columns=None).reset_index()),
        pages.table(agreement.per_class(table)),
        "<h3>Can confidence be believed?</h3>",
        RELIABILITY,
        pages.figure(
            svg(_reliability(cells)),
            "Are cells as often right as their confidence says?",
            kind="svg+xml",
            width_px=480,
        ),
        "<h2>Detection</h2>",
        DETECTION,
        pages.table(detection_by_well(detected)),
        "<h2>Wells</h2>",
        pages.figure(
            svg(pictures.draw(wells, ("undyed", "dyed"))),
            "Viability, undyed against dyed, and Bland-Altman plot: bias and limits of agreement",
            kind="svg+xml",
            width_px=760,
        ),
        "<h2>Do the controls separate?</h2>",
        _controls(wells),
        f"<h2>The {agreement.N_WORST} worst fields</h2><p>Left the dye, right the network.</p>",
    ]
    for name, field, truth, found in worst:
        both = np.hstack([outlined(field, truth, classes), shaded(field, found, classes)])
        parts.append(pages.figure(pages.jpeg(both), name, kind="jpeg"))
    return pages.page("Undyed against dyed", parts)


def _controls(wells: pd.DataFrame) -> str:
    found = agreement.separations(wells)
    if not found:
        return "<p>The plate map names no wells of both kinds of control.</p>"
    note = "<p>With 95 % intervals by bootstrap over the control wells.</p>"
    return note + pages.table(pd.DataFrame(found).rename_axis("measure").reset_index())


def _reliability(cells: pd.DataFrame) -> Figure:
    bins = agreement.reliabilities(cells)
    figure = new_figure(COLUMN_MM, 78)
    axes = figure.subplots()
    axes.plot([0, 1], [0, 1], **REFERENCE)
    softmax, calibrated = bins["softmax"], bins["confidence"]
    axes.plot(softmax["confidence"], softmax["right"], "x", color="0.55", label="softmax")
    axes.vlines(calibrated["confidence"], calibrated["low"], calibrated["high"], color=DATA_COLOUR)
    axes.plot(calibrated["confidence"], calibrated["right"], "o", color=DATA_COLOUR, label="confidence")
    for row in calibrated.itertuples():
        axes.annotate(
            f"{row.n}", (row.confidence, row.right), (4, -8), textcoords="offset points", fontsize=6
        )
    axes.set(
        xlabel="confidence of the found state",
        ylabel="share of cells whose state is right",
        xlim=(-0.03, 1.12),
        ylim=(-0.05, 1.05),
    )
    figure.legend(loc="outside upper center", ncols=2)
    return figure
