import numpy as np
import pytest

from livedead import stores
from livedead.errors import ConfigError
from livedead.training.labelled_fields import LabelledFields, LabelledPlate


def labelled_fields(tmp_path, wells, exclude=()):
    """Two fields a well; their class maps alone, which is all that these tests look at."""
    rows = [{"plate": "p", "well": well, "field": k, "timepoint": 1} for well in wells for k in (1, 2)]
    class_map = np.zeros((4, 4), np.uint8)
    stores.write_segmentations(tmp_path / "labels.h5", ((row, {"maps": class_map}) for row in rows))
    return LabelledFields([LabelledPlate(None, tmp_path / "labels.h5")], exclude)


def test_rejected_wells_and_fields_are_not_read(tmp_path):
    wells = ["A01", "A02", "A03"]
    fields = labelled_fields(tmp_path, wells, ["p/A01", "p/A03/2"])
    assert fields.wells == ["p/A02", "p/A02", "p/A03"]
    assert [place.key for place in fields.places] == [("A02", 1, 1), ("A02", 2, 1), ("A03", 1, 1)]
    assert labelled_fields(tmp_path, wells).wells == [f"p/{well}" for well in wells for _ in range(2)]


@pytest.mark.parametrize("wrong", ["p/A04", "A01", "p/A01/3", "p/A1"])
def test_a_rejected_well_that_is_not_there_is_an_error(tmp_path, wrong):
    with pytest.raises(ConfigError, match=wrong):
        labelled_fields(tmp_path, ["A01", "A02"], ["p/A02", wrong])
