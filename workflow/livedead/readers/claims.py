"""Which files of a raw folder are which plate's, where several share it."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from functools import cached_property

from livedead.errors import ExportError
from livedead.plates.file_globs import globs_expression
from livedead.readers.user_pattern import FilePattern


@dataclass(frozen=True)
class Claim:
    """What a plate claims of a raw folder, by the names of files; `livedead.plates.raw_folders.RawFolders`.

    Attributes
    ----------
    plate : str
    files, file_pattern, well_numbers, plate_names
        See `livedead.readers.index.index_plate`.
    by_pattern : bool
        Whether its files are those that `file_pattern` fits.
    above, below : str
        What to put before a path below the folder, and what to take off it, to have it below the plate's
        own; see `livedead.plates.raw_folders.seen_from`.
    """

    plate: str
    files: str = ""
    file_pattern: str | None = None
    well_numbers: str = ""
    plate_names: Collection[str] = ()
    by_pattern: bool = False
    above: str = ""
    below: str = ""

    @cached_property
    def _pattern(self) -> FilePattern | None:
        if not self.by_pattern or self.file_pattern is None:
            return None
        return FilePattern(
            self.file_pattern, tuple(self.plate_names) or (self.plate,), bool(self.well_numbers)
        )

    def holds(self, path: str) -> bool:
        """Whether a file, by its path below the folder, is the plate's."""
        if not path.lower().startswith(self.below.lower()):
            return False
        own = self.above + path[len(self.below) :]
        if self.files and not globs_expression(self.files).fullmatch(own):
            return False
        try:
            return self._pattern is None or self._pattern.read(own) is not None
        except ExportError:  # it fits in several places
            return True


def check_claims(own: Iterable[str], siblings: Collection[Claim]) -> None:
    """Refuse a file that two plates would count.

    Parameters
    ----------
    own : iterable of str
        Files of the plate, relative to its folder.
    siblings : collection of Claim
        Of the other plates.

    Raises
    ------
    ExportError
        With the first such file, and the other plate.
    """
    for path in own:
        for claim in siblings:
            if claim.holds(path):
                raise ExportError(
                    f"{path} is of plate {claim.plate}, too; make 'files' or 'file_pattern' of the two in "
                    "plates.tsv narrower, so that every file is of one plate"
                )


def unclaimed(paths: Iterable[str], claims: Collection[Claim]) -> list[str]:
    """The paths that are of no plate."""
    return [path for path in paths if not any(claim.holds(path) for claim in claims)]
