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


def test_code_hash_follows_the_templates_of_a_package_that_is_imported(tmp_path, monkeypatch):
    package = tmp_path / "livedead"
    (package / "templates").mkdir(parents=True)
    (package / "templates/__init__.py").write_text("")
    (package / "templates/page.html.j2").write_text("first")
    monkeypatch.setattr(provenance, "PACKAGE", package)
    using, other = tmp_path / "using.py", tmp_path / "other.py"
    using.write_text("from livedead import templates\n")
    other.write_text("import json\n")
    before = [provenance.code_sha256(script) for script in (using, other)]
    (package / "templates/page.html.j2").write_text("second")
    after = [provenance.code_sha256(script) for script in (using, other)]
    assert [one == two for one, two in zip(before, after, strict=True)] == [False, True]
