"""The schema of the configuration: unknown keys, values that are not allowed, defaults."""

import copy
import itertools
import math
from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

import yaml

from livedead.configuration.agreement import contradictions
from livedead.configuration.written import COMMAND_LINE, Key, Place, Written, listed
from livedead.errors import ConfigError, nearest

MOVED: dict[Key, str] = {
    ("labels", "live_dye"): "dyes.total",
    ("labels", "dead_dye"): "dyes.dead",
    ("labels", "dyes", "threshold"): "dyes.threshold.total and dyes.threshold.dead",
    ("labels", "dyes", "live_offset"): "dyes.threshold.total, which takes a number of counts",
    ("labels", "dyes", "dead_offset"): "dyes.threshold.dead, which takes a number of counts",
    ("labels", "dyes", "min_area_px"): "counting.min_area_px, for what is counted",
}
"""Keys of earlier releases, and what to write instead."""


def read_schema(path: str | Path) -> dict[str, Any]:
    """The schema, JSON Schema 2020-12 in YAML."""
    schema: dict[str, Any] = yaml.safe_load(Path(path).read_text())
    return schema


def complete(config: dict[str, Any], schema: Mapping[str, Any]) -> None:
    """Give every key that is not set its default, in place; other values than mappings are left alone."""
    for name, entry in schema.get("properties", {}).items():
        if "default" in entry:
            config.setdefault(name, copy.deepcopy(entry["default"]))
        if isinstance(config.get(name), dict):
            complete(config[name], entry)
    others = schema.get("additionalProperties")
    if isinstance(others, Mapping):
        for name, value in config.items():
            if name not in schema.get("properties", {}) and isinstance(value, dict):
                complete(value, others)


def check(config: Mapping[str, Any], schema: Mapping[str, Any], written: Written) -> None:
    """Check everything that the configuration alone can show to be wrong.

    Parameters
    ----------
    config : mapping
        As it was loaded, without defaults; not changed.
    schema : mapping
        From `read_schema`.
    written : Written
        Where it was written.

    Raises
    ------
    ConfigError
        With every mistake, a line each: file, line, key, value, what is allowed.
    """
    mistakes = list(written.mistakes)
    sound = copy.deepcopy(dict(config))
    # What is unreadable is refused for that, not for what the schema makes of it.
    refused = {**dict(_against_schema(config, schema, written)), **dict(_unreadable(config, ()))}
    for key, wrong in refused.items():
        if key not in written.misread:
            mistakes.append(written.mistake(wrong, key))
        _remove(sound, key, schema["required"])
    if not any(_against_schema(sound, schema, written)):
        complete(sound, schema)
        mistakes += [written.mistake(wrong, *keys) for keys, wrong in contradictions(sound)]
    if mistakes:
        raise ConfigError(listed(mistakes))


def _remove(config: dict[Any, Any], key: Key, required: Iterable[str]) -> None:
    """Remove a wrong value, so that the others can be compared; a list or a needed key as a whole."""
    names = key[:1] if key[0] in list(required) else key
    for part, below in itertools.pairwise(names):
        if isinstance(below, int) or not isinstance(config.get(part), dict):
            names = (part,)
            break
        config = config[part]
    for name in [name for name in config if str(name) == names[-1]]:
        del config[name]


def _unreadable(value: Any, key: Key) -> Iterator[tuple[Key, str]]:
    """Keys that are not text, and numbers that are not finite: no schema can refuse them."""
    if isinstance(value, Mapping):
        for name, below in value.items():
            if not isinstance(name, str):
                yield (*key, str(name)), f"YAML reads this name as {name!r}; put it in quotation marks"
            yield from _unreadable(below, (*key, str(name)))
    elif isinstance(value, list):
        for number, item in enumerate(value):
            yield from _unreadable(item, (*key, number))
    elif isinstance(value, float) and not math.isfinite(value):
        yield key, f"{value}; allowed: a finite number"


def _against_schema(
    config: Mapping[str, Any], schema: Mapping[str, Any], written: Written
) -> Iterator[tuple[Key, str]]:
    """Each key that the schema does not allow, and why, in words."""
    # Imported here: the jobs of a run read the configuration, but do not check it again.
    from jsonschema import Draft202012Validator
    from jsonschema.validators import extend

    # To JSON Schema 2.0 is a whole number; to range() and the like it is not.
    types = Draft202012Validator.TYPE_CHECKER.redefine(
        "integer", lambda checker, value: isinstance(value, int) and not isinstance(value, bool)
    )
    validator = extend(Draft202012Validator, type_checker=types)(schema)
    for error in validator.iter_errors(config):
        key: Key = tuple(error.absolute_path)
        if error.validator == "additionalProperties":
            known = error.schema["properties"]
            unknown = [name for name in error.instance if name not in known and isinstance(name, str)]
            yield from (((*key, name), _unknown((*key, name), known, schema)) for name in unknown)
        elif error.validator == "required":
            needed = [name for name in error.validator_value if name not in error.instance]
            described = error.schema.get("properties", schema["properties"])
            yield from (((*key, name), f"missing: {described[name]['description']}") for name in needed)
        elif "propertyNames" in error.absolute_schema_path:
            allowed = error.schema["description"]
            yield (*key, error.instance), f"the name {error.instance!r}; allowed: {allowed}"
        else:
            yield key, _refused(error.instance, error.schema, written.places.get(key))


