"""What the tests of the gate share."""

import numpy as np
import pytest

from livedead.errors import FieldError
from livedead.images.gate import read_plane


@pytest.fixture
def plane():
    return np.random.default_rng(0).integers(0, 4096, (70, 90), dtype=np.uint16)


@pytest.fixture
def code():
    """The code with which the gate refuses a file; its message names the file."""

    def refused(path, **options):
        with pytest.raises(FieldError) as error:
            read_plane(path, **options)
        assert str(path) in str(error.value)
        return error.value.code

    return refused
