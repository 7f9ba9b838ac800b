"""What an option of a layer may be: ``count()`` must be given, ``count(1)`` is 1 if it is not."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

REQUIRED = object()
"""Default of an option that must be given."""


@dataclass(frozen=True)
class Option:
    """One option: whether a value is possible, the same in words, and its default, which always is."""

    allows: Callable[[Any], bool]
    expected: str
    default: Any = REQUIRED


def one_of(*names: str) -> Callable[..., Option]:
    """Options that are one of a few texts."""
    return partial(
        Option, lambda value: isinstance(value, str) and value in names, f"one of {', '.join(names)}"
    )


def is_side(value: Any) -> bool:
    """Whether a value can be a number of pixels or channels."""
    return isinstance(value, int) and not isinstance(value, bool) and 0 < value < 2**24


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _is_width(value: Any) -> bool:
    return isinstance(value, int) and 0 <= value < 2**20


def _one_or_two(is_possible: Callable[[Any], bool]) -> Callable[[Any], bool]:
    def is_one_or_two(value: Any) -> bool:
        is_pair = isinstance(value, list | tuple) and len(value) == 2
        return is_possible(value) or (is_pair and all(map(is_possible, value)))

    return is_one_or_two


def _are_integers(value: Any) -> bool:
    return isinstance(value, list | tuple) and all(isinstance(side, int) for side in value)


_are_widths = _one_or_two(_one_or_two(_is_width))
_WIDTHS = "a width, or [[top, bottom], [left, right]]"

count = partial(Option, is_side, "a positive number")
counts = partial(Option, _one_or_two(is_side), "a positive number, or two")
number = partial(Option, _is_number, "a number")
switch = partial(Option, lambda value: isinstance(value, bool), "true or false")
axis = partial(Option, lambda value: isinstance(value, int), "an axis")
shape = partial(Option, _are_integers, "a list of sides")
widths = partial(Option, _are_widths, _WIDTHS)


def padding(*names: str) -> Callable[..., Option]:
    """Options that are rows and columns of padding, or the name of a rule for them."""
    return partial(
        Option,
        lambda value: value in names or _are_widths(value),
        ", ".join([*map(repr, names), _WIDTHS]),
    )
