"""Hashes of files, settings and code."""

import hashlib

from livedead import provenance


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
