"""500 damaged weight files; ``make fuzz`` tries 10,000."""

import multiprocessing
from collections import Counter
from concurrent.futures import ProcessPoolExecutor

from unit.weights import mutations


def test_no_crash_no_hang_no_silent_load():
    # In a new process: each of the forks would copy the page tables of all that tests before left in memory.
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as new:
        found = new.submit(mutations.run, 500).result()
    assert mutations.failures(found) == {}
    assert Counter(found.values())["refused"] > 400
