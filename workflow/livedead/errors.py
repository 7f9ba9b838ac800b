"""The one family of errors, whose messages are written for the user.

A message says what is wrong, where (plate, well, field, file), what is allowed, what was found, and what
to do.
"""

import difflib
from collections.abc import Iterable


class LivedeadError(Exception):
    """Base class of every error that a user can act on."""


class ConfigError(LivedeadError):
    """A configuration value, or a combination of values, that cannot work."""


class SheetError(LivedeadError):
    """A table that people write (plates.tsv, a plate map) and that cannot be read as it is meant."""


class ExportError(LivedeadError):
    """A folder of raw images without what its format requires."""


class PackageError(ExportError):
    """Raw images that a package reads which is not installed."""


class StoreError(LivedeadError):
    """A file between two rules that is missing, damaged, or of another kind than expected."""


class CorrectionError(LivedeadError):
    """Corrections by hand that cannot be read, or do not fit the cells that were counted."""


class CountError(LivedeadError):
    """Counts that do not add up: between two tables, cells were lost or counted twice."""


class WeightsError(LivedeadError):
    """A weight file that cannot be converted without guessing; the message lists every problem."""

    def __init__(self, path: object, problems: list[str]):
        self.problems = problems
        listed = "\n".join(f"  - {problem}" for problem in problems)
        super().__init__(f"{path}: {len(problems)} problem(s):\n{listed}")


class FieldError(LivedeadError):
    """A field that cannot be trusted: it gets the status ``failed``, and the run goes on.

    Parameters
    ----------
    code : str
        Stable, machine-readable reason, one of `FieldError.CODES`.
    message : str
        The same for people: file, what is expected, what was found.
    """

    CODES = (
        "missing_file",
        "missing_channel",
        "missing_plane",
        "acquisition_failed",
        "doubled",
        "unreadable",
        "truncated",
        "changed_since_index",
        "wrong_dtype",
        "wrong_shape",
        "wrong_layout",
        "too_large",
        "timed_out",
        "out_of_range",
        "blank",
        "not_normalized",
        "not_separated",
        "not_finite",
        "excluded_qc",
        "rejected",
    )

    def __init__(self, code: str, message: str):
        if code not in self.CODES:
            raise ValueError(f"unknown field error code {code!r}")
        self.code = code
        super().__init__(message)


def nearest(name: str, known: Iterable[str]) -> str:
    """`` (did you mean 'x'?)`` with the known name closest to `name`; empty if none is close."""
    found = difflib.get_close_matches(name, list(known), n=1)
    return f" (did you mean {found[0]!r}?)" if found else ""
