"""Raw folders, also in object stores: which of them plates share, and what parts their files."""

import os
from collections.abc import Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

from livedead.plates.object_stores import is_url

PLATE_PLACE = "{plate}"
"""In a template of file names: the id or barcode of the plate."""

_PART = "give each plate 'files', or format 'pattern' with a file_pattern of its own or with {plate}"


class Place(NamedTuple):
    """Where a folder lies, whatever links and spellings lead to it.

    Attributes
    ----------
    ids : list
        Identity of the folder, and of each folder around it.
    names : tuple of str
        Parts of its path.
    """

    ids: list[object]
    names: tuple[str, ...]


def place_of(folder: str) -> Place:
    """The place of a folder, there or not; of one in an object store its name is all."""
    if is_url(folder):
        names = tuple(folder.split("/"))
        return Place(["/".join(names[:n]) for n in range(len(names), 2, -1)], names)
    path = Path(os.path.realpath(folder))
    found: list[object] = []
    for part in (path, *path.parents):
        try:
            status = part.stat()
            found.append((status.st_dev, status.st_ino))
        except OSError:
            found.append(str(part))
    return Place(found, path.parts)


def seen_from(place: Place, other: Place) -> tuple[str, str] | None:
    """How a path below one folder is written below another one.

    Returns
    -------
    above, below : str
        What to put before the path, and what to take off it; None if neither folder is in the other.
    """
    if other.ids[0] in place.ids:
        depth = place.ids.index(other.ids[0])
        return "".join(f"{name}/" for name in place.names[len(place.names) - depth :]), ""
    if place.ids[0] in other.ids:
        depth = other.ids.index(place.ids[0])
        return "", "".join(f"{name}/" for name in other.names[len(other.names) - depth :])
    return None


class RawFolders:
    """The raw folders of all plates, and whose files are whose.

    Parameters
    ----------
    rows : mapping
        Plate -> its row of plates.tsv.
    """

    def __init__(self, rows: Mapping[str, Mapping[str, Any]]):
        self._rows = rows

    @cached_property
    def _places(self) -> dict[str, Place]:
        return {plate: place_of(row["raw"]) for plate, row in self._rows.items()}

    def naming(self, plate: str) -> dict[str, Any]:
        """How the files of a plate are named: arguments of `livedead.readers.index.index_plate`.

        ``plate_names`` are empty where `file_pattern` does not ask for them, so that a new barcode is no
        reason to index the plate again.
        """
        row = self._rows[plate]
        names = [plate, row["barcode"]] if PLATE_PLACE in (row["file_pattern"] or "") else []
        return {
            **{name: row[name] for name in ("files", "file_pattern", "well_numbers")},
            "plate_names": list(dict.fromkeys(names)),
        }

    def _claim(self, plate: str) -> dict[str, Any]:
        """What a plate claims of its own folder: arguments of `livedead.readers.claims.Claim`."""
        by_pattern = self._rows[plate]["format"] == "pattern"
        return {"plate": plate, "by_pattern": by_pattern, **self.naming(plate)}

    def siblings(self, plate: str) -> list[dict[str, Any]]:
        """What other plates claim of a plate's folder, likewise."""
        found = []
        for other, place in self._places.items():
            seen = seen_from(self._places[plate], place) if other != plate else None
            if seen is not None:
                found.append({**self._claim(other), "above": seen[0], "below": seen[1]})
        return found

    @cached_property
    def parted(self) -> dict[str, list[dict[str, Any]]]:
        """The first plate of each folder that plates take parts of -> what all plates claim of it."""
        first: dict[object, str] = {}
        for plate, place in self._places.items():
            first.setdefault(place.ids[0], plate)
        claims = {plate: [self._claim(plate), *self.siblings(plate)] for plate in first.values()}
        return {
            plate: of_folder
            for plate, of_folder in claims.items()
            if len(of_folder) > 1 or of_folder[0]["files"] or of_folder[0]["plate_names"]
        }

    def problems(self, lines: Mapping[str, object]) -> Iterator[tuple[str, str, str]]:
        """(plate, column, what is wrong) of folders that hold results, or other plates that nothing parts.

        Parameters
        ----------
        lines : mapping
            Plate in small letters -> its line in plates.tsv.
        """
        results = place_of("results").ids
        for plate, place in self._places.items():
            raw = repr(self._rows[plate]["raw"])
            simulated = place_of(f"results/simulated/{plate}/raw").ids[0]
            if results[0] in place.ids and place.ids[0] != simulated:
                wrong = "lies in results/, where the workflow writes; name the export's folder"
                yield plate, "raw", f"{raw} {wrong}"
            if place.ids[0] in results[1:]:
                move = "start Snakemake in another folder, or move the images into one of their own"
                yield plate, "raw", f"{raw} holds results/, where the workflow writes; {move}"
        yield from self._unparted(lines)

    def _unparted(self, lines: Mapping[str, object]) -> Iterator[tuple[str, str, str]]:
        def named(plate: str) -> str:
            line, raw = lines[plate.lower()], self._rows[plate]["raw"]
            return f"the folder of plate {plate} (line {line}: {raw!r})"

        owners: dict[object, str] = {}
        alike: dict[object, str] = {}
        for plate, place in self._places.items():
            owner = owners.setdefault(place.ids[0], plate)
            if not (self._takes_part(owner) and self._takes_part(plate)):
                if owner != plate:
                    yield plate, "raw", f"{self._rows[plate]['raw']!r} is {named(owner)}; {_PART}"
                continue
            own = self._claim(plate)
            pattern = (own["file_pattern"], *own["plate_names"]) if own["by_pattern"] else None
            twin = alike.setdefault((place.ids[0], own["files"].casefold(), pattern), plate)
            if twin != plate:
                column = "files" if own["files"] else "file_pattern"
                text = self._rows[plate][column]
                yield plate, column, f"{text!r} is that of plate {twin} (line {lines[twin.lower()]}); {_PART}"
        for plate, place in self._places.items():
            for owner in dict.fromkeys(owners[folder] for folder in place.ids[1:] if folder in owners):
                if not self._takes_part(owner):
                    outer = f"{self._rows[plate]['raw']!r} lies in {named(owner)}"
                    yield plate, "raw", f"{outer}, which would count its images too; give that one 'files'"

    def _takes_part(self, plate: str) -> bool:
        """Whether a plate says which files of its folder are its own."""
        row = self._rows[plate]
        return bool(row["files"]) or row["format"] == "pattern"
