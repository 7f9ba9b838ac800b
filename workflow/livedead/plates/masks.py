"""Files of drawn objects, by the path that plates.tsv gives."""

import glob
import string
from collections.abc import Iterable, Iterator
from typing import Any

Key = tuple[str, int, int]
"""Well, field, timepoint."""

OF_A_FIELD, OF_A_TIMEPOINT = "{well}_f{field}.tif", "{well}_f{field}_t{timepoint}.tif"
"""Names in a folder of label images, such as `snakemake labels` writes: of a plate that was imaged once, or
several times."""


def mask_paths(masks: str, keys: Iterable[Key]) -> dict[Key, str]:
    """Where the drawn objects of each field of a plate are.

    Parameters
    ----------
    masks : str
        The column ``masks`` of plates.tsv: a path with ``{well}``, ``{field}`` and ``{timepoint}`` in
        it, each of which may have a format, such as ``{field:02d}``; or a folder of label images.
    keys : iterable of (well, field, timepoint)
        All of the plate.

    Examples
    --------
    >>> mask_paths("masks/{well}_{field:02d}.png", [("A01", 1, 1)])
    {('A01', 1, 1): 'masks/A01_01.png'}
    >>> mask_paths("labels", [("A01", 1, 1), ("A01", 1, 2)])
    {('A01', 1, 1): 'labels/A01_f1_t1.tif', ('A01', 1, 2): 'labels/A01_f1_t2.tif'}
    """
    listed = list(keys)
    several = len({timepoint for _, _, timepoint in listed}) > 1
    pattern = masks if _is_pattern(masks) else f"{masks}/{OF_A_TIMEPOINT if several else OF_A_FIELD}"
    return {key: pattern.format(well=key[0], field=key[1], timepoint=key[2]) for key in listed}


def mask_files(masks: str, wells: Iterable[str]) -> list[str]:
    """The files of drawn objects that there are of these wells, sorted.

    Parameters
    ----------
    masks : str
        See `mask_paths`; empty for none.
    """
    any_number = _AnyNumber()
    # The number of a field may be anything, also one with a timepoint behind it.
    pattern = masks if _is_pattern(masks) else f"{masks}/{OF_A_FIELD}"
    patterns = (
        _GlobPattern().format(pattern, well=well, field=any_number, timepoint=any_number)
        for well in (wells if masks else ())
    )
    return sorted({path for found in patterns for path in glob.iglob(found)})  # noqa: PTH207 (absolute, too)


def _is_pattern(masks: str) -> bool:
    return "{" in masks


class _AnyNumber:
    """Stands in a pattern for a number that is not known yet, whatever its format."""

    def __format__(self, spec: str) -> str:
        return "*"


class _GlobPattern(string.Formatter):
    """Makes a pattern for `glob` of a path with replacement fields; its own stars mean stars."""

    def parse(self, format_string: str) -> Iterator[Any]:
        return ((glob.escape(text), *field) for text, *field in super().parse(format_string))
