import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from livedead.plates import written_numbers


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_every_float_is_read_as_it_is_written(number):
    assert written_numbers.parse_number(repr(number)) == number


@pytest.mark.parametrize(
    "text",
    ["", "6_5", "１", "٣", "0x10", "inf", "nan", "1e999", "1e-999", "1,5", "1 000", "1'000", "1.2.3", "e5"],
)
def test_no_numbers(text):
    assert math.isnan(written_numbers.parse_number(text))
    assert written_numbers.parse_count(text) is None
