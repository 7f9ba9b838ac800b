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


def not_in_sheet(plate: str, sheet: str) -> str:
    """What to tell of a plate from `plates_not_in_sheet`; `sheet` is the path of plates.tsv."""
    return (
        f"results/{plate}: this plate is not in {sheet}, so no table of this run counts it; delete the "
        "folder, or put the plate's row back"
    )
