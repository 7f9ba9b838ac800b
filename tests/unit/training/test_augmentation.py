import numpy as np

from livedead.network.classes import Classes
from livedead.training import augmentation

NUMBERS = Classes(background=(0,), live=(1,), dead=(2,), boundary=(3,))


def test_input_and_target_turn_together():
    """The input is the target's picture, so after any turn and flip they still match."""
    rng = np.random.default_rng(0)
    target = rng.integers(0, 2, (64, 64), dtype=np.uint8)
    inputs = (target * 1.6 - 0.8).astype(np.float32)[None]
    for _ in range(30):
        x, y = augmentation.augment(inputs, target, rng)
        assert x.shape == (1, 64, 64)
        assert x.dtype == np.float32
        inside = np.corrcoef(x.ravel(), y.ravel())[0, 1]
        assert inside > 0.6


def test_undisturbed_tiles_keep_their_grey_values():
    rng = np.random.default_rng(0)
    inputs = rng.uniform(-1, 1, (1, 32, 32)).astype(np.float32)
    for _ in range(10):
        x, _ = augmentation.augment(inputs, np.zeros((32, 32), np.uint8), rng, disturbance=0)
        np.testing.assert_array_equal(np.sort(x.ravel()), np.sort(inputs.ravel()))


def test_pasted_cells_bring_their_pixels_and_their_classes():
    """Below: one live bar, grey 0.2. Above: dead squares, grey -0.8. Grounds are 0.9 and 0.7."""
    target, above = np.zeros((64, 64), np.uint8), np.zeros((64, 64), np.uint8)
    target[30:34] = 1
    for left in (4, 24, 44):
        above[26:38, left : left + 12] = 2
    inputs = np.where(target == 1, 0.2, 0.9).astype(np.float32)[None]
    other = np.where(above == 2, -0.8, 0.7).astype(np.float32)[None]
    rng = np.random.default_rng(1)
    numbers_pasted = set()
    for _ in range(20):
        pasted, classes = augmentation.paste(inputs, target, other, above, NUMBERS, rng)
        n = round((classes == 2).sum() / 144)
        numbers_pasted.add(n)
        assert (classes == 2).sum() == 144 * n
        np.testing.assert_allclose(pasted[0, 28:36][classes[28:36] == 2], -0.8, atol=0.02)
        # Far from what was pasted nothing changed; the bar ends in a line of boundary, 2 x 4 px.
        assert (pasted[0, :20] == np.float32(0.9)).all()
        assert (classes == 3).sum() == 8 * n
        assert (classes == 1).sum() == 4 * 64 - n * (4 * 12 + 8)
    assert numbers_pasted == {0, 1, 2, 3}
    assert (target == 1).sum() == 256
