"""OME-TIFF: planes, wells and positions from the OME-XML, wells from names where it has none."""

import logging
import re
from contextlib import suppress
from pathlib import Path
from typing import Any

from livedead.errors import ExportError, FieldError
from livedead.images import read_header
from livedead.metadata import OmeDocument, is_ome, read_ome
from livedead.plates import well_name
from livedead.readers.pattern import compiled, words
from livedead.readers.planes import Scan, beside, plane, read_bytes, unreadable_rows

log = logging.getLogger(__name__)

SUFFIXES = (".ome.tif", ".ome.tiff", ".ome.btf", ".ome.tf2", ".ome.tf8")


def scan(raw: Path, files: list[str], file_pattern: str | None) -> Scan:
    """Read the OME-XML of every OME-TIFF, and ``.companion.ome`` files.

    A well is that of the document's plate; else that which a file's name has as a word, or as a
    group of `file_pattern`; else that in the image's name. Channels are named as in the
    document; fields and timepoints count from 1.
    """
    expression = compiled(file_pattern) if file_pattern else None
    rows: dict[tuple[str, int], dict[str, Any]] = {}
    passed_over: dict[str, str] = {}
    unreadable: dict[str, dict[str, str]] = {}
    known_files = set(files)
    counts: dict[str, int] = {}
    documents: list[tuple[str, OmeDocument]] = []
    for path in files:
        if path.lower().endswith(".companion.ome"):
            documents.append((path, read_ome(read_bytes(raw, path), raw / path)))
        elif path.lower().endswith(SUFFIXES):
            try:
                header = read_header(raw / path)
                document = read_ome(header.description, raw / path) if is_ome(header.description) else None
            except (FieldError, ExportError) as error:
                log.warning("%s", error)
                named = _named(expression, path)
                if named is None:
                    passed_over[path] = f"not readable, and no well in its name: {error}"
                else:
                    unreadable[path] = named
                continue
            counts[path] = header.pages
            if document is None:
                passed_over[path] = "no OME-XML inside"
            else:
                documents.append((path, document))
    for path, document in documents:  # a companion may list files of any name
        for file in {beside(path, found.file, path) for found in document.planes if found.file} - set(counts):
            if file in known_files:
                with suppress(FieldError):  # the gate says so of the fields
                    counts[file] = read_header(raw / file).pages
    sizes = set()
    for path, document in documents:
        fields: dict[str, int] = {}
        for found in document.planes:
            file = path if found.file in ("", Path(path).name) else beside(path, found.file, path)
            named = _named(expression, file)
            if found.image in document.wells:
                row, column, field = document.wells[found.image]
                named = {**(named or {}), "well": well_name(row, column), "field": str(field)}
            named = named or words(f"{document.image_names[found.image]}.")
            if named is None:
                raise ExportError(
                    f"{raw / file}: no well in its OME-XML, nor its name; give 'file_pattern' in config.yaml"
                )
            if "field" not in named:
                named["field"] = str(
                    fields.setdefault(f"{named['well']} {found.image}", _next(fields, named))
                )
            timepoint = int(named.pop("timepoint", None) or 1) + found.timepoint
            # In a set of files each holds the whole document: the first that tells of a page counts.
            problem = "missing_plane" if found.page < 0 or found.page >= counts.get(file, 10**9) else ""
            if file not in known_files:
                problem = "missing_file"
            row_ = plane(
                file,
                **{"channel": found.channel, **named},
                timepoint=str(timepoint),
                z=str(found.z + 1),
                page=max(found.page, 0),
                pages=counts.get(file, 1),
                x_um=found.x_um,
                y_um=found.y_um,
                problem=problem,
            )
            sizes.add(found.pixel_size_um)
            key = (file, found.page) if found.page >= 0 else (f"{file} {found}", -1)
            rows.setdefault(key, row_)
    found_rows = list(rows.values())
    listed = {row["path"] for row in found_rows}
    found_rows += unreadable_rows(
        found_rows, {path: named for path, named in unreadable.items() if path not in listed}
    )
    scanned = Scan(found_rows, "OME-XML in the images", by_metadata=True, passed_over=passed_over)
    if len(sizes) == 1 and (size := sizes.pop()) == size:
        scanned.expected["pixel_size_um"] = size
    return scanned


def _named(expression: re.Pattern[str] | None, path: str) -> dict[str, str] | None:
    """What a file's name says, by the user's pattern if there is one that fits."""
    match = expression.fullmatch(path) if expression else None
    return {key: text for key, text in match.groupdict().items() if text} if match else words(path)


def _next(fields: dict[str, int], named: dict[str, str]) -> int:
    """Number of the next field of a well whose document does not number its fields."""
    return 1 + sum(key.startswith(f"{named['well']} ") for key in fields)
