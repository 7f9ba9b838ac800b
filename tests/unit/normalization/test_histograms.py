import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from livedead.normalization.histograms import N_BINS, histogram, percentiles


@settings(deadline=None)  # how busy the machine is, is no matter of this test
@given(
    arrays(np.uint16, st.integers(1, 300), elements=st.integers(0, 65535)),
    st.floats(0, 100, allow_nan=False),
)
def test_percentile_is_numpys_inverted_cdf(values, percent):
    counts = np.bincount(values, minlength=N_BINS)
    assert percentiles(counts, percent)[0] == np.percentile(values, percent, method="inverted_cdf")


@settings(deadline=None)  # how busy the machine is, is no matter of this test
@given(arrays(np.uint16, (5, 7), elements=st.integers(0, 65535)), st.floats(0.125, 100, width=32))
def test_histograms_round_as_numpy_does(field, gain):
    gains = np.full(field.shape, gain, np.float32)
    expected = np.minimum(np.rint(field * gains), 65535).astype(int)
    np.testing.assert_array_equal(histogram(field, gains), np.bincount(expected.ravel(), minlength=65536))
