import numpy as np
import pandas as pd
import pytest

from livedead import stores
from livedead.fields.stored_transforms import read_transforms, store_transform
from livedead.normalization.transforms import Transform

GAIN = np.linspace(0.5, 1.5, 30, dtype=np.float32).reshape(5, 6)


@pytest.mark.parametrize(
    "transform",
    [
        Transform(GAIN, 100.0, 5000.5),
        Transform(GAIN, 100.0, 5000.5, offset=-GAIN, illumination_degree=4, floor=0.3),
        Transform(GAIN, 1.0, 2.0, local={("AA01", 2, 70): (3.25, 4.5), ("B12", 1, 1): (5.0, 6.0)}),
    ],
)
def test_a_transform_comes_back_from_its_file(tmp_path, transform):
    path = tmp_path / "normalization.h5"
    stores.write_normalization(path, {"bf": store_transform(transform)}, pd.DataFrame({"well": ["A01"]}))
    found = read_transforms(stores.read_normalization(path)[0], ["bf"])["bf"]
    np.testing.assert_array_equal(found.gain, transform.gain)
    assert (found.offset is None) == (transform.offset is None)
    if transform.offset is not None:
        np.testing.assert_array_equal(found.offset, transform.offset)
    for name in ("black", "white", "local", "illumination_degree", "floor"):
        assert getattr(found, name) == getattr(transform, name)


def test_channels_come_in_the_order_that_was_asked_for():
    stored = {name: store_transform(Transform(GAIN, 0.0, float(k))) for k, name in enumerate("abc", start=1)}
    found = read_transforms(stored, ["c", "a"])
    assert [(name, transform.white) for name, transform in found.items()] == [("c", 3.0), ("a", 1.0)]
