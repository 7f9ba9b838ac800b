import hashlib
import logging

import pytest

from livedead import logs, provenance
from livedead.errors import SheetError


def test_hashes(tmp_path):
    (tmp_path / "a").write_bytes(b"abc")
    assert provenance.file_sha256(tmp_path / "a") == hashlib.sha256(b"abc").hexdigest()
    assert provenance.value_sha256({"a": 1, "b": [2.5]}) == provenance.value_sha256({"b": [2.5], "a": 1})
    assert provenance.value_sha256({"a": 1}) != provenance.value_sha256({"a": 2})


def test_code_hash_follows_imports_and_nothing_else(tmp_path, monkeypatch):
    package = tmp_path / "livedead"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "cells.py").write_text("from livedead.errors import X\n")
    (package / "errors.py").write_text("X = 1\n")
    (package / "wells.py").write_text("Y = 1\n")
    script = tmp_path / "count.py"
    script.write_text("from livedead import cells\n")
    monkeypatch.setattr(provenance, "PACKAGE", package)
    first = provenance.code_sha256(script)
    (package / "wells.py").write_text("Y = 2\n")
    assert provenance.code_sha256(script) == first
    (package / "errors.py").write_text("X = 2\n")
    assert provenance.code_sha256(script) != first


def test_a_failed_job_says_why_in_its_log(tmp_path):
    path = tmp_path / "deep" / "job.log"
    with pytest.raises(ValueError, match="because"), logs.log_to(path):
        logging.getLogger("livedead").info("working")
        raise ValueError("because")
    text = path.read_text()
    assert "working" in text
    assert text.rstrip().endswith("ValueError: because")


def test_a_mistake_of_the_user_is_said_without_a_traceback(tmp_path):
    with pytest.raises(SystemExit, match="livedead: column 'well'"), logs.log_to(tmp_path / "job.log"):
        raise SheetError("column 'well': no such well")
    text = (tmp_path / "job.log").read_text()
    assert text.rstrip().endswith("failed: column 'well': no such well")
    assert "Traceback" not in text


def test_progress_passes_everything_on_and_reports(tmp_path, monkeypatch):
    monkeypatch.setattr(logs, "PROGRESS_SECONDS", 0.0)
    with logs.log_to(tmp_path / "job.log"):
        assert list(logs.progress(range(3), 3, "fields")) == [0, 1, 2]
    text = (tmp_path / "job.log").read_text()
    assert "2 of 3 fields" in text
    assert "3 fields in" in text
