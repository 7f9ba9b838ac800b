"""Nikon ND2 files, opened by the package nd2: a frame holds all channels of one time and place."""

import weakref
from pathlib import Path
from typing import Any

import tifffile

from livedead.errors import ExportError, FieldError
from livedead.images.container import ContainedPlane, needed

ND2_SUFFIX = ".nd2"
FRAMES = "frames"
"""Name of the only array of a file: its axes are those of the experiment's loops, and ``cyx``."""


class Nd2:
    """An open file; a `livedead.images.container.Container`.

    Attributes
    ----------
    file : nd2.ND2File
        Its metadata may be read; its frames are read by `plane`.
    n_channels, n_frames : int
        Channels of a frame, and frames that were acquired, which may be fewer than the loops promise.

    Raises
    ------
    ExportError
        If the package is missing, or the file is of a kind whose pixels may have lost something.
    """

    def __init__(self, path: Path):
        with needed(path, "a Nikon ND2 file"):
            import nd2
        self._path = path
        # Not mapped into memory: there a failing disk would end the process, not the read.
        stream: Any = tifffile.FileHandle(path)
        weakref.finalize(self, stream.close)
        self.file: Any = nd2.ND2File(stream)
        stored = self.file.attributes
        if self.file.is_legacy or stored.compressionType == "lossy":
            raise ExportError(
                f"{path}: an ND2 file of JPEG 2000 images, which may have lost what was measured; "
                "export 16-bit grey TIFF from NIS-Elements"
            )
        self.n_channels = stored.channelCount or 1
        self.n_frames = stored.sequenceCount

    def shape(self, dataset: str) -> tuple[int, int]:
        """Height and width of every plane."""
        if dataset != FRAMES:
            raise FieldError("wrong_layout", f"{self._path}: no array {dataset!r}; index the plate again")
        return self.file.attributes.heightPx, self.file.attributes.widthPx or 0

    def plane(self, dataset: str, page: int) -> ContainedPlane:
        """One channel of one frame."""
        height, width = self.shape(dataset)
        frame, channel = divmod(page, self.n_channels)
        if frame >= self.n_frames:
            raise FieldError(
                "missing_plane", f"{self._path}: {self.n_frames} frames, none has number {frame}"
            )
        pixels = self.file.read_frame(frame).reshape(self.n_channels, height, width, -1)[channel]
        return ContainedPlane(pixels[..., 0] if pixels.shape[-1] == 1 else pixels)
