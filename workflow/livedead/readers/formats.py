"""Every format, and which of them a folder is of."""

from collections.abc import Callable

from livedead.errors import ExportError, SheetError
from livedead.readers import (
    acquifer,
    cellomics,
    cellvoyager,
    cq1,
    cytation,
    czi,
    evos,
    hdf5,
    imagexpress,
    incell,
    incucyte,
    metamorph,
    nd2,
    ome,
    ome_zarr,
    operetta,
    scanr,
    user_pattern,
)
from livedead.readers.folder import RawFolder, is_image
from livedead.readers.foreign import describe_foreign, foreign_kind
from livedead.readers.scan import Scan

Reader = Callable[[RawFolder], Scan]

FORMATS: dict[str, Reader] = {
    "imagexpress": imagexpress.scan,
    "operetta": operetta.scan,
    "cellvoyager": cellvoyager.scan,
    "cq1": cq1.scan,
    "incell": incell.scan,
    "cellomics": cellomics.scan,
    "metamorph": metamorph.scan,
    "scanr": scanr.scan,
    "acquifer": acquifer.scan,
    "cytation": cytation.scan,
    "evos": evos.scan,
    "incucyte": incucyte.scan,
    "hdf5": hdf5.scan,
    "ome": ome.scan,
    "nd2": nd2.scan,
    "czi": czi.scan,
    "ome_zarr": ome_zarr.scan,
}
"""Export format -> its reader: folder -> what it found."""
_LOOKED_INTO = 200
"""Files of a folder of no known format that are looked into."""


def scan_folder(folder: RawFolder, export_format: str) -> tuple[str, Scan]:
    """The format and what its reader found; for ``auto``, the only one that finds anything."""
    readers = {**FORMATS, "pattern": user_pattern.scan}
    if export_format == "auto":
        return _recognised(folder)
    if export_format not in readers:
        known = ", ".join(["auto", *readers])
        raise ExportError(f"unknown format {export_format!r} in plates.tsv; known: {known}")
    scan = readers[export_format](folder)
    if not scan.planes:
        raise ExportError(
            f"no file in {folder.path} is of format {export_format}: "
            f"{_what_is_there(folder, {export_format: scan})}"
        )
    return export_format, scan


def _recognised(folder: RawFolder) -> tuple[str, Scan]:
    scans: dict[str, Scan] = {}
    errors: dict[str, ExportError | SheetError] = {}
    for name, reader in FORMATS.items():
        try:
            scans[name] = reader(folder)
        except (ExportError, SheetError) as error:
            errors[name] = error
    found = {name: scan for name, scan in scans.items() if scan.planes}
    if len(found) + len(errors) == 1:
        if errors:
            raise next(iter(errors.values()))
        return next(iter(found.items()))
    if found or errors:
        explained = {
            name: {plane.path for plane in scan.planes} & folder.known for name, scan in found.items()
        }
        n_images = len({path for path in folder.files if is_image(path)}.union(*explained.values()))
        candidates = [
            f"{name} (explains {len(explained[name])} of {n_images} image files, by {scan.evidence})"
            for name, scan in found.items()
        ]
        candidates += [f"{name} ({error})" for name, error in errors.items()]
        raise ExportError(
            f"format 'auto' in plates.tsv, but {folder.path} may be: {'; '.join(candidates)}; "
            "write the right one into plates.tsv"
        )
    raise ExportError(
        f"format 'auto' in plates.tsv, but {folder.path} is of no known format ({', '.join(FORMATS)}): "
        f"{_what_is_there(folder, scans)}"
    )


def _what_is_there(folder: RawFolder, scans: dict[str, Scan]) -> str:
    """What the files are that no reader takes, and what to do."""
    foreign = describe_foreign(folder.path, folder.files)
    unknown = [
        path
        for path in folder.files
        if is_image(path) and not any(path in scan.passed_over for scan in scans.values())
    ]
    unknown = [path for path in unknown[:_LOOKED_INTO] if not foreign_kind(folder.path, path)]
    said = [
        f"{len(scan.passed_over)} file(s) for {name}, such as {path}: {why}"
        for name, scan in scans.items()
        for path, why in list(scan.passed_over.items())[:1]
    ]
    user = user_pattern.file_pattern(folder)
    named = [] if user is None else [path for path in folder.files if user.read(path)]
    if named:
        said.append(
            f"file_pattern fits {len(named)} file(s), such as {named[0]}; if these are the images, write "
            "'pattern' into the column 'format' of plates.tsv"
        )
    elif user is not None and (unknown or said):
        said.append(f"file_pattern fits none: {user.nearest(folder.files)}")
    elif unknown:
        advice = (
            "use format 'pattern' with 'file_pattern' in config.yaml, such as '{well}_f{field}_{channel}'"
        )
        said.append(f"{', '.join(unknown[:3])}; {advice}")
    if foreign:
        said.insert(0, foreign)
    if not said and folder.files:
        said.append(f"{', '.join(folder.files[:3])}; none is TIFF, PNG or HDF5: export 16-bit grey TIFF")
    return "; ".join(said) or "no file at all"
