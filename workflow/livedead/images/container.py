"""What every container of planes gives: ND2, CZI and OME-Zarr, each read by a library of its own.

An array of a container is named by ``dataset``, and one of its planes by ``page``: the place of the plane
among those of all axes but ``y`` and ``x``, in the order of C.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple, Protocol

import numpy as np

from livedead.errors import PackageError


class ContainedPlane(NamedTuple):
    """A plane as the library gives it.

    Attributes
    ----------
    pixels : ndarray, (H, W)
        Of the type that is stored.
    tile : tuple, optional
        (height, width) of the tiles or chunks that it lies in.
    unwritten : bool
        Whether some of these were never written and were filled.
    lossy : bool
        Whether its compression may have lost what was measured.
    """

    pixels: np.ndarray
    tile: tuple[int, int] | None = None
    unwritten: bool = False
    lossy: bool = False


class Container(Protocol):
    """An open container, which several threads may read at once; it closes when nobody holds it."""

    def shape(self, dataset: str) -> tuple[int, int]:
        """Height and width of the planes of an array; `FieldError` where the container has no such array."""

    def plane(self, dataset: str, page: int) -> ContainedPlane:
        """One plane; `FieldError` where the array has no such plane, or it cannot be read."""


@contextmanager
def needed(path: Path, what: str) -> Iterator[None]:
    """Around the import of a package that only one kind of file needs.

    Parameters
    ----------
    path : Path
        The file.
    what : str
        Its kind, such as ``a Nikon ND2 file``.

    Raises
    ------
    PackageError
        With the line that installs it, if it is not there.
    """
    try:
        yield
    except ImportError as error:
        raise PackageError(
            f"{path}: {what} needs the package {error.name}: pip install -r requirements-formats.txt"
        ) from error
