"""500 damaged weight files; ``make fuzz`` tries 10,000."""

from collections import Counter

from unit.weights import mutations


def test_no_crash_no_hang_no_silent_load():
    found = mutations.run(500)
    assert mutations.failures(found) == {}
    assert Counter(found.values())["refused"] > 400
