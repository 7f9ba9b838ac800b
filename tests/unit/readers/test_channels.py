import pandas as pd
import pytest

from livedead.errors import ExportError
from livedead.readers.channels import named_channels

PLANES = pd.DataFrame(
    {
        "path": ["1.tif", "2.tif", "3.tif", "4.tif"],
        "well": ["A01", "A01", "B02", "B02"],
        "field": [1, 1, 1, 2],
        "timepoint": 1,
        "channel": ["w1", "w2", "w3", "w1"],
    }
)
NAMES = {"w1": "Brightfield", "w2": "PI", "w3": "PI"}


def test_channels_by_their_number_or_their_name():
    planes, passed_over = named_channels(PLANES, {"bf": "Brightfield", "dead": "w2"}, NAMES)
    assert list(zip(planes["path"], planes["channel"], strict=True)) == [
        ("1.tif", "bf"),
        ("2.tif", "dead"),
        ("4.tif", "bf"),
    ]
    assert passed_over == {"3.tif": "channel w3 is not configured"}


def test_an_absent_channel_is_told_beside_those_that_are_there(caplog):
    planes, _ = named_channels(PLANES, {"bf": "w1", "dead": "w9"}, NAMES)
    assert set(planes["channel"]) == {"bf"}
    assert "no image of channel dead (w9); the export has w1 (Brightfield), w2 (PI), w3 (PI)" in caplog.text


def test_a_field_without_a_configured_channel_is_told(caplog):
    # As where all images are in one container, and one of them calls its channel otherwise.
    planes, _ = named_channels(PLANES.assign(path="p.zarr"), {"bf": "w1"}, NAMES)
    assert len(planes) == 2
    assert "1 field(s) have none of the configured channels" in caplog.text
    assert "field 1 of well B02 at timepoint 1, which has channel w3" in caplog.text


@pytest.mark.parametrize(
    ("channels", "message"),
    [
        ({"dead": "PI"}, "channel 'PI' matches several of the export: w2, w3; write one of these under"),
        ({"bf": "w1", "light": "Brightfield"}, "light and bf are both channel w1 of the export"),
        (
            {"bf": "w8", "dead": "w9"},
            r"none of the configured channels w8, w9 is .* has w1 \(Bright",
        ),
    ],
)
def test_channels_that_are_not_one_of_the_export(channels, message):
    with pytest.raises(ExportError, match=message):
        named_channels(PLANES, channels, NAMES)
