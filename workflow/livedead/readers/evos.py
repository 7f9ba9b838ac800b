"""EVOS (FL Auto, M7000): names such as ``LiveDead2_Plate_R_p00_z00_0_A01f00d0.TIF``."""

from livedead.errors import ExportError
from livedead.plates.geometry import ROW_LETTERS
from livedead.readers.folder import RawFolder
from livedead.readers.one_plate import named_like, refuse_folders, refuse_several
from livedead.readers.presets import read_names
from livedead.readers.scan import Plane, Scan

PATTERN = (
    r"(?P<scan>[^/]+)_(?P<made>T?[RMD]\d*)_p(?P<timepoint>\d+)_(?:z(?P<z>\d+)_)?(?P<number>\d+)_"
    rf"(?P<well>{ROW_LETTERS}\d{{2}})f(?P<field>\d+)(?P<channel>d\d+)\.tiff?"
)
"""Raw, merged or as displayed, each single or tiled; then timepoint, focal plane, a number, well, field."""


def scan(folder: RawFolder) -> Scan:
    """Read the names of raw images; timepoints, focal planes and fields count from 0, as do channels: ``d0``.

    Raises
    ------
    ExportError
        If the files are of several scans, or differ in a number of which it is not known what it counts.
    """
    scanned = Scan([], "names such as 'LiveDead2_Plate_R_p00_0_A01f00d0.TIF'")
    scans: dict[str, tuple[str, str]] = {}
    numbers: dict[str, str] = {}
    for path, said in read_names(folder, PATTERN):
        name, made, number = said.pop("scan"), said.pop("made"), said.pop("number")
        if made.upper() != "R":
            scanned.passed_over[path] = "merged, tiled or as displayed: made of raw images"
            continue
        scans.setdefault(name, (path, named_like(f"{name}_R_*", path)))
        numbers.setdefault(number, path)
        scanned.planes.append(Plane.from_texts(path, **said))
    refuse_several("scans", scans)
    refuse_folders(scanned.planes)
    if len(numbers) > 1:
        raise ExportError(
            f"{' and '.join(numbers.values())} differ in the number before the well; say what it counts, "
            "with format 'pattern' in plates.tsv and a file_pattern such as "
            "'_R_p*_{timepoint}_{well}f{field}{channel}'"
        )
    return scanned
