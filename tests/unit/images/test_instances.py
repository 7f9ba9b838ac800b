import numpy as np
import pytest
import tifffile

from livedead.errors import FieldError
from livedead.images.instances import read_instances


def test_instance_masks(tmp_path, plane):
    tifffile.imwrite(tmp_path / "mask.tif", plane)
    np.testing.assert_array_equal(read_instances(tmp_path / "mask.tif"), plane)
    with pytest.raises(FieldError, match=r"none\.png"):
        read_instances(tmp_path / "none.png")
