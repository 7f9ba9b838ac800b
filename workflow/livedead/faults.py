"""What the operating system or a library says, in plain words: which file, why, and the one thing to do.

Used at the edge of each job (`livedead.logs.log_to`) and of the command line of the weights, so that no
module has to foresee a full disk.
"""

import errno
import lzma
import os
import re
import struct
import zipfile
import zlib
from typing import NamedTuple

MEMORY = "give the job more memory (--set-resources RULE:mem_mb=MEGABYTES) and start the same command again"
DAMAGED = "copy the file again; if it lies under results/, delete it, and the same command makes it again"
GPU = (
    "start the same command again; if it fails again, set segmentation.device: cpu, or ask your administrator"
)
_AGAIN = "and start the same command again; finished jobs are not repeated"
_DRIVE = f"check the drive and its network, {_AGAIN}"
_FILES = f"raise the limit (ulimit -n 4096), {_AGAIN}"


DAMAGE = (
    OSError,
    EOFError,
    ValueError,
    TypeError,
    KeyError,
    IndexError,
    AttributeError,
    RuntimeError,
    OverflowError,
    zlib.error,
    lzma.LZMAError,
    zipfile.BadZipFile,
    struct.error,
)
"""What libraries raise while they read a damaged file."""


class Fault(NamedTuple):
    """One failure, for the user.

    Attributes
    ----------
    reason : str
        File and cause.
    remedy : str
        What to do.
    """

    reason: str
    remedy: str


_BY_NUMBER = {
    errno.ENOSPC: ("the disk is full", f"free space (df -h shows which disk), {_AGAIN}"),
    errno.EDQUOT: ("your quota on this disk is used up", f"delete files or ask for a larger quota, {_AGAIN}"),
    errno.EFBIG: (
        "the file would be larger than a limit (ulimit -f) or the file system allows",
        f"raise the limit, or work on another file system (--directory), {_AGAIN}",
    ),
    errno.EROFS: ("the file system is read-only", f"work where you may write (--directory), {_AGAIN}"),
    errno.EACCES: ("no permission", f"get permission to read and write, {_AGAIN}"),
    errno.EPERM: ("the system does not permit it", f"ask your administrator, {_AGAIN}"),
    errno.EISDIR: (
        "a folder where a file is expected",
        f"name the file inside, or move the folder away, {_AGAIN}",
    ),
    **dict.fromkeys(
        (errno.ENOTDIR, errno.EEXIST),
        (
            "a file where a folder is expected",
            f"correct the path or move the file away, {_AGAIN}",
        ),
    ),
    errno.ENOENT: ("no such file or folder", f"correct the path or bring the file back, {_AGAIN}"),
    errno.ENAMETOOLONG: ("the name is too long for this file system", f"shorten it, {_AGAIN}"),
    errno.ELOOP: (
        "a link that leads to itself",
        f"replace it with the file that it should lead to, {_AGAIN}",
    ),
    errno.EMFILE: ("too many files are open at once", _FILES),
    errno.ENFILE: ("too many files are open at once on this machine", _FILES),
    **dict.fromkeys(
        (errno.EIO, errno.ESTALE, errno.ETIMEDOUT, errno.EHOSTDOWN, errno.ENXIO, errno.EREMOTEIO),
        ("the drive or its network does not answer", _DRIVE),
    ),
    errno.ENOMEM: ("out of memory", MEMORY),
    errno.EAGAIN: (
        "the system allows no more processes, threads or file locks",
        f"end programs that use many, or set HDF5_USE_FILE_LOCKING=FALSE on a network drive, {_AGAIN}",
    ),
    errno.ENOLCK: (
        "this file system does not support file locks",
        f"set HDF5_USE_FILE_LOCKING=FALSE, {_AGAIN}",
    ),
}

_TYPES: tuple[tuple[tuple[type[BaseException], ...], str, str], ...] = (
    ((MemoryError,), "out of memory", MEMORY),
    (
        (EOFError, zlib.error, lzma.LZMAError, zipfile.BadZipFile, struct.error),
        "the file is truncated or damaged",
        DAMAGED,
    ),
    ((UnicodeError,), "the file is not UTF-8 text", f"save it as 'CSV UTF-8' or plain UTF-8 text, {_AGAIN}"),
    # Without a number it comes from a library that read the file, such as HDF5 or gzip.
    ((OSError,), "the file is truncated or damaged", DAMAGED),
)

_LIBRARIES = (
    (r"torch\.(cuda\.)?OutOfMemoryError", "the GPU is out of memory", MEMORY),
    (r"torch\.AcceleratorError", "the GPU failed", GPU),
    (r"yaml\..*", "the file is not YAML", f"correct the line that is named, {_AGAIN}"),
    (r"json\..*", "the file is not JSON", DAMAGED),
    (r"pandas\.errors\.(ParserError|EmptyDataError)", "the file is not a table", DAMAGED),
    (r".*\.SafetensorError", "the file is truncated or damaged", DAMAGED),
)
"""Errors by name, so that no library is loaded only to name its errors."""


def error_number(error: BaseException) -> int | None:
    """The operating system's number of an error, which HDF5 has only in its message."""
    if isinstance(error, OSError) and error.errno is not None:
        return error.errno
    written = re.search(r"\berrno = (\d+)", str(error)) if isinstance(error, OSError | RuntimeError) else None
    return int(written[1]) if written and int(written[1]) else None


def is_of_the_system(error: BaseException) -> bool:
    """Whether the system is the cause of an error, and not the content of the file."""
    return error_number(error) in _BY_NUMBER


def explained(error: BaseException) -> Fault | None:
    """The fault behind an error; None where it can only be a bug in the program."""
    number = error_number(error)
    if number is not None:
        said = os.strerror(number)
        reason, remedy = _BY_NUMBER.get(number, (f"the system says '{said}'", _DRIVE))
        return Fault(f"{_where(error)}{reason} ({said})", remedy)
    if isinstance(error, RuntimeError) and "can't start new thread" in str(error):
        return explained(OSError(errno.EAGAIN, str(error)))
    names = [f"{kind.__module__}.{kind.__qualname__}" for kind in type(error).__mro__]
    for pattern, reason, remedy in _LIBRARIES:
        if any(re.fullmatch(pattern, name) for name in names):
            return Fault(f"{_where(error)}{reason}: {error}", remedy)
    for types, reason, remedy in _TYPES:
        if isinstance(error, types):
            told = f": {error}" if str(error) else ""
            return Fault(f"{_where(error)}{reason}{told}", remedy)
    return None


def _where(error: BaseException) -> str:
    """The file, as far as the error names it; writers note theirs on the error."""
    name = getattr(error, "filename", None)
    notes = "; ".join(getattr(error, "__notes__", []))
    return ": ".join([*([str(name)] if name else []), *([notes] if notes else []), ""])
