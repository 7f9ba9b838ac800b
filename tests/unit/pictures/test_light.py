import numpy as np

from livedead.pictures.light import composed


def test_dyes_are_drawn_in_light_of_their_own():
    """Four nuclei on a dark background: one of no dye, of the first, of a quarter of the second, of both."""
    planes = np.full((2, 8, 8), -0.6, np.float32)
    planes[:, 0, :4] = [[-0.6, 1, -0.6, 1], [-0.6, -0.6, -0.2, 1]]
    black, white, dim_magenta = [0, 0, 0], [1, 1, 1], [0.5, 0, 0.5]
    both = composed(planes, ["total", "dead"])
    np.testing.assert_allclose(both[0, :4], [black, white, dim_magenta, white], atol=1e-3)
    # One dye alone is grey, whichever it is; the input of a network is drawn as it is.
    for what, grey in (("dead", 0.5), ("input", 0.4)):
        alone = composed(planes[1:], [what])
        np.testing.assert_allclose(alone[0, 2], [grey] * 3, atol=1e-3)
