"""YAML that people write, read without what its aliases can unfold into."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from livedead.errors import ConfigError

MAX_VALUES = 100_000
"""The largest file of this kind, a network of 200 layers, holds 3,000."""


def read(path: str | Path) -> Any:
    """The values of a YAML or JSON file, in UTF-8.

    Raises
    ------
    ConfigError
        If its aliases unfold into more than `MAX_VALUES` values, or if it is nested too deep.
    """
    text = decoded(path)
    # Before the values are made: merged mappings (<<) unfold while they are.
    compose(text, path)
    return yaml.safe_load(text)


def decoded(path: str | Path) -> str:
    """The text of a file in UTF-8.

    Raises
    ------
    ConfigError
        Naming the line that is no such text.
    """
    content = Path(path).read_bytes()
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise ConfigError(f"{path}: line {line}: no UTF-8 text; save the file in UTF-8") from error


def compose(text: str, where: object) -> yaml.Node | None:
    """The nodes of a YAML text, which is not unfolded yet; `read` says what is refused."""
    try:
        root = yaml.compose(text, yaml.SafeLoader)
    except RecursionError as error:
        raise ConfigError(f"{where}: nested too deep to be meant") from error
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = "" if mark is None else f" line {mark.line + 1}:"
        raise ConfigError(
            f"{where}:{line} no YAML: {error.problem}; look for a tab, a colon, or a bracket or quotation "
            "mark that is not closed, there or in the line above"
        ) from error
    check_size(root, where)
    return root


def check_size(values: Any, where: object) -> None:
    """Refuse values that share parts so often that they would fill the memory once written out.

    Nine lines of YAML can name one list nine times in each of nine others: whoever prints, copies or
    checks them goes through 400 million values.

    Raises
    ------
    ConfigError
    """
    sizes: dict[int, float] = {}

    def size(value: Any) -> float:
        if id(value) not in sizes:
            sizes[id(value)] = float("inf")  # what it is while it holds itself
            sizes[id(value)] = 1 + sum(map(size, _parts(value)))
        return sizes[id(value)]

    if size(values) > MAX_VALUES:
        raise ConfigError(
            f"{where}: its aliases (*name) unfold into over {MAX_VALUES:,} values; write out what is meant"
        )


def _parts(value: Any) -> Iterator[Any]:
    if isinstance(value, yaml.MappingNode):
        for pair in value.value:
            yield from pair
    elif isinstance(value, yaml.SequenceNode):
        yield from value.value
    elif isinstance(value, dict):
        yield from value.values()
    elif isinstance(value, list):
        yield from value
