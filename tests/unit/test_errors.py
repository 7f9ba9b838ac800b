"""The family of errors, and the hint that many of them give."""

import pytest

from livedead.errors import FieldError, WeightsError, nearest


@pytest.mark.parametrize(
    ("name", "hint"),
    [("brightfeld", " (did you mean 'brightfield'?)"), ("B03", ""), ("", "")],
)
def test_the_nearest_known_name_is_a_hint(name, hint):
    assert nearest(name, ["brightfield", "hoechst", "draq7"]) == hint


def test_a_field_fails_with_a_known_code_and_no_other():
    error = FieldError("blank", "a.tif: all pixels are 0")
    assert (error.code, str(error)) == ("blank", "a.tif: all pixels are 0")
    with pytest.raises(ValueError, match="unknown field error code 'blnk'"):
        FieldError("blnk", "a.tif")


def test_all_problems_of_a_weight_file_are_listed():
    error = WeightsError("unet.h5", ["no kernel", "two biases"])
    assert str(error) == "unet.h5: 2 problem(s):\n  - no kernel\n  - two biases"
    assert error.problems == ["no kernel", "two biases"]
