"""Flags of dyes, in words."""

import pandas as pd

from livedead.dyes.notes import MEANINGS, dye_notes
from livedead.dyes.plate_dyes import FLAGS


def test_every_flag_has_words_and_is_told_of_its_dye():
    assert set(MEANINGS) == set(FLAGS)
    flags = ["not_separated;bleed_through", ""]
    table = pd.DataFrame({"dye": ["dead", "total"], "channel": ["pi", "dapi"], "flags": flags})
    first, second = dye_notes(table, pd.DataFrame())
    assert first.startswith("DYE pi (dead): its signals are not of two kinds")
    assert "dyes.threshold.dead" in first
    assert second.startswith("DYE pi (dead): light of another dye")


def test_cells_that_both_dyes_stain_are_told_with_what_they_count_as():
    dyes = pd.DataFrame(
        {"dye": ["live", "dead"], "channel": ["calcein", "pi"], "flags": "", "stained_share": [0.5, 0.1]}
    )
    # By hand: the second, the third and the fourth are stained by both.
    cells = pd.DataFrame(
        {
            "stained_calcein": [0.9, 0.9, 0.6, 0.7, 0.2, 0.5],
            "stained_pi": [0.0, 0.3, 0.2, 0.11, 0.8, 0.2],
            "state": ["live", "dead", "dead", "live", "dead", "live"],
        }
    )
    assert list(dye_notes(dyes, cells)) == [
        "3 of 6 cells (50.0%) are stained live and dead: 2 as dead, 1 as live"
    ]
    assert list(dye_notes(dyes, cells[:1])) == list(dye_notes(dyes[:1], cells)) == []
