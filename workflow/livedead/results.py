"""What lies under results/ beside the files of this run."""

from collections.abc import Iterable
from pathlib import Path

INDEX = "images.tsv"
"""What every plate has before anything else, and no other folder."""


def plates_not_in_sheet(results: str | Path, plates: Iterable[str]) -> list[str]:
    """Plates with results that the sheet does not name, sorted: taken out, or renamed.

    Parameters
    ----------
    results : path
        The folder ``results``; it need not be there.
    plates : iterable of str
        Those of plates.tsv.
    """
    indexed = {path.parent.name for path in Path(results).glob(f"*/{INDEX}")}
    return sorted(indexed - set(plates))
