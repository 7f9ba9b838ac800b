import re

import pytest

from livedead.readers import pattern_grammar as grammar


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{well}_f{field}", ""),
        ("{row}{column}", ""),
        (r"(?P<well>[A-H]\d+)", ""),
        ("(", "is neither a template such as .* nor a regular expression"),
        ("{well}_f{field", "is neither .* a brace that is not closed"),
        ("{well}_{chanel}", r"has chanel \(did you mean 'channel'\?\); allowed: well, row"),
        ("{row}_f{field}", "has no well; it needs 'well', or 'row' and 'column'"),
        ("plain", "has no well"),
        ("{well}_{date}_{clock}", ""),
        ("{well}_{date}", "has date; a time needs 'timepoint' alone, or 'date' and 'clock'"),
        ("{well}_{clock}_{timepoint}", "has clock and timepoint; a time needs"),
        ("{well}_{date}_{clock}_{timepoint}", "has clock and date and timepoint; a time needs"),
        (r"(?P<well>a{99999999999})", "is neither"),
    ],
)
def test_why_a_text_is_no_pattern(text, message):
    assert re.match(message, grammar.why_no_pattern(text))
    assert bool(message) == bool(grammar.why_no_pattern(text))


def test_a_star_is_anything_within_a_name():
    expression = grammar.expression("{well}/*_{channel}.", grammar.is_template("{well}/*_{channel}."))
    assert expression.search("A01/x_y_BF.tif")["channel"] == "BF"
    assert expression.search("A01/x/y_BF.tif") is None
