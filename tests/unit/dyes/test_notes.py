"""Flags of dyes, in words."""

import pandas as pd

from livedead.dyes.notes import MEANINGS, dye_notes
from livedead.dyes.plate_dyes import FLAGS


def test_every_flag_has_words_and_is_told_of_its_dye():
    assert set(MEANINGS) == set(FLAGS)
    flags = ["not_separated;bleed_through", ""]
    table = pd.DataFrame({"dye": ["dead", "total"], "channel": ["pi", "dapi"], "flags": flags})
    first, second = dye_notes(table)
    assert first.startswith("DYE pi (dead): its signals are not of two kinds")
    assert "dyes.threshold.dead" in first
    assert second.startswith("DYE pi (dead): light of another dye")