def _unknown(key: Key, known: Iterable[str], schema: Mapping[str, Any]) -> str:
    """What to say of an unknown key: the nearest known one, beside it or elsewhere, and those beside it."""
    if key in MOVED:
        return f"this key was replaced; write {MOVED[key]}"
    name = str(key[-1])
    leaves = {leaf[-1]: ".".join(leaf) for leaf in _leaves(schema, ())}
    hint = nearest(name, known)
    if not hint and name in leaves:
        hint = f" (did you mean {leaves[name]!r}?)"
    hint = hint or nearest(name, leaves)
    return f"no such key{hint}; known here: {', '.join(known)}"


def _leaves(schema: Mapping[str, Any], key: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    for name, entry in schema.get("properties", {}).items():
        yield (*key, name)
        yield from _leaves(entry, (*key, name))


def _refused(value: Any, entry: Mapping[str, Any], place: Place | None) -> str:
    """What was written, what is allowed, and how to write what was probably meant."""
    return f"{_shown(value, place)}; allowed: {_allowed(entry)}{_hint(value, entry, place)}"


def _shown(value: Any, place: Place | None) -> str:
    if value is None:
        return "nothing"
    if isinstance(value, Mapping):
        return f"the keys {', '.join(map(str, value))}" if value else "no keys"
    if isinstance(value, str) or place is None or place.text in (None, str(value)):
        text = repr(value)
        return text if len(text) <= 80 else f"{text[:77]}..."
    return f"{place.text}, which YAML reads as {value}"


def _hint(value: Any, entry: Mapping[str, Any], place: Place | None) -> str:
    """How to write a number that became text, or text that became something else."""
    types = _types(entry)
    if place is not None and place.file == COMMAND_LINE and isinstance(value, str):
        return "; Snakemake reads values nested in --config as text: write this one into a file"
    if isinstance(value, str) and {"integer", "number"} & set(types):
        try:
            number = Decimal(value.strip().replace(",", "."))
        except InvalidOperation:
            return ""
        if not number.is_finite() or abs(number.adjusted()) > 30:
            return ""
        quoted = ", without quotation marks" if place is not None and place.quoted else ""
        return f"; write {number:f}{quoted}"
    if isinstance(value, str) and entry.get("enum"):
        return nearest(value, [choice for choice in entry["enum"] if isinstance(choice, str)])
    if isinstance(value, float) and value.is_integer() and "integer" in types:
        return f"; write {value:.0f}"
    wants_text = "string" in types or any(isinstance(choice, str) for choice in entry.get("enum", []))
    if wants_text and not isinstance(value, str | list | dict | None) and place is not None and place.text:
        return f'; to be read as text, it needs quotation marks: "{place.text}"'
    return ""


def _types(entry: Mapping[str, Any]) -> list[str]:
    types = entry.get("type", [])
    return [types] if isinstance(types, str) else list(types)


def _allowed(entry: Mapping[str, Any]) -> str:
    """What a schema allows, in words."""
    if "enum" in entry:
        return ", ".join("null" if choice is None else str(choice) for choice in entry["enum"])
    return ", or ".join(_ALLOWED[name](entry) for name in _types(entry))


def _bounds(entry: Mapping[str, Any]) -> str:
    words = {
        "minimum": "at least {}",
        "exclusiveMinimum": "above {}",
        "maximum": "at most {}",
        "exclusiveMaximum": "below {}",
        "multipleOf": "a multiple of {}",
    }
    return "".join(f", {text.format(entry[name])}" for name, text in words.items() if name in entry)


def _list(entry: Mapping[str, Any]) -> str:
    numbers = [entry.get("minItems"), entry.get("maxItems")]
    count = f" of {numbers[0]}" if numbers[0] is not None and numbers[0] == numbers[1] else ""
    least = f", at least {numbers[0]}" if numbers[0] and not count else ""
    once = ", none twice" if entry.get("uniqueItems") else ""
    return f"a list{count} ({_allowed(entry['items'])}){least}{once}"


def _mapping(entry: Mapping[str, Any]) -> str:
    known = entry.get("properties")
    return f"a section with the keys {', '.join(known)}" if known else "a section of names, each with a value"


def _text(entry: Mapping[str, Any]) -> str:
    return entry["pattern"].strip("^$()").replace("|", ", ") if "pattern" in entry else "text"


_ALLOWED = {
    "integer": lambda entry: f"a whole number{_bounds(entry)}",
    "number": lambda entry: f"a number{_bounds(entry)}",
    "string": _text,
    "boolean": lambda entry: "true or false",
    "array": _list,
    "object": _mapping,
    "null": lambda entry: "null",
}
