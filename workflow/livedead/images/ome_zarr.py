"""Planes of OME-Zarr: one plane of one array, decoded by ``zarr`` from the chunks that hold it.

``zarr`` is imported only where there is an OME-Zarr: see `livedead.images.containers.open_ome_zarr`.
"""

import dataclasses
import json
import math
import os
import stat
from collections.abc import Iterator
from pathlib import Path, PurePath
from typing import Any, NamedTuple

import numpy as np
import zarr
from zarr.abc.store import ByteRequest
from zarr.core.buffer import Buffer, BufferPrototype
from zarr.storage import LocalStore

from livedead.errors import FieldError
from livedead.images import ome_zarr_metadata
from livedead.images.container import ContainedPlane
from livedead.images.stored import MAX_PIXELS

MAX_METADATA_BYTES = 2**26
"""Of one file of metadata; that of a plate may repeat those of its 10,000 images."""
MAX_CHUNKS = 2**16
"""Of one plane."""
_OF_V3, _OF_V2 = "zarr.json", ".zattrs"
"""Where Zarr v3 and v2 keep the attributes of a group."""
_METADATA = (_OF_V3, _OF_V2, ".zarray", ".zgroup")
_LOSSLESS = {
    *("blosc", "bz2", "gzip", "lz4", "lzma", "zlib", "zstd"),
    *("adler32", "bytes", "crc32", "crc32c", "fletcher32", "sharding_indexed", "shuffle", "transpose"),
}
"""Codecs that give back what was stored; others may lose some of it."""
_BLOSC_HEADER = 16
"""Bytes at the start of what Blosc compressed, of which the last four tell how many there are in all."""


class Level(NamedTuple):
    """The array of full resolution of an image."""

    dataset: str
    array: zarr.Array[Any]
    image: ome_zarr_metadata.ZarrImage

    @property
    def sizes(self) -> dict[str, int]:
        """Size along each axis."""
        return dict(zip(self.image.axes, self.array.shape, strict=True))

    @property
    def stack(self) -> dict[str, int]:
        """Size along the axes that planes are counted by, all but y and x."""
        return {axis: size for axis, size in self.sizes.items() if axis not in "yx"}


