"""The files between rules: HDF5 and tables, every write atomic, every byte reproducible."""

import gzip
import io
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pandas as pd

from livedead.errors import StoreError
from livedead.faults import DAMAGE, is_of_the_system
from livedead.provenance import value_sha256
from livedead.tables import Table, as_text, from_text

TEMPORARY_SUFFIX = ".partial"
_CONTENT_SHA256 = "content_sha256"


@contextmanager
def replacing(path: str | Path) -> Iterator[Path]:
    """A temporary name beside `path` that replaces it, flushed to disk, if the body succeeds.

    Two writers of one path never meet: each has a name of its own, and the last to finish
    wins whole.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=TEMPORARY_SUFFIX)
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        _flush(temporary)
        temporary.chmod(0o666 & ~_umask())
        temporary.replace(path)
    except Exception as error:
        error.add_note(f"while {path} was written")
        raise
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def replacing_folder(path: str | Path) -> Iterator[Path]:
    """As `replacing`, of a folder with all that the body writes into it."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = Path(tempfile.mkdtemp(TEMPORARY_SUFFIX, f".{path.name}.", path.parent))
    try:
        yield temporary
        for file in filter(Path.is_file, temporary.rglob("*")):
            _flush(file)
        temporary.chmod(0o777 & ~_umask())
        shutil.rmtree(path, ignore_errors=True)
        temporary.replace(path)
    except Exception as error:
        error.add_note(f"while {path} was written")
        raise
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _flush(path: Path) -> None:
    with open(path, "rb+") as stream:
        os.fsync(stream.fileno())


class _Enduring(io.FileIO):
    """A file that takes what it cannot write, and tells when it is asked.

    HDF5 that could not write, as on a full disk, cannot be closed either, and crashes the process.
    """

    error: OSError | None = None

    def write(self, content: Any) -> int:
        rest = memoryview(content).cast("B")
        size = len(rest)
        try:
            while len(rest):
                rest = rest[super().write(rest) :]
        except OSError as error:
            self.error = self.error or error
            self.seek(len(rest), os.SEEK_CUR)
        return size

    def check(self) -> None:
        """Raise the first OSError, if there was one."""
        if self.error:
            raise self.error


@contextmanager
def replacing_hdf5(
    path: str | Path, libver: str = "latest"
) -> Iterator[tuple[h5py.File, Callable[[], None]]]:
    """A new HDF5 file that replaces `path` if the body succeeds; see `replacing`.

    Yields
    ------
    file : h5py.File
    check : callable
        Raises what could not be written so far; called by the time the body ends, and by long bodies
        on their way.
    """
    with replacing(path) as temporary, _Enduring(temporary, "w+") as stream:
        try:
            with h5py.File(stream, "w", libver=libver) as file:
                yield file, stream.check
        finally:
            stream.check()


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def sweep_shards(folder: str | Path, n_shards: int) -> None:
    """Delete the shards or folds (``2-of-3``) in `folder` of another count: no table is made of them."""
    for shard in Path(folder).glob("*-of-*"):
        if not shard.name.endswith(f"-of-{n_shards}"):
            shutil.rmtree(shard)


def write_bytes(path: str | Path, content: bytes) -> None:
    """Write a whole file at once."""
    with replacing(path) as temporary:
        temporary.write_bytes(content)


def write_json(path: str | Path, record: dict[str, Any]) -> None:
    """Write a record with sorted keys, and a hash of its content under ``content_sha256``."""
    signed = {**record, _CONTENT_SHA256: value_sha256(record)}
    write_bytes(path, (json.dumps(signed, indent=2, sort_keys=True) + "\n").encode())


def read_json(path: str | Path) -> dict[str, Any]:
    """Read a record that `write_json` wrote.

    Raises
    ------
    StoreError
        If it cannot be read, or is not what was written.
    """
    with _readable(path):
        record = json.loads(Path(path).read_text(encoding="utf-8"))
        if record.pop(_CONTENT_SHA256, None) != value_sha256(record):
            raise StoreError("it was changed after it was written")
        return dict(record)


