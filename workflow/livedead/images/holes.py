"""Blocks of pixels that a file lost, told from black and white parts of the picture.

What file systems, networks and broken copies lose are blocks of 512 bytes and more, which read as
zeros or as bytes of 0xFF. In the order of the file such a block is one run of equal extreme values.
Pictures have such runs, too: clipped background, vignetted corners, saturated cells, margins. But
there the rows above and below have them at the same columns, and a hole's neighbours do not.
"""

import numpy as np

BLOCK_BYTES = 512
"""The smallest block that a disk loses."""

FALSE_ALARMS = 1e-6
"""Images refused by chance, of one."""


def in_file_order(plane: np.ndarray, tile: tuple[int, int] | None) -> np.ndarray:
    """The plane with its tiles under each other, as they follow in the file, or as it is without tiles.

    Tiles that reach over the edge are filled up with the pixels at the edge, so that no run ends there.
    """
    if tile is None or tile[1] >= plane.shape[1]:
        return plane
    height, width = tile
    filled = np.pad(plane, [(0, -plane.shape[0] % height), (0, -plane.shape[1] % width)], mode="edge")
    rows, columns = filled.shape[0] // height, filled.shape[1] // width
    return filled.reshape(rows, height, columns, width).swapaxes(1, 2).reshape(-1, width)


def find_hole(plane: np.ndarray, value: int, shortest: int) -> tuple[int, int] | None:
    """The longest run of pixels of one value that chance does not make in this image.

    The rows just above and just below a run of n pixels tell how long such runs are here: L is 1
    pixel, plus the mean, over all pixels of these two borders, of the length of the run of `value`
    that each lies in (0 where it has another value; runs are cut at the border's ends). Pixels that
    are `value` with probability p each make a run of n at one place with p^n = exp(-n ln(1/p)), and
    there L is (1 + p^2) / (1 - p), more than 1 / ln(1/p): exp(-n / L) is more than chance allows. In a
    corner or a blob, whose borders hold runs like this one, L is near n. A run is a hole where, in N
    pixels, ``N exp(-n / L) < FALSE_ALARMS``. Black parts of a picture are many rows high, and their
    border shows the runs of one: no more than a row is counted of n, except where L is under an eighth of it.

    A run that is in part a hole and in part a corner of the picture is judged by its stretches, see
    `_find_stretch`.

    Parameters
    ----------
    plane : ndarray, (H, W), uint16
        Pixels in the order of the file, see `in_file_order`.
    value : int
        0, or the largest value of the file's pixels.
    shortest : int
        Runs of fewer pixels are none of a lost block.

    Returns
    -------
    (first, last) or None
        Positions of its first pixel and of the one after its last, in the flattened plane.
    """
    flat = plane.reshape(-1)
    if not _may_hold_run(flat, value, shortest):
        return None
    extreme = flat == value
    changes = np.flatnonzero(np.diff(extreme, prepend=False, append=False))
    starts, ends = changes[::2], changes[1::2]
    long = ends - starts >= shortest
    first, last = starts[long], ends[long]
    width = plane.shape[1]
    row = np.minimum(last - first, width)
    borders = ((first - width, first - width + row), (last + width - row, last + width))
    seen = sum(np.clip(end, 0, flat.size) - np.clip(start, 0, flat.size) for start, end in borders)
    squares = sum(_squared_lengths(starts, ends, start, end) for start, end in borders)
    usual = 1 + squares / np.maximum(seen, 1)
    n = np.where(8 * usual < width, last - first, row)
    lost = flat.size * np.exp(-n / usual) < FALSE_ALARMS
    if not lost.any():
        found = (_find_stretch(extreme, *run, width, shortest) for run in zip(first, last, strict=True))
        return next((stretch for stretch in found if stretch is not None), None)
    longest = np.argmax(np.where(lost, last - first, 0))
    return int(first[longest]), int(last[longest])


def _find_stretch(
    extreme: np.ndarray, first: int, last: int, width: int, shortest: int
) -> tuple[int, int] | None:
    """The part of a run over and under which nothing is a corner or a blob, if chance does not make it.

    Black parts of a picture go on above or below, hole or not: of the run they take what has a long run
    over or under it. What is left is judged as `find_hole` judges runs, by the two borders laid over
    each other.

    Parameters
    ----------
    extreme : ndarray, (H * W,), bool
    first, last, width, shortest : int
        As in `find_hole`.
    """
    n = min(last - first, width)
    if first < width or last + width > extreme.size:
        return None
    above = extreme[first - width : first - width + n]
    # Fewer other pixels than that leave runs that are too long; most images end here.
    if n - np.count_nonzero(above) < np.log(extreme.size / FALSE_ALARMS) / 2:
        return None
    # Turned so that both borders begin in the same column.
    below = np.roll(extreme[last + width - n : last + width], (last - first) % n)
    changes = np.flatnonzero(np.diff(above | below, prepend=False, append=False))
    starts, ends = changes[::2], changes[1::2]
    lengths = ends - starts
    of_picture = lengths >= max(8, shortest // 8)
    bounds = np.concatenate([[0], np.stack([starts, ends], axis=1)[of_picture].ravel(), [n]])
    for begin, end in bounds.reshape(-1, 2):
        if end - begin < shortest:
            continue
        inside = (starts >= begin) & (ends <= end)
        usual = 1 + (lengths[inside] ** 2).sum() / (end - begin)
        if extreme.size * np.exp((begin - end) / usual) < FALSE_ALARMS:
            return int(first + begin), int(last - n + end)
    return None


def _may_hold_run(flat: np.ndarray, value: int, shortest: int) -> bool:
    """Whether a run of `shortest` pixels is not ruled out by whole blocks of half of that."""
    probe = max(1, (shortest + 1) // 2)
    blocks = flat[: flat.size // probe * probe].reshape(-1, probe)
    blocks = blocks[blocks[:, 0] == value]
    return bool((blocks == value).all(axis=1).any())


def _squared_lengths(starts: np.ndarray, ends: np.ndarray, first: np.ndarray, last: np.ndarray) -> np.ndarray:
    """Sum of the squared lengths of all runs within each window, cut where the window ends.

    Parameters
    ----------
    starts, ends : ndarray, (R,)
        The runs, in order.
    first, last : ndarray, (K,)
        The windows.
    """
    lengths = ends - starts
    sums = np.concatenate([[0], np.cumsum(lengths**2)])
    low = np.searchsorted(ends, first, "right")
    high = np.maximum(np.searchsorted(starts, last, "left"), low)
    inside = sums[high] - sums[low]
    for run in (low, high - 1):
        whole = np.clip(run, 0, len(starts) - 1)
        cut = np.minimum(ends[whole], last) - np.maximum(starts[whole], first)
        # A single run is both the first and the last one: it is cut once.
        counts = (high > low) if run is low else (high - 1 > low)
        inside = inside + np.where(counts, cut**2 - lengths[whole] ** 2, 0)
    return inside
