"""The folder of an export: its files, what the user said of them, and what metadata files name in it."""

import os
import stat
from collections import Counter, defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePosixPath

from livedead.errors import ExportError
from livedead.images.containers import OPENERS
from livedead.images.hdf5 import HDF5_SUFFIXES
from livedead.images.png import PNG_SUFFIX
from livedead.images.tiff import TIFF_SUFFIXES

IMAGE_SUFFIXES = (*TIFF_SUFFIXES, ".stk", PNG_SUFFIX, *HDF5_SUFFIXES, *OPENERS)
"""Of files that could be read; MetaMorph's ``.stk`` is a TIFF."""
_ZARR_MARKS = {".zarray", ".zgroup", ".zattrs", "zarr.json"}


@dataclass(frozen=True)
class RawFolder:
    """The folder of one plate's export.

    Attributes
    ----------
    path : Path
    files : list of str
        Relative paths with forward slashes, from `list_files`: those of the plate, metadata too.
    n_wells : int
        Size of the plate.
    channels : collection of str
        What the user calls the channels of the export.
    file_pattern : str, optional
        See `livedead.readers.user_pattern`.
    hdf5_axes : str, optional
        See `livedead.readers.hdf5`.
    plate_names : collection of str
        What the names of files call the plate.
    well_numbers : str
        How wells are counted, see `livedead.plates.geometry.WELL_NUMBERS`; empty if it was not said.
    """

    path: Path
    files: list[str]
    n_wells: int = 1536
    channels: Collection[str] = ()
    file_pattern: str | None = None
    hdf5_axes: str | None = None
    plate_names: Collection[str] = ()
    well_numbers: str = ""

    @cached_property
    def known(self) -> frozenset[str]:
        """The files, to look one up."""
        return frozenset(self.files)

    @cached_property
    def by_name(self) -> dict[str, list[str]]:
        """Name of a file -> the relative paths that end with it."""
        found = defaultdict(list)
        for path in self.files:
            found[path.rpartition("/")[2]].append(path)
        return dict(found)

    def read_bytes(self, path: str) -> bytes:
        """Content of a metadata file; `ExportError` if it cannot be read."""
        try:
            return (self.path / path).read_bytes()
        except OSError as error:
            raise ExportError(f"{self.path / path}: {error}") from error


def is_image(path: str) -> bool:
    """Whether a file is named like an image that could be read."""
    return path.lower().endswith(IMAGE_SUFFIXES)


def kind_of_entry(path: Path) -> str:
    """What an entry is that is no file: a folder, a FIFO, ...; empty for a file, or where nothing is."""
    try:
        mode = path.stat().st_mode
    except OSError:
        return ""
    kinds = {"a folder": stat.S_ISDIR, "a FIFO": stat.S_ISFIFO, "a socket": stat.S_ISSOCK}
    kinds |= {"a device": lambda mode: stat.S_ISCHR(mode) or stat.S_ISBLK(mode)}
    return next((kind for kind, test in kinds.items() if test(mode)), "")


def list_files(raw: Path) -> list[str]:
    """Relative paths of all files below `raw`, sorted; links that lead out are refused.

    What is no file, but named like an image, is listed too, so that its field does not vanish: a
    FIFO, a socket, a folder without any image in it; and so is a link that leads nowhere, as the
    file that it stands for. A Zarr array or group is one entry, whatever it holds.
    """
    root = raw.resolve()
    files, folders = [], []
    for folder, subfolders, names in os.walk(raw, onerror=_refuse_folder):
        subfolders[:] = sorted(name for name in subfolders if not name.startswith("."))
        if _ZARR_MARKS & set(names) or folder.lower().endswith(".zarr"):
            files.append(Path(folder).relative_to(raw).as_posix())
            subfolders.clear()
            continue
        for name in [*subfolders, *names]:
            path = Path(folder, name)
            if path.is_symlink() and not Path(os.path.realpath(path)).is_relative_to(root):
                raise ExportError(f"{path}: a link that points out of the raw folder; copy the file instead")
            relative = path.relative_to(raw).as_posix()
            if name.startswith("."):
                continue
            if name in subfolders:
                folders.append(relative)
            elif relative.isprintable():
                files.append(relative)
            elif is_image(relative):  # macOS leaves files named "Icon\r"
                raise ExportError(
                    f"{relative!r} in {raw}: a file name with unprintable characters; rename it"
                )
    held = {parent.as_posix() for path in files if is_image(path) for parent in PurePosixPath(path).parents}
    return sorted({*files, *(path for path in folders if is_image(path) and path not in held)})


def _refuse_folder(error: OSError) -> None:
    """What `os.walk` would pass over: the wells of such a folder would seem not to be imaged."""
    raise ExportError(
        f"{error.filename}: {error.strerror}; make the folder readable, or move it out of 'raw'"
    )


def beside(metadata: str, name: str, source: str) -> str:
    """Relative path of a file that a metadata file names, in or below the metadata's folder.

    Raises
    ------
    ExportError
        If the name leads out of the folder.
    """
    parts = PurePosixPath(name.replace("\\", "/")).parts
    if not parts or ".." in parts or parts[0] == "/" or parts[0].endswith(":"):
        raise ExportError(f"{source}: names the file {name!r}, which is outside its folder")
    return PurePosixPath(metadata).parent.joinpath(*parts).as_posix()


class Listing:
    """Finds the files that a metadata file names: beside it, else the only one of that name below it."""

    def __init__(self, folder: RawFolder, metadata: str):
        self._folder = folder
        self._metadata = metadata
        self._below: Counter[str] = Counter()
        self._several: dict[str, list[str]] = {}

    def find(self, name: str) -> tuple[str, str]:
        """Relative path of a file, and ``missing_file`` if it is not there or not the only one."""
        path = beside(self._metadata, name, self._metadata)
        if path in self._folder.known:
            return path, ""
        home = self._metadata.rpartition("/")[0]
        ending = path.removeprefix(f"{home}/")
        below = [
            one
            for one in self._folder.by_name.get(path.rpartition("/")[2], [])
            if one.endswith(f"/{ending}") and one.startswith(f"{home}/" if home else "")
        ]
        if len(below) == 1:
            self._below[below[0].removesuffix(ending)] += 1
            return below[0], ""
        if below:
            self._several[path] = below
        return path, "missing_file"

    def notes(self) -> list[str]:
        """What was found elsewhere than the metadata file says, in words."""
        notes = [
            f"{n} file(s) that {self._metadata} lists lie not beside it but below, in {folder}: read there"
            for folder, n in sorted(self._below.items())
        ]
        if self._several:
            path, below = next(iter(self._several.items()))
            notes.append(
                f"{len(self._several)} file(s) that {self._metadata} lists are not beside it, but several of "
                f"their name lie below it, such as {' and '.join(below)} for {path}: none is read; leave the "
                "right ones beside it, or give each measurement a row of plates.tsv of its own"
            )
        return notes
