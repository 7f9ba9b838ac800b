"""What every reader gives: the planes it found, and what the export says of itself."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import pandas as pd

from livedead.errors import ExportError
from livedead.plates.geometry import row_letters
from livedead.readers.times import read_moment
from livedead.tables import FIELD_KEY

FIELD = FIELD_KEY[1:]
"""Columns that tell the fields of a plate apart."""
PLANE = [*FIELD, "channel"]
"""Columns that tell its planes apart, but for those of a focal stack."""
SAME_SIZE = 1e-3
"""Relative difference up to which two pixel sizes are one, written with more or fewer digits."""


class Plane(NamedTuple):
    """One plane of an export, as far as names and metadata tell; a row of the index.

    Attributes
    ----------
    path : str
        Relative to the folder.
    well : str
        As the export writes it, such as ``b3``, or the number of a well.
    field, timepoint, channel, z
    projected : bool
        Whether the microscope made it of several focal planes.
    dataset, axes : str
        Array of a file that holds several, and its axes, the slowest first: of an HDF5 file, or of a
        container (`livedead.images.containers`).
    page : int
        Of a TIFF file, or plane of such an array, from 0: the axes other than ``y`` and ``x`` count as in C.
    pages : int
        That the file has.
    height, width, dtype
        0 and empty where a header has to be read.
    x_um, y_um : float
        Where the stage stood.
    hours, clock : float
        When it was taken, see `livedead.readers.times.Moment`.
    problem : str
        Code of the error of each field that needs the plane; empty if none is known.
    """

    path: str
    well: str
    field: int = 1
    timepoint: int = 1
    channel: str = "1"
    z: int = 1
    projected: bool = False
    dataset: str = ""
    axes: str = ""
    page: int = 0
    pages: int = 1
    height: int = 0
    width: int = 0
    dtype: str = ""
    x_um: float = float("nan")
    y_um: float = float("nan")
    hours: float = float("nan")
    clock: float = float("nan")
    problem: str = ""

    @classmethod
    def from_texts(
        cls,
        path: str,
        *,
        well: str | None = None,
        row: str | None = None,
        column: str | None = None,
        field: str | None = None,
        timepoint: str | None = None,
        channel: str | None = None,
        z: str | None = None,
        **known: Any,
    ) -> "Plane":
        """A plane from the texts that a name or a metadata record holds.

        Parameters
        ----------
        path : str
            Relative path.
        well, row, column : str, optional
            A well's name, or its row and column, see `well_at`.
        field, timepoint, channel, z : str, optional
            1 if absent; the timepoint may be a time, see `livedead.readers.times.read_moment`.
        **known
            Other attributes.

        Raises
        ------
        ExportError
            If the timepoint is no time.
        """
        try:
            moment = read_moment(timepoint or "1")
        except ValueError as error:
            raise ExportError(f"{path}: timepoint {error}") from error
        return cls(
            path,
            well_at(row or "", column or "") if well is None else well,
            int(field or 1),
            channel=channel or "1",
            z=int(z or 1),
            **{**moment._asdict(), **known},
        )


def well_at(row: str, column: str) -> str:
    """Name of the well in a row, letters or a number from 1, and a column: ``2`` and ``11`` give ``B11``.

    Raises
    ------
    SheetError
        If no plate has such a row.
    """
    return f"{row_letters(int(row) - 1) if row.isdecimal() else row}{column}"


@dataclass
class Scan:
    """What one reader made of a folder.

    Attributes
    ----------
    planes : list of Plane
    evidence : str
        By what the format was recognised, for people.
    by_metadata : bool
        Whether the export's own metadata listed the planes, not their names.
    passed_over : dict
        Relative path -> why the reader left it out, where it knows.
    channel_names : dict
        Channel -> the name that the export's metadata gives it.
    expected : dict
        What the metadata promises: ``wells`` (list), ``n_wells``, ``fields``, ``channels``,
        ``timepoints`` (numbers), and of `pixel_sizes`; only what it states.
    notes : list of str
        What a person should know of how the export was read.
    of_several : bool
        Whether names tell the plate, so that what the reader left is of other plates.
    """

    planes: list[Plane]
    evidence: str
    by_metadata: bool = False
    passed_over: dict[str, str] = field(default_factory=dict)
    channel_names: dict[str, str] = field(default_factory=dict)
    expected: dict[str, Any] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    of_several: bool = False

    def table(self) -> pd.DataFrame:
        """The planes as a table, a column for each attribute of `Plane`."""
        return pd.DataFrame(self.planes, columns=list(Plane._fields))

    def expect(self, stated: list[dict[str, Any]], sizes_um: Iterable[float]) -> None:
        """Take over what all metadata files state alike; what they do not agree on is noted.

        Parameters
        ----------
        stated : list of dict
            What each file promises, see `expected`; wells are added up.
        sizes_um : iterable of float
            Every pixel size that they give.
        """
        for name in dict.fromkeys(name for one in stated for name in one):
            values = [one[name] for one in stated if name in one]
            if name == "wells":
                self.expected[name] = list(dict.fromkeys(well for wells in values for well in wells))
            elif all(value == values[0] for value in values):
                self.expected[name] = values[0]
            else:
                said = ", ".join(map(str, dict.fromkeys(values)))
                self.notes.append(f"the export's metadata disagree on {name} ({said}), which is left aside")
        self.expected.update(pixel_sizes(sizes_um))


def pixel_sizes(sizes_um: Iterable[float]) -> dict[str, Any]:
    """What an export says of its pixels: ``pixel_size_um``, or ``pixel_sizes_um`` where it says several.

    Parameters
    ----------
    sizes_um : iterable of float
        Pixel sizes as found, NaN where there is none.
    """
    found: list[float] = []
    for size in sorted(size for size in sizes_um if size > 0):
        if not found or size / found[-1] - 1 > SAME_SIZE:
            found.append(size)
    if len(found) > 1:
        return {"pixel_sizes_um": found}
    return {"pixel_size_um": found[0]} if found else {}
