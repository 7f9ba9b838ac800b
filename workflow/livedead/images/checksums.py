"""Files held to what they were when the plate was indexed."""

import hashlib
import io
import threading
from pathlib import Path

import imagecodecs

from livedead.errors import FieldError

IN_MEMORY_BYTES = 2**26
"""Larger files hold many planes: they are checked once, not once a plane."""
_BLOCK_BYTES = 2**20


def file_checksums(path: str | Path) -> dict[str, str]:
    """``sha256`` and ``crc32`` of a file, in hexadecimal.

    Either finds what disks and networks do to a file; the second takes a twentieth of the time.
    """
    sha256, crc32 = hashlib.sha256(), 0
    with open(path, "rb") as stream:
        while block := stream.read(_BLOCK_BYTES):
            sha256.update(block)
            crc32 = imagecodecs.deflate_crc32(block, crc32)
    return {"sha256": sha256.hexdigest(), "crc32": f"{crc32:08x}"}


def _checksum(content: bytes, kind: str) -> str:
    if kind == "sha256":
        return hashlib.sha256(content).hexdigest()
    return f"{imagecodecs.deflate_crc32(content):08x}"


def checked_stream(
    path: Path, checksum: tuple[str, str] | None, n_bytes: int | None
) -> io.BytesIO | io.BufferedReader:
    """The file, checked against the index: in memory if it is small enough."""
    if path.stat().st_size > IN_MEMORY_BYTES:
        check_once(path, checksum, n_bytes)
        return open(path, "rb")
    content = path.read_bytes()
    if (n_bytes is not None and len(content) != n_bytes) or (
        checksum is not None and _checksum(content, checksum[0]) != checksum[1]
    ):
        raise _changed(path)
    return io.BytesIO(content)


_checked: set[tuple[str, int, int, tuple[str, str]]] = set()
_checking = threading.Lock()


def check_once(path: Path, checksum: tuple[str, str] | None, n_bytes: int | None) -> None:
    """Compare a file with the index the first time that this process meets it as it is."""
    found = path.stat()
    if n_bytes is not None and found.st_size != n_bytes:
        raise _changed(path)
    if checksum is None:
        return
    key = str(path), found.st_size, found.st_mtime_ns, checksum
    with _checking:
        if key in _checked:
            return
        if file_checksums(path)[checksum[0]] != checksum[1]:
            raise _changed(path)
        _checked.add(key)


def _changed(path: Path) -> FieldError:
    return FieldError(
        "changed_since_index",
        f"{path}: the file is not the one that was indexed; if that was meant, run "
        "'snakemake -R index_plate'",
    )
