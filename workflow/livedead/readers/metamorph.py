"""MetaMorph's multi-dimensional acquisitions: an ``.nd`` file, and images such as ``x_w1BF_s1_t1.TIF``."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from itertools import product
from typing import Any

from livedead.errors import ExportError
from livedead.images.ome_xml import MAX_PLANES
from livedead.plates.geometry import ROW_LETTERS
from livedead.readers.folder import Listing, RawFolder, is_image
from livedead.readers.indices import listed_once
from livedead.readers.names import words
from livedead.readers.scan import Plane, Scan, well_at

SUFFIX = ".nd"
_LINE = re.compile(r'"(?P<key>\w+)"\s*,\s*(?P<value>.*?)\s*')
_ROW_AND_COLUMN = re.compile(
    rf"\brow[\W_]*({ROW_LETTERS})[\W_]+col(?:umn)?[\W_]*(\d{{1,2}})(?!\d)", re.IGNORECASE
)
_ADVICE = (
    "write the wells into the labels of the .nd file, such as 'B03' or 'B03 site 2'; or, if the names of the "
    "images tell the wells, use format 'pattern' with 'file_pattern' in config.yaml"
)


def scan(folder: RawFolder) -> Scan:
    """Read each ``.nd`` file, and find the images that it promises.

    Wells come from the labels of the stage positions, and fields count the positions of a well in their
    order. Channels are ``w1``, ``w2``, ..., named as the wavelengths; focal planes are the pages of a file.

    Raises
    ------
    ExportError
        If a label names no well or several, or two files name a wavelength differently or list
        the same plane.
    """
    acquisitions = [
        path
        for path in folder.files
        if path.lower().endswith(SUFFIX) and b'"NDInfoFile"' in folder.read_bytes(path)[:4096]
    ]
    scanned = Scan([], " and ".join(acquisitions), by_metadata=True)
    images: dict[str, list[str]] = defaultdict(list)
    for name in filter(is_image, folder.by_name):
        images[_stem(name.rpartition(".")[0])].append(name)
    planes_of, stated = {}, []
    for path in acquisitions:
        source = folder.path / path
        try:
            acquisition = Acquisition(folder.read_bytes(path).decode("latin-1"), folder.n_wells)
        except ValueError as error:
            raise ExportError(f"{source}: {error}") from error
        for channel, wave in acquisition.channel_names.items():
            known = scanned.channel_names.setdefault(channel, wave)
            if known != wave:
                raise ExportError(
                    f"{source}: {channel} is {wave!r}, in another .nd file of this folder {known!r}; "
                    "give each acquisition a row of plates.tsv of its own"
                )
        listing = Listing(folder, path)
        planes_of[path] = list(acquisition.planes(path.rpartition("/")[2], images, listing))
        scanned.notes += listing.notes()
        stated.append(acquisition.expected())
    scanned.planes = listed_once(planes_of)
    scanned.expect(stated, [])
    return scanned


class Acquisition:
    """What an ``.nd`` file says.

    Parameters
    ----------
    text : str
        Its content.
    n_wells : int
        Size of the plate.

    Raises
    ------
    ValueError
        If something in it cannot be read.
    """

    def __init__(self, text: str, n_wells: int):
        self._values = _settings(text)
        self._n_timepoints = self._count("DoTimelapse", "NTimePoints")
        n_stages, n_waves = self._count("DoStage", "NStagePositions"), self._count("DoWave", "NWavelengths")
        n_z = self._count("DoZSeries", "NZSteps")
        n_planes = n_stages * n_waves * self._n_timepoints * n_z
        if n_planes > MAX_PLANES:
            raise ValueError(f"promises {n_planes:,} planes, of which {MAX_PLANES:,} are allowed")
        self._waves = range(1, n_waves + 1)
        self._n_z = {wave: n_z if self._is(f"WaveDoZ{wave}", "TRUE") else 1 for wave in self._waves}
        if not self._is("DoStage"):
            raise ValueError(f"has no stage positions, whose labels would name the wells; {_ADVICE}")
        self._wells = [
            _well_of(self._values.get(f"Stage{k + 1}", ""), k + 1, n_wells) for k in range(n_stages)
        ]
        self.channel_names = {
            f"w{wave}": self._values[f"WaveName{wave}"]
            for wave in self._waves
            if self._values.get(f"WaveName{wave}")
        }

    def expected(self) -> dict[str, Any]:
        """What it promises, see `Scan.expected`."""
        return {
            "wells": list(dict.fromkeys(self._wells)),
            "channels": len(self._waves),
            "timepoints": self._n_timepoints,
        }

    def planes(self, name: str, images: Mapping[str, list[str]], listing: Listing) -> Iterator[Plane]:
        """The planes that it promises.

        Parameters
        ----------
        name : str
            Of the ``.nd`` file.
        images : mapping
            Stem of an image, as `_stem` writes it -> the names that have it.
        listing : Listing
            Finds them.
        """
        seen: Counter[str] = Counter()
        for stage, well in enumerate(self._wells, start=1):
            seen[well] += 1
            for wave, timepoint in product(self._waves, range(1, self._n_timepoints + 1)):
                if not self._is_taken(wave, timepoint):
                    continue
                stem = name[: -len(SUFFIX)] + self._ending(wave, stage, timepoint)
                for file in images.get(_stem(stem), [f"{stem}.tif"]):
                    path, problem = listing.find(file)
                    plane = Plane(path, well, seen[well], timepoint, f"w{wave}", problem=problem)
                    yield from _focal_planes(plane, self._n_z[wave])

    def _ending(self, wave: int, stage: int, timepoint: int) -> str:
        """What the name of an image has after that of the ``.nd`` file."""
        name = self._values.get(f"WaveName{wave}", "") if self._is("WaveInFileName") else ""
        of_wave = f"_w{wave}{name}" if self._is("DoWave") else ""
        return f"{of_wave}_s{stage}" + (f"_t{timepoint}" if self._is("DoTimelapse") else "")

    def _is_taken(self, wave: int, timepoint: int) -> bool:
        """Whether a wavelength was to be taken at a timepoint; some are taken at every other one only."""
        points = self._values.get(f"WavePointsCollected{wave}")
        return points is None or timepoint in map(int, points.split(","))

    def _is(self, key: str, default: str = "FALSE") -> bool:
        return self._values.get(key, default).upper() == "TRUE"

    def _count(self, switch: str, key: str) -> int:
        """The number that the file gives if its switch is on, else 1; MetaMorph may write 0 for one."""
        return max(int(self._values.get(key, "1")), 1) if self._is(switch) else 1


def _settings(text: str) -> dict[str, str]:
    """Key -> value without quotes; ``WavePointsCollected`` has the number of its wavelength behind it."""
    values: dict[str, str] = {}
    for line in text.splitlines():  # lines of a description have no key
        match = _LINE.fullmatch(line)
        if match is None or match["key"] == "Description":
            continue
        key, value = match["key"], match["value"].removeprefix('"').removesuffix('"')
        if key == "WavePointsCollected":
            wave, _, value = value.partition(",")
            key += wave.strip()
        if values.setdefault(key, value) != value:
            raise ValueError(f"{key} is there twice, {values[key]!r} and {value!r}")
    return values


def _well_of(label: str, number: int, n_wells: int) -> str:
    """The well that the label of a stage position names.

    A row and a column that are both numbers are no well: MetaMorph numbers the tiles of a slide so.
    """
    by_row = _ROW_AND_COLUMN.search(label)
    wells = [well_at(*by_row.groups())] if by_row else words(f"{label}.", n_wells).readings.get("well", [])
    if len(wells) != 1:
        named = f"may name {' or '.join(wells)}" if wells else "names no well"
        raise ValueError(f"the label of stage position {number}, {label!r}, {named}; {_ADVICE}")
    return wells[0]


def _focal_planes(plane: Plane, n: int) -> Iterator[Plane]:
    """The pages of a file that are focal planes, by the first of them."""
    if n > 1 and plane.path.lower().endswith(".stk"):
        raise ExportError(
            f"{plane.path}: a stack of {n} focal planes in MetaMorph's legacy format, which is not read; "
            "save it as TIFF (in MetaMorph: Preferences, Image Save Preference)"
        )
    return (plane._replace(z=page + 1, page=page, pages=n) for page in range(n))


def _stem(name: str) -> str:
    """A name up to what MetaMorph writes differently from the ``.nd`` file: signs, case, leading zeros."""
    return re.sub(r"-([st])0+(?=\d)", r"-\1", re.sub(r"[\W_]", "-", name.lower()))
