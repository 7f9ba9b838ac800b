"""Files of drawn objects, by the path with placeholders that plates.tsv gives."""

import glob
import string
from collections.abc import Iterable, Iterator
from typing import Any


def mask_files(masks: str, wells: Iterable[str]) -> list[str]:
    """The files of drawn objects that there are of these wells, sorted.

    Parameters
    ----------
    masks : str
        The column ``masks`` of plates.tsv: a path with ``{well}``, ``{field}`` and ``{timepoint}`` in
        it, each of which may have a format, such as ``{field:02d}``; empty for none.
    """
    any_number = _AnyNumber()
    patterns = (
        _GlobPattern().format(masks, well=well, field=any_number, timepoint=any_number)
        for well in (wells if masks else ())
    )
    return sorted({path for pattern in patterns for path in glob.iglob(pattern)})  # noqa: PTH207 (absolute, too)


class _AnyNumber:
    """Stands in a pattern for a number that is not known yet, whatever its format."""

    def __format__(self, spec: str) -> str:
        return "*"


class _GlobPattern(string.Formatter):
    """Makes a pattern for `glob` of a path with replacement fields; its own stars mean stars."""

    def parse(self, format_string: str) -> Iterator[Any]:
        return ((glob.escape(text), *field) for text, *field in super().parse(format_string))
