"""Metadata files that list the images of one plate."""

from livedead.readers.one_plate import claiming_alike, refuse_several
from livedead.readers.scan import Plane

_NAN = float("nan")


def listed_once(planes_of: dict[str, list[Plane]]) -> list[Plane]:
    """The planes that several metadata files list.

    Parameters
    ----------
    planes_of : dict
        Relative path of a metadata file -> the planes that it lists.

    Raises
    ------
    ExportError
        If two list the same plane, and be it of another hour: they are of two plates.
    """
    alike = claiming_alike(
        (plane._replace(hours=_NAN, clock=_NAN), path)
        for path, planes in planes_of.items()
        for plane in planes
    )
    refuse_several(
        "indices of the same images", {path: (plane, _files_of(path)) for path, plane in alike.items()}
    )
    return [plane for planes in planes_of.values() for plane in planes]


def _files_of(index: str) -> str:
    """What `files` in plates.tsv has to say for an index and its images."""
    folder, _, name = index.rpartition("/")
    return f"{folder}/**" if folder else f"{name.rpartition('.')[0]}*"
