import hashlib
import zlib

import numpy as np
import pytest
import tifffile

from livedead.images import checksums
from livedead.images.gate import read_plane

CHECKSUMS = {
    "sha256": lambda content: hashlib.sha256(content).hexdigest(),
    "crc32": lambda content: f"{zlib.crc32(content):08x}",
}


@pytest.mark.parametrize("kind", CHECKSUMS)
def test_changed_since_it_was_indexed(tmp_path, plane, kind, code):
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, plane, photometric="minisblack")
    content = bytearray(path.read_bytes())
    known = {"checksum": (kind, CHECKSUMS[kind](content)), "n_bytes": len(content)}
    np.testing.assert_array_equal(read_plane(path, **known), plane)
    content[-1] ^= 1
    path.write_bytes(content)
    assert code(path, **known) == "changed_since_index"


@pytest.mark.parametrize("kind", CHECKSUMS)
def test_large_files_are_checked_once_and_again_when_changed(tmp_path, plane, monkeypatch, kind, code):
    monkeypatch.setattr(checksums, "IN_MEMORY_BYTES", 100)
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, plane, photometric="minisblack")
    known = {"checksum": (kind, CHECKSUMS[kind](path.read_bytes())), "n_bytes": path.stat().st_size}
    for _ in range(2):
        np.testing.assert_array_equal(read_plane(path, **known), plane)
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    assert code(path, **known) == "changed_since_index"
