import io

import numpy as np
import pandas as pd
from matplotlib.colors import to_rgb
from matplotlib.image import imread

from livedead.pictures import heat_map


def test_a_plate_without_a_result_is_grey_and_crossed():
    wells = pd.DataFrame(
        {"well": [f"A{k:02d}" for k in range(1, 13)], "viability": np.nan, "n_total": np.nan}
    )
    picture = imread(io.BytesIO(heat_map.draw(wells.assign(plate="p", timepoint=1, area_mm2=0.5), 96)))
    empty = np.isclose(picture[..., :3], np.array(to_rgb(heat_map.NO_RESULT)), atol=0.01).all(axis=-1)
    assert empty.mean() > 0.2
