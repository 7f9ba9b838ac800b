"""The picture of an audit: what is drawn, and where."""

import numpy as np

from livedead.pictures import audit as pictures
from livedead.tables import AUDIT, CORRECTED, WELLS


def tables(corrected=0.6, timepoints=(1,)):
    audit = [
        {
            "plate": "p",
            "timepoint": t,
            "level": level,
            "well": well,
            "n_wells": 1,
            "viability": v,
            "viability_dyed": d,
        }
        for t in timepoints
        for level, well, v, d in (
            ("plate", "", 0.4, 0.6),
            ("well", "A01", 0.3, 0.5),
            ("well", "A02", 0.5, 0.7),
        )
    ]
    values = dict.fromkeys(CORRECTED, corrected)
    whole = {"row": "A", "column": 1, "n_fields_expected": 1, "n_fields_used": 1}
    wells = [
        {"plate": "p", "well": well, "timepoint": t, "viability": v, **(values if v == v else {}), **whole}
        for t in timepoints
        for well, v in (("A01", 0.35), ("A02", 0.55), ("B01", 0.2), ("B02", np.nan))
    ]
    return AUDIT.rows(audit), WELLS.rows(wells)


def drawn(*given):
    return pictures.draw(*given).axes


def points(axes, label):
    (line,) = [line for line in axes.lines if line.get_label() == label]
    return line.get_xydata().tolist()


def test_audited_wells_are_drawn_against_the_dyes():
    left, middle, right = drawn(*tables())
    assert points(left, "as read") == [[0.5, 0.3], [0.7, 0.5]]
    (bars,) = left.containers
    assert bars[0].get_xydata().tolist() == [[0.5, 0.6], [0.7, 0.6]]
    # Differences of the readings, -0.2 both, over their means.
    (difference,) = [line for line in middle.lines if line.get_marker() == "o"]
    np.testing.assert_allclose(difference.get_xydata(), [[0.4, -0.2], [0.6, -0.2]])
    assert [text.get_text() for text in middle.texts if text.get_text().startswith("A")] == ["A01", "A02"]
    assert right.get_title() == "3 of 3 wells are corrected"


def test_all_wells_are_in_the_order_of_what_was_read():
    *_, right = drawn(*tables())
    (raw,) = [line for line in right.lines if line.get_marker() == "."]
    assert raw.get_ydata().tolist() == [0.2, 0.35, 0.55]


def test_each_audited_timepoint_has_its_row_and_a_refusal_shows_no_correction():
    assert len(drawn(*tables(timepoints=(1, 5)))) == 6
    assert drawn(*tables(corrected=np.nan))[2].get_title() == "0 of 3 wells are corrected"


def test_an_audit_without_a_cell_is_drawn_all_the_same():
    _, wells = tables(corrected=np.nan)
    assert len(drawn(AUDIT.rows([]), wells)) == 3
