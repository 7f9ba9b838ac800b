import os
import threading

import pytest

from livedead.errors import FieldError
from livedead.images.guard import in_time


def test_a_file_that_never_ends_is_given_up(tmp_path, code):
    os.mkfifo(tmp_path / "a.tif")
    release = threading.Timer(1.0, lambda: (tmp_path / "a.tif").open("wb").close())
    release.start()
    assert code(tmp_path / "a.tif", max_seconds=0.1) == "timed_out"
    release.join()


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (FileNotFoundError(2, "No such file"), "missing_file"),
        (MemoryError(), "too_large"),
        (ValueError("what a decoder throws"), "unreadable"),
        (TimeoutError("what a network share throws"), "unreadable"),
        (FieldError("blank", "what the gate says"), "blank"),
    ],
)
def test_errors_of_a_read_are_those_of_a_field(error, code):
    def read():
        raise error

    with pytest.raises(FieldError) as found:
        in_time(read, "a.tif")
    assert found.value.code == code


def test_a_read_gives_its_result_and_lets_an_interruption_pass():
    def interrupted():
        raise KeyboardInterrupt

    assert in_time(lambda: 7, "a.tif") == 7
    with pytest.raises(KeyboardInterrupt):
        in_time(interrupted, "a.tif")
