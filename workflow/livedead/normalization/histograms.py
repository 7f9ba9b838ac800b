"""Histograms of corrected counts: exact percentiles in flat memory, whatever the order of the fields."""

import numpy as np

N_BINS = 65_536

_BLOCK_PX = 2**18
_FRACTION_BITS = np.uint32(2**23 - 1)


def histogram(field: np.ndarray, gain: np.ndarray, offset: np.ndarray | None = None) -> np.ndarray:
    """How often each corrected count occurs in a field, (65536,) int64."""
    total, gain = np.zeros(N_BINS, np.int64), np.broadcast_to(gain, field.shape)
    # In blocks that stay in the processor's cache, but no smaller: between two operations a thread
    # waits while another one counts, which Python does not do in parallel. And by operations that
    # need no casting buffer.
    n_rows = max(1, _BLOCK_PX // max(1, field.shape[1]))
    corrected = np.empty((n_rows, field.shape[1]), np.float32)
    bins = np.empty(corrected.shape, np.int64)
    for top in range(0, len(field), n_rows):
        rows = slice(top, top + n_rows)
        block, numbers = corrected[: len(field[rows])], bins[: len(field[rows])]
        block[...] = field[rows]
        np.multiply(block, gain[rows], out=block)
        if offset is not None:
            np.add(block, offset[rows], out=block)
            np.maximum(block, 0, out=block)
        # Adding 2^23 rounds a float32 to a whole number, half to even, and leaves it in the low bits,
        # if it is smaller; the gain is at most 100, as the profile's floor is 0.01 or more.
        np.add(block, np.float32(2**23), out=block)
        bits = block.view(np.uint32)
        np.bitwise_and(bits, _FRACTION_BITS, out=bits)
        numbers[...] = bits
        counts = np.bincount(numbers.ravel())
        total[: len(counts)] += counts[:N_BINS]
        total[-1] += counts[N_BINS:].sum()
    return total


def percentiles(counts: np.ndarray, *percents: float) -> list[int]:
    """Exact percentiles from a histogram: the smallest values with at least that share at or below.

    NumPy calls this definition ``inverted_cdf``.
    """
    below = np.cumsum(counts)
    total = int(below[-1])
    if total == 0:
        raise ValueError("percentile of an empty histogram")
    ranks = [max(1, int(np.ceil(np.float64(percent) / 100 * total))) for percent in percents]
    return [int(k) for k in np.searchsorted(below, ranks)]
