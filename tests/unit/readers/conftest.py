import numpy as np
import pytest
import tifffile


@pytest.fixture
def export(tmp_path):
    raw = tmp_path / "raw with space; $(x)"
    raw.mkdir()
    rng = np.random.default_rng(0)
    for well in ("A01", "A02", "B10"):
        for field in (1, 2, 10):
            image = rng.integers(0, 999, (8, 8), dtype=np.uint16)
            tifffile.imwrite(raw / f"p_{well}_s{field}_w1.tif", image)
    return raw
