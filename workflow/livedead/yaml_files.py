"""YAML that people write, safe from aliases that unfold into more than fits in memory."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from livedead.errors import ConfigError

MAX_VALUES = 100_000
"""A limit far above real files: a network of 200 layers has 3,000 values."""


def read(path: str | Path) -> Any:
    """The values of a YAML or JSON file, in UTF-8.

    Raises
    ------
    ConfigError
        If it is not YAML in UTF-8, is nested too deep, or has aliases that unfold into more than
        `MAX_VALUES` values.
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
        Naming the line that is not UTF-8.
    """
    content = Path(path).read_bytes()
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise ConfigError(f"{path}: line {line}: not UTF-8 text; save the file as UTF-8") from error


def compose(text: str, where: object) -> yaml.Node | None:
    """The nodes of a YAML text, its aliases not unfolded yet; refuses what `read` refuses."""
    try:
        root = yaml.compose(text, yaml.SafeLoader)
    except RecursionError as error:
        raise ConfigError(f"{where}: nested too deep") from error
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = "" if mark is None else f" line {mark.line + 1}:"
        raise ConfigError(
            f"{where}:{line} not YAML: {error.problem}; look for a tab, a colon, or an open bracket or "
            "quotation mark, in this line or the one above"
        ) from error
    check_size(root, where)
    return root


def check_size(values: Any, where: object) -> None:
    """Refuse values that share parts so often that, written out, they would fill the memory.

    In nine lines of YAML, each a list that names the one above nine times, whoever prints, copies or
    checks them meets 400 million values.

    Raises
    ------
    ConfigError
    """
    sizes: dict[int, float] = {}

    def size(value: Any) -> float:
        if id(value) not in sizes:
            sizes[id(value)] = float("inf")  # stays so if it contains itself
            sizes[id(value)] = 1 + sum(map(size, _parts(value)))
        return sizes[id(value)]

    if size(values) > MAX_VALUES:
        raise ConfigError(
            f"{where}: its aliases (*name) unfold into more than {MAX_VALUES:,} values; write the values out"
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