def write_table(path: str | Path, table: pd.DataFrame, kind: Table) -> None:
    """Write a table as CSV, or TSV by suffix, gzipped by suffix; equal tables, equal bytes."""
    path = Path(path)
    content = as_text(table, kind, _separator(path)).encode()
    if path.suffix == ".gz":
        buffer = io.BytesIO()
        with gzip.GzipFile(filename="", mode="wb", fileobj=buffer, compresslevel=6, mtime=0) as zipped:
            zipped.write(content)
        content = buffer.getvalue()
    write_bytes(path, content)


def read_table(path: str | Path, kind: Table) -> pd.DataFrame:
    """Read a table that `write_table` wrote.

    Raises
    ------
    StoreError
        If it cannot be read, is of another kind, or is not what was written.
    """
    with _readable(path):
        content = Path(path).read_bytes()
        if Path(path).suffix == ".gz":
            content = gzip.decompress(content)
        return from_text(content.decode(), kind, _separator(path))


def _separator(path: str | Path) -> str:
    return "\t" if ".tsv" in Path(path).suffixes else ","


@contextmanager
def _readable(path: str | Path) -> Iterator[None]:
    """Turn whatever a damaged file makes a library raise into a `StoreError` that says what to do."""
    try:
        yield
    except FileNotFoundError as error:
        raise StoreError(f"{path}: no such file; start the same command again to make it") from error
    except (StoreError, *DAMAGE) as error:
        if is_of_the_system(error):
            raise
        reason = str(error) or type(error).__name__
        raise StoreError(
            f"{path}: damaged, or edited by hand: {reason}. "
            f"To make it again: rm '{path}', and start the same command again"
        ) from error


def write_normalization(path: str | Path, channels: dict[str, dict[str, Any]], fields: pd.DataFrame) -> None:
    """Write the fitted transform of one plate.

    Parameters
    ----------
    channels : dict
        Channel name -> its arrays (``gain``, ``histogram``) and scalars (``black``, ``white``).
    fields : DataFrame
        Quality of every field and channel, one row each.
    """
    with replacing_hdf5(path) as (file, _):
        for name, values in channels.items():
            group = file.create_group(f"channels/{name}")
            for key, value in values.items():
                if isinstance(value, np.ndarray):
                    _create_dataset(group, key, value)
                else:
                    group.attrs[key] = value
        _write_columns(file.create_group("fields"), fields)


class OnDisk:
    """An array that stays in its file; windows of it are read as they are cut.

    Attributes
    ----------
    shape : tuple of int
    size : int
    """

    def __init__(self, path: str | Path, data: h5py.Dataset):
        self.shape, self.size = data.shape, data.size
        self._path, self._name = path, data.name

    def __getitem__(self, window: Any) -> np.ndarray:
        with _opened(self._path) as file:
            return file[self._name][window]


def read_normalization(
    path: str | Path, in_memory: int | None = None
) -> tuple[dict[str, dict[str, Any]], pd.DataFrame]:
    """The inverse of `write_normalization`.

    Parameters
    ----------
    in_memory : int, optional
        Arrays of more elements come as `OnDisk`; all come whole if not given.
    """
    with _opened(path) as file:
        channels = {
            name: {
                **group.attrs,
                **{
                    key: data[()] if in_memory is None or data.size <= in_memory else OnDisk(path, data)
                    for key, data in group.items()
                },
            }
            for name, group in file["channels"].items()
        }
        return channels, _read_columns(file["fields"])


class SegmentationWriter:
    """Takes segmentations as they come, one field in memory at a time; see `segmentation_writer`.

    Attributes
    ----------
    about : dict
        Attributes of the file, each a text, a number or a truth value; written when no field follows.
    """

    def __init__(self, file: h5py.File, check: Callable[[], None]):
        self.about: dict[str, Any] = {}
        self._file, self._check = file, check
        self._rows: list[dict[str, Any]] = []
        file.create_group("maps")

    def add(self, row: dict[str, Any], arrays: Mapping[str, np.ndarray]) -> None:
        """Write a field.

        Parameters
        ----------
        row : dict
            Describes the field (plate, well, field, timepoint, status, ...).
        arrays : mapping
            The class map, ``maps``, (H, W) uint8, and what else is known of the field, such as
            ``unstable`` and ``runners_up`` of a `livedead.network.segmenter.Segmentation`, or the
            ``instances`` that labels were made of; empty where the field failed.
        """
        for name, array in arrays.items():
            _create_dataset(self._file.require_group(name), str(len(self._rows)), array)
        self._rows.append(row)
        self._check()

    def finish(self) -> None:
        """Write the rows of all fields, and what the file tells of itself."""
        _write_columns(self._file.create_group("fields"), pd.DataFrame(self._rows))
        for name, value in self.about.items():
            self._file.attrs[name] = _texts(value)[()] if isinstance(value, str) else value


