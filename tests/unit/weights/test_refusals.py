"""Problems that are noted anywhere are raised where the file was opened, all at once."""

import pytest

from livedead.errors import WeightsError
from livedead.weights.refusals import RefusedError, refuse, refusing


def test_all_problems_are_raised_together_with_the_last():
    with pytest.raises(WeightsError, match=r"a\.h5: 3 problem") as caught, refusing("a.h5") as noted:
        refuse("first", "second")
        assert noted == ["first", "second"]
        raise RefusedError("last")
    assert caught.value.problems == ["first", "second", "last"]


def test_a_part_tells_its_problems_to_the_whole():
    with pytest.raises(WeightsError) as caught, refusing("a.h5"):
        refuse("of the file")
        with refusing():
            refuse("of the part")
        refuse("never reached")
    assert caught.value.problems == ["of the file", "of the part"]


def test_problems_of_a_part_may_be_forgiven():
    with refusing("a.h5") as noted:
        with pytest.raises(RefusedError), refusing():
            refuse("of the part")
        assert noted == []


def test_another_error_passes():
    with pytest.raises(KeyError), refusing("a.h5"):
        refuse("lost beside a mistake of the program")
        raise KeyError("mistake")


def test_nothing_is_noted_where_nobody_would_raise_it():
    refuse()
    with pytest.raises(RefusedError, match="alone"):
        refuse("alone")
