"""Files that people download from a page and bring back: JSON that says under ``livedead`` what it is."""

import json
from collections import defaultdict
from pathlib import Path
from typing import Any

from livedead.errors import CorrectionError


def record_files(folder: str | Path, what: str) -> dict[str, list[Path]]:
    """Plate -> its files of one kind in a folder, in the order of their names; others are passed over.

    Raises
    ------
    CorrectionError
        If a file in the folder cannot be read.
    """
    found = defaultdict(list)
    for file in sorted(Path(folder).glob("*.json")):
        record = read_record(file)
        if record["livedead"] == what:
            plate = record.get("plate")
            if not isinstance(plate, str):
                raise CorrectionError(f"{file}: 'plate' is {plate!r}; needed: the plate's name")
            found[plate].append(file)
    return dict(found)


def read_record(file: str | Path) -> dict[str, Any]:
    """What a file holds.

    Raises
    ------
    CorrectionError
        If it cannot be read, or is not from a page.
    """
    try:
        record = json.loads(Path(file).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise CorrectionError(f"{file}: cannot be read: {error}; download it from the page again") from error
    if not isinstance(record, dict) or "livedead" not in record:
        raise CorrectionError(
            f"{file}: not a file of corrections or judgements; take it out, or download it from the page "
            "again"
        )
    return record


def check_version(record: dict[str, Any], version: int, where: str) -> None:
    """Raise if a record is of another version of its format."""
    if record.get("version") != version:
        raise CorrectionError(
            f"{where}: version {record.get('version')} of the format; this release reads {version}. "
            "Use the page that this release makes"
        )


def record_list(record: dict[str, Any], name: str, where: str) -> list[Any]:
    """A list of the record; raises if it is none."""
    if not isinstance(record.get(name), list):
        raise CorrectionError(f"{where}: no list {name!r}; download it from the page again")
    return list(record[name])
