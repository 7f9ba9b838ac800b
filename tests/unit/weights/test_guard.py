"""Trials in another process: one that hangs or crashes ends there."""

import os
import signal
import time

import pytest

from livedead.weights import guard
from livedead.weights.refusals import RefusedError


@pytest.fixture
def path(tmp_path):
    (tmp_path / "a.h5").write_bytes(b"")
    return tmp_path / "a.h5"


def test_a_crash_is_told_by_its_signal(path):
    with pytest.raises(RefusedError, match=f"crashes with signal {int(signal.SIGKILL)}"):
        guard.try_first(lambda: os.kill(os.getpid(), signal.SIGKILL), path)


def test_a_hang_ends(path, monkeypatch):
    monkeypatch.setattr(guard, "SECONDS", 0.2)
    started = time.monotonic()
    with pytest.raises(RefusedError, match="does not end"):
        guard.try_first(lambda: time.sleep(60), path)
    assert time.monotonic() - started < 30


@pytest.mark.parametrize("read", [lambda: None, lambda: 1 / 0])
def test_what_it_reads_or_raises_stays_there(path, read, capfd):
    assert guard.try_first(read, path) is None
    assert capfd.readouterr().out == ""
