import threading
import time

import pytest

from livedead.errors import FieldError
from livedead.fields.ahead import read_ahead, work_ahead


@pytest.mark.parametrize(("n_ahead", "n_threads"), [(0, 1), (1, 1), (2, 2), (9, 4)])
def test_results_come_in_the_order_of_their_items(n_ahead, n_threads):
    def slowest_first(k):
        time.sleep(0.002 * (7 - k))
        return k**2

    assert list(work_ahead(slowest_first, range(7), n_ahead, n_threads)) == [k**2 for k in range(7)]


@pytest.mark.parametrize("n_ahead", [0, 1, 3])
def test_no_more_are_begun_than_asked_for_and_those_ahead(n_ahead):
    begun = []
    results = work_ahead(begun.append, range(10), n_ahead, n_threads=4)
    for asked in range(1, 6):
        next(results)
        assert len(begun) <= asked + n_ahead
    results.close()


def test_work_goes_on_while_a_result_is_used():
    second = threading.Event()
    results = work_ahead(lambda k: second.set() if k == 1 else None, range(2), n_ahead=1)
    next(results)
    assert second.wait(timeout=10)


def test_a_field_that_cannot_be_read_is_its_error_and_the_others_are_read():
    def read(key):
        if key[1] == 2:
            raise FieldError("truncated", "half of it")
        return f"{key[0]} {key[1]}"

    (one, first), (two, second), (_, third) = read_ahead(read, [("A01", k, 1) for k in (1, 2, 3)])
    assert (one, first) == (("A01", 1, 1), "A01 1")
    assert two == ("A01", 2, 1)
    assert isinstance(second, FieldError)
    assert second.code == "truncated"
    assert third == "A01 3"


def test_any_other_error_ends_the_reading():
    def read(key):
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        list(read_ahead(read, [("A01", 1, 1)]))