@contextmanager
def segmentation_writer(path: str | Path) -> Iterator[SegmentationWriter]:
    """A new file for `read_segmentations` that replaces `path` if the body succeeds; see `replacing`."""
    with replacing_hdf5(path) as (file, check):
        writer = SegmentationWriter(file, check)
        yield writer
        writer.finish()


def write_segmentations(
    path: str | Path, segmentations: Iterable[tuple[dict[str, Any], Mapping[str, np.ndarray]]]
) -> None:
    """Write row and arrays of each field as they come; see `SegmentationWriter.add`."""
    with segmentation_writer(path) as writer:
        for row, arrays in segmentations:
            writer.add(row, arrays)


def read_about(path: str | Path) -> dict[str, Any]:
    """What a `SegmentationWriter` was told `about` the file, as JSON values."""
    with _opened(path) as file:
        return {
            name: value.decode() if isinstance(value, bytes) else value.item()
            for name, value in file.attrs.items()
        }


def read_segmentations(path: str | Path) -> Iterator[tuple[dict[str, Any], dict[str, np.ndarray]]]:
    """Row and arrays of each field that a `SegmentationWriter` took, again one field at a time."""
    with _opened(path) as file:
        groups = {name: group for name, group in file.items() if name != "fields"}
        for k, row in enumerate(_read_columns(file["fields"]).to_dict("records")):
            yield row, {name: group[str(k)][()] for name, group in groups.items() if str(k) in group}


def read_segmentation(path: str | Path, k: int) -> dict[str, np.ndarray]:
    """All arrays of field k."""
    with _opened(path) as file:
        return {name: group[str(k)][()] for name, group in file.items() if str(k) in group}


def list_class_maps(path: str | Path) -> pd.DataFrame:
    """The rows of all fields; row k describes class map k."""
    with _opened(path) as file:
        return _read_columns(file["fields"])


def read_class_map(path: str | Path, k: int) -> np.ndarray:
    """Class map k alone, (H, W) uint8."""
    with _opened(path) as file:
        return file[f"maps/{k}"][()]


@contextmanager
def _opened(path: str | Path) -> Iterator[h5py.File]:
    with _readable(path), h5py.File(path, "r") as file:
        yield file


def _create_dataset(group: h5py.Group, name: str, array: np.ndarray) -> None:
    """A dataset in compressed chunks, each with a checksum; one without elements has neither."""
    filled = {"chunks": tuple(min(side, 1024) for side in array.shape), "shuffle": True, "fletcher32": True}
    filled |= {"compression": "gzip", "compression_opts": 1}
    group.create_dataset(name, data=array, track_times=False, **(filled if array.size else {}))


def _write_columns(group: h5py.Group, table: pd.DataFrame) -> None:
    group.attrs["columns"] = _texts(list(table.columns))
    for column in table.columns:
        values = table[column].to_numpy()
        _create_dataset(group, column, _texts(values.astype(str)) if values.dtype == object else values)


def _texts(values: Any) -> np.ndarray:
    """Texts of one length: HDF5 keeps those of any length where no checksum reaches them."""
    encoded = [str(value).encode() for value in np.ravel(values)]
    length = max(map(len, encoded), default=0)
    return np.array(encoded, h5py.string_dtype("utf-8", max(length, 1))).reshape(np.shape(values))


def _read_columns(group: h5py.Group) -> pd.DataFrame:
    columns = {}
    for column in group.attrs["columns"]:
        data = group[column.decode()]
        text = h5py.check_string_dtype(data.dtype) is not None
        columns[column.decode()] = data.asstr()[()] if text else data[()]
    return pd.DataFrame(columns)
