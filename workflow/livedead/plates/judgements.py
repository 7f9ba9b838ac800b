"""Judgements of a reviewer who saw cells without their states, as the page of the sample gives them."""

from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from livedead.errors import CorrectionError
from livedead.plates.records import check_version, read_record, record_files, record_list

FORMAT, VERSION = "judgements", 1
JUDGED = ("live", "dead", "ambiguous", "none")
"""What a reviewer can say; ``none``: it is no cell."""


class Judgements(NamedTuple):
    """What one reviewer said.

    Attributes
    ----------
    file : str
        Where it is written.
    reviewer : str
    cells_sha256 : str
        The cells that the sample was drawn from, see `livedead.wells.blind_review.cells_sha256`.
    n_drawn, seed : int
        How it was drawn.
    judged : dict of int -> str
        Number of a cell in the sample -> one of `JUDGED`.
    """

    file: str
    reviewer: str
    cells_sha256: str
    n_drawn: int
    seed: int
    judged: dict[int, str]


def judgement_files(folder: str) -> dict[str, list[Path]]:
    """Plate -> its files of judgements in a folder, in the order of their names; none if it is not there.

    Raises
    ------
    CorrectionError
        If a file in it cannot be read.
    """
    return record_files(folder, FORMAT)


def read_judgements(files: Iterable[str | Path]) -> list[Judgements]:
    """What each reviewer said.

    Raises
    ------
    CorrectionError
        If a file cannot be read, or two are of one reviewer.
    """
    found: dict[str, Judgements] = {}
    for file in files:
        read = _read(str(file))
        if read.reviewer in found:
            raise CorrectionError(
                f"{file} and {found[read.reviewer].file}: both are of the reviewer {read.reviewer!r}; keep "
                "the one that counts, or write another name into the page and download it again"
            )
        found[read.reviewer] = read
    return list(found.values())


def _read(file: str) -> Judgements:
    record = read_record(file)
    check_version(record, VERSION, file)
    judged: dict[int, str] = {}
    try:
        for written in record_list(record, "judgements", file):
            cell, said = int(written["cell"]), written["judged"]
            if said not in JUDGED:
                raise CorrectionError(f"{file}: cell {cell}: judged {said!r}; allowed: {', '.join(JUDGED)}")
            judged[cell] = said
        reviewer, sha256 = str(record["reviewer"]).strip(), str(record["cells_sha256"])
        n_drawn, seed = int(record["cells"]), int(record["seed"])
    except (KeyError, TypeError, ValueError) as error:
        raise CorrectionError(
            f"{file}: not judgements: {error!r}; download it from the page again"
        ) from error
    return Judgements(file, reviewer, sha256, n_drawn, seed, judged)