class OmeZarr:
    """An OME-Zarr in a folder, see `livedead.images.container.Container`."""

    def __init__(self, path: Path):
        self._path = path
        self._store = _Folder(path, read_only=True)
        self._levels: dict[str, Level] = {}

    def content(self, group: str = "") -> dict[str, Any]:
        """The OME metadata of a group, see `livedead.images.ome_zarr_metadata.ome_content`."""
        content = self._content_or_none(group)
        if content is None:
            raise FieldError("missing_plane", f"{self._path / group}: no Zarr group")
        return content

    def _content_or_none(self, group: str) -> dict[str, Any] | None:
        # Read here: `zarr` takes twenty times as long for a group, and a plate has thousands.
        for name in (_OF_V3, _OF_V2):
            file = _file_in(self._path, _joined(group, name))
            if file.exists():
                told = _json(file)
                attributes = told.get("attributes", {}) if name == _OF_V3 else told
                return ome_zarr_metadata.ome_content(attributes, self._path / group)
        return None

    def read_bytes(self, key: str) -> bytes:
        """Content of a file in it."""
        return _file_in(self._path, key).read_bytes()

    def plate(self) -> ome_zarr_metadata.ZarrPlate:
        """The wells and acquisitions of the plate that it is."""
        return ome_zarr_metadata.read_plate(self.content(), self._path)

    def well(self, group: str) -> dict[str, int | None]:
        """The images of a well, see `livedead.images.ome_zarr_metadata.read_well`."""
        return ome_zarr_metadata.read_well(self.content(group), self._path / group)

    def level(self, group: str) -> Level:
        """The array of full resolution of the image that a group is."""
        image = ome_zarr_metadata.read_image(self.content(group), self._path / group)
        return self._opened(_joined(group, image.path), image)

    def shape(self, dataset: str) -> tuple[int, int]:
        """Height and width of the planes of an array."""
        sizes = self._level_at(dataset).sizes
        return sizes["y"], sizes["x"]

    def plane(self, dataset: str, page: int) -> ContainedPlane:
        """One plane of an array."""
        level = self._level_at(dataset)
        where = f"{self._path / dataset}: plane {page}"
        if page >= math.prod(level.stack.values()):
            raise FieldError("missing_plane", f"{where} is not in its shape {level.array.shape}")
        places = dict(zip(level.stack, np.unravel_index(page, tuple(level.stack.values())), strict=True))
        chosen = tuple(int(places[axis]) if axis in places else slice(None) for axis in level.image.axes)
        sides = dict(zip(level.image.axes, level.array.chunks, strict=True))
        pixels, tile = np.asarray(level.array[chosen]), (sides["y"], sides["x"])
        if level.image.axes.index("x") < level.image.axes.index("y"):
            pixels = pixels.T
        fill = level.array.dtype.type(level.array.fill_value or 0)
        # A chunk that was never written reads as the fill value, its first pixel as well.
        unwritten = bool((pixels[:: tile[0], :: tile[1]] == fill).any()) and _is_filled(
            level.array, chosen, fill
        )
        return ContainedPlane(pixels, tile, unwritten)

    def _level_at(self, dataset: str) -> Level:
        """The level whose array a dataset is."""
        if dataset in self._levels:
            return self._levels[dataset]
        parts = dataset.split("/")
        for group in ("/".join(parts[:k]) for k in range(len(parts) - 1, -1, -1)):
            content = self._content_or_none(group)
            if content is not None and content.get("multiscales"):
                image = ome_zarr_metadata.read_image(content, self._path / group)
                if _joined(group, image.path) == dataset:
                    return self._opened(dataset, image)
        raise FieldError(
            "wrong_layout", f"{self._path}: no image whose array is {dataset!r}; index the plate again"
        )

    def _opened(self, dataset: str, image: ome_zarr_metadata.ZarrImage) -> Level:
        try:
            array = zarr.open_array(self._store, path=dataset, mode="r")
        except FileNotFoundError as error:
            raise FieldError("missing_plane", f"{self._path}: no array {dataset!r} in it") from error
        where = self._path / dataset
        if array.ndim != len(image.axes):
            raise FieldError("wrong_shape", f"{where}: of shape {array.shape}, with axes {image.axes}")
        level = Level(dataset, array, image)
        if level.stack.get(ome_zarr_metadata.OTHER, 1) != 1:
            raise FieldError("wrong_shape", f"{where}: several planes along an axis other than t, c, z, y, x")
        if array.dtype.kind not in "uif":
            raise FieldError("wrong_dtype", f"{where}: {array.dtype} is no type of pixels")
        odd = sorted(set(_codecs(array.metadata.to_dict())) - _LOSSLESS)
        if odd:
            raise FieldError(
                "wrong_layout",
                f"{where}: stored by the codec {', '.join(odd)}, which may have lost what was measured; "
                f"allowed are {', '.join(sorted(_LOSSLESS))}",
            )
        if _may_be_cut_off_unseen(array.metadata.to_dict()):
            raise FieldError(
                "wrong_layout",
                f"{where}: shards of Blosc whose index stands first look whole where they were cut off; "
                "write the plate again with index_location: end",
            )
        sides = dict(zip(image.axes, array.chunks, strict=True))
        in_plane = math.prod(-(-level.sizes[axis] // max(sides[axis], 1)) for axis in "yx")
        if math.prod(array.chunks) > MAX_PIXELS or in_plane > MAX_CHUNKS:
            raise FieldError(
                "too_large",
                f"{where}: chunks of shape {array.chunks}, {in_plane:,} in a plane; "
                f"allowed are {MAX_PIXELS:,} pixels a chunk and {MAX_CHUNKS:,} chunks",
            )
        if _outermost_codec(array.metadata.to_dict()) == "blosc":
            self._store.of_blosc.add(dataset)
        return self._levels.setdefault(dataset, level)


def _json(file: Path) -> dict[str, Any]:
    try:
        told = json.loads(file.read_bytes())
    except (ValueError, RecursionError) as error:
        raise FieldError("unreadable", f"{file}: not readable JSON: {error}") from error
    if not isinstance(told, dict):
        raise FieldError("unreadable", f"{file}: JSON of a {type(told).__name__}, no object")
    return told


def _joined(group: str, path: str) -> str:
    return f"{group}/{path}" if group else path


def _is_filled(array: zarr.Array[Any], chosen: tuple[int | slice, ...], fill: Any) -> bool:
    """Whether chunks are absent, alone or in their shard: with another fill value they read otherwise."""
    other = array.dtype.type(1) if fill != 1 else array.dtype.type(0)
    metadata: Any = dataclasses.replace(array.metadata, fill_value=other)
    refilled = zarr.Array(zarr.AsyncArray(metadata, array.store_path))
    return not np.array_equal(array[chosen], refilled[chosen])


def _codecs(described: dict[str, Any]) -> Iterator[str]:
    """Names of all codecs that the metadata of an array, or of a codec, list; of shards those inside, too."""
    listed = [described.get("compressor"), *(described.get("filters") or ())]
    listed += [*described.get("codecs", ()), *described.get("index_codecs", ())]
    for codec in filter(None, listed):
        name = codec.get("name") or codec.get("id") or "?"
        yield name.removeprefix("numcodecs.")
        yield from _codecs(codec.get("configuration") or {})


def _may_be_cut_off_unseen(described: dict[str, Any]) -> bool:
    """Whether nothing tells that the end of a shard is gone: not its index, nor the decoder of its chunks."""
    shards = [codec.get("configuration") or {} for codec in described.get("codecs", ())]
    return any(one.get("index_location") == "start" and "blosc" in _codecs(one) for one in shards)


def _outermost_codec(described: dict[str, Any]) -> str:
    """Name of the codec whose output is a file: of version 2 the compressor, of version 3 the last one."""
    listed = [*described.get("codecs", ()), described.get("compressor")]
    return next(_codecs({"codecs": [one for one in listed if one][-1:]}), "")


class _Folder(LocalStore):
    """The files of a folder, and of none outside it.

    Attributes
    ----------
    of_blosc : set of str
        Arrays whose chunks are as Blosc wrote them. Its decoder takes a chunk that was cut off for whole, and
        reads what lies behind it in memory.
    """

    def __init__(self, root: Path, *, read_only: bool):
        super().__init__(root, read_only=read_only)
        self.of_blosc: set[str] = set()

    async def get(
        self, key: str, prototype: BufferPrototype | None = None, byte_range: ByteRequest | None = None
    ) -> Buffer | None:
        path = _file_in(self.root, key)
        value = await super().get(key, prototype, byte_range)
        is_chunk = path.name not in _METADATA and any(str(p) in self.of_blosc for p in PurePath(key).parents)
        if value is not None and is_chunk:
            told = int.from_bytes(value[_BLOSC_HEADER - 4 : _BLOSC_HEADER].to_bytes(), "little")
            if len(value) < _BLOSC_HEADER or len(value) != told:
                raise FieldError("truncated", f"{path}: {len(value):,} bytes of {told:,}; copy it again")
        return value


def _file_in(root: Path, key: str) -> Path:
    """A file in a folder, if it is not outside it, no file, or metadata without end."""
    path = root / key
    if not Path(os.path.realpath(path)).is_relative_to(os.path.realpath(root)):
        raise FieldError("wrong_layout", f"{path} leads out of {root}; copy the file instead")
    try:
        found = path.stat()
    except OSError:
        return path
    if not stat.S_ISREG(found.st_mode) and not stat.S_ISDIR(found.st_mode):
        raise FieldError("unreadable", f"{path}: no file")
    if path.name in _METADATA and found.st_size > MAX_METADATA_BYTES:
        raise FieldError("too_large", f"{path}: {found.st_size:,} bytes; allowed are {MAX_METADATA_BYTES:,}")
    return path
