"""Paths that configuration and sheets name: Snakemake misses no input whose results are already there."""

import csv
import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from livedead.configuration.written import Key, Written
from livedead.plates.masks import mask_files
from livedead.provenance import file_sha256

RELATIVE = "correct the path; it is relative to the folder in which snakemake is started"
_WHICH_FIELD = ("files", "format", "file_pattern", "wells", "well_numbers")
"""Columns of plates.tsv that decide, with ``raw``, which image belongs to which field."""


def missing_paths(
    config: Mapping[str, Any], table: pd.DataFrame, is_there: Callable[[str], bool], written: Written
) -> list[str]:
    """Files that are named and do not exist, except raw folders.

    Parameters
    ----------
    config : mapping
        Complete.
    table : DataFrame
        From `livedead.plates.plate_sheet.read_plates`.
    is_there : callable
        Whether a path exists, or a rule makes it.
    written : Written

    Returns
    -------
    list of str
        A line each: where the file is named, and what to do.
    """
    return [
        *(
            str(written.mistake(f"{path}: no such file; {RELATIVE}", key))
            for key, path in _files(config)
            if not is_there(path)
        ),
        *(f"{config['plates']}: {problem}" for problem in _of_plates(table, is_there)),
    ]


def _files(config: Mapping[str, Any]) -> Iterator[tuple[Key, str]]:
    if config["reading"] == "network":
        yield ("weights",), config["weights"]
        if config["experience"]["file"] is not None:
            yield ("experience", "file"), config["experience"]["file"]
    for name in ("encoder", "start"):
        if config["training"][name] is not None:
            yield ("training", name), config["training"][name]


def _of_plates(table: pd.DataFrame, is_there: Callable[[str], bool]) -> Iterator[str]:
    for path, plates in table.groupby("platemap", sort=False):
        if path and not is_there(path):
            yield f"plate map {path} of {_listed(list(plates.index))}: no such file; {RELATIVE}"
    for plate, masks, wells in zip(table.index, table["masks"], table["dyed_wells"], strict=True):
        if masks and wells and "://" not in masks and not mask_files(masks, wells):
            yield (
                f"plate {plate}, column 'masks': {masks}: no file for any dyed well; correct the path, "
                f"in which {{well}} stands for names such as {wells[0]}"
            )
    for column in ("boxes", "states"):
        for plate, path in table[column].items():
            if path and not is_there(path):
                yield f"plate {plate}, column {column!r}: {path}: no such file; {RELATIVE}"


def _listed(plates: list[str]) -> str:
    """Plates by name; of many, the first five."""
    names = ", ".join(plates[:5])
    more = f" and {len(plates) - 5} more" if len(plates) > 5 else ""
    return f"plate{'s' if len(plates) > 1 else ''} {names}{more}"


def missing_raw(
    table: pd.DataFrame,
    is_there: Callable[[str], bool],
    is_finished: Callable[[str], bool],
    changed: Callable[[str], str],
) -> tuple[list[str], list[str]]:
    """Plates whose raw folder does not exist: an error, unless all of their results are there.

    Without the folder, Snakemake would keep the results, whatever has changed since they were made.

    Parameters
    ----------
    table : DataFrame
        From `livedead.plates.plate_sheet.read_plates`.
    is_there : callable
        Whether a folder exists, or a rule makes it.
    is_finished : callable
        Whether all results of a plate are there.
    changed : callable
        Why the results of a plate are outdated, see `changed_since`; empty if they are not.

    Returns
    -------
    problems, warnings : list of str
        A line each.
    """
    problems, warnings = [], []
    for plate, raw in table["raw"].items():
        if is_there(raw):
            continue
        where = f"plate {plate}, column 'raw': {raw}: no such folder"
        reason = changed(plate) if is_finished(plate) else "not all of its results are there"
        if reason:
            problems.append(
                f"{where}, and {reason}; correct the path, bring the folder back, or remove the plate's row"
            )
        else:
            warnings.append(f"{where}; its results are kept as they are, and none of them can be made again")
    return problems, warnings


def changed_since(
    files: Mapping[str, str],
    *,
    plate: str,
    sheet: Mapping[str, Any],
    config_sha256: str,
    code_sha256: Mapping[str, str],
) -> str:
    """Why the results of a plate are not what its images would give today; empty if they are.

    Parameters
    ----------
    files : mapping
        Paths of ``wells`` (the plate's wells.csv), ``model`` (the record of what reads), ``weights`` (the
        file that was converted, if there is one) and ``provenance`` (of the last complete run, likewise).
    plate : str
    sheet : mapping
        The plate's row of plates.tsv. `_WHICH_FIELD` decide which image belongs to which field.
    config_sha256 : str
        Of the plate, from `livedead.configuration.derived.config_sha256`.
    code_sha256 : mapping
        Of each rule that reads images.
    """
    with open(files["wells"], newline="", encoding="utf-8", errors="replace") as stream:
        row = next(csv.DictReader(stream), {})
    if row.get("config_sha256") != config_sha256:
        return "its results were made with other settings"
    model = _read_json(files["model"])
    # The certificate of weights that were trained here names training data, not a weight file.
    source, weights = model.get("source", {}).get("sha256"), Path(files["weights"])
    changed = source is not None and weights.is_file() and file_sha256(weights) != source
    if changed or row.get("model_sha256") != model.get("model_sha256"):
        return "its results were made with other weights, or other thresholds of the dyes"
    if Path(files["provenance"]).is_file():
        record = _read_json(files["provenance"])
        was = record.get("plates", {}).get(plate, {}).get("sheet", {})
        if was.get("raw") != sheet["raw"]:
            return f"its results were made from {was.get('raw')}"
        for name in _WHICH_FIELD:
            if was.get(name) != sheet[name]:
                return f"its results were made with {name} {was.get(name)!r} instead of {sheet[name]!r}"
        made_by = record.get("code_sha256", {})
        if any(made_by.get(rule) != code for rule, code in code_sha256.items()):
            return "its results were made by another release of the workflow"
    return ""


def _read_json(path: str) -> dict[str, Any]:
    """A record of ours; empty, so that nothing agrees with it, if the file is damaged."""
    try:
        said: dict[str, Any] = json.loads(Path(path).read_bytes())
    except ValueError:
        return {}
    return said
