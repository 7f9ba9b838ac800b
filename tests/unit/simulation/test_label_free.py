import numpy as np

from livedead.simulation import label_free


def test_dyes_mark_what_they_mark():
    images, cells = label_free.simulate_field(np.random.default_rng(0), 0.5, side_px=400)
    y, x = cells["y_px"].astype(int).clip(0, 399), cells["x_px"].astype(int).clip(0, 399)
    dead = (cells["state"] == "dead").to_numpy()
    hoechst, draq7 = images["hoechst"][y, x], images["draq7"][y, x]
    assert hoechst.min() > 800
    assert draq7[dead].min() > 5 * draq7[~dead].max() / 2
