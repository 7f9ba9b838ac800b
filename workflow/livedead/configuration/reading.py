"""The configuration and its sheet of plates, as every start of Snakemake reads them."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from livedead.configuration.keys import check, complete, read_schema
from livedead.configuration.of_plates import check_sheet
from livedead.configuration.written import Written, read_written
from livedead.plates.plate_sheet import read_plates


def read_checked(
    config: dict[str, Any], schema: Path, files: Iterable[str | Path], command_line: Mapping[str, Any]
) -> tuple[pd.DataFrame, Written]:
    """Check the configuration of a run against its schema, itself and its sheet, and complete it.

    Parameters
    ----------
    config : dict
        As Snakemake loaded it; every key that is not set gets its default, in place.
    schema : Path
    files : iterable of path
        Where it was written, the file that decides last.
    command_line : mapping
        What was set by ``--config`` instead.

    Returns
    -------
    plates : DataFrame
        From `livedead.plates.plate_sheet.read_plates`.
    written : Written
        Where each key was written.

    Raises
    ------
    ConfigError, SheetError
        With every mistake, a line each.
    """
    written = read_written(files, config, command_line)
    check(config, read_schema(schema), written)
    plates = read_unchecked(config, schema)
    check_sheet(config, plates, written)
    return plates, written


def read_unchecked(config: dict[str, Any], schema: Path) -> pd.DataFrame:
    """The plates, and the configuration completed in place: a job of a run reads what its run has checked."""
    complete(config, read_schema(schema))
    return read_plates(config["plates"], config["platemaps"], config["file_pattern"])
