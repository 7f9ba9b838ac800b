"""What an audit of a network's reading by dyes needs of the configuration."""

from collections.abc import Iterator, Mapping
from typing import Any

import pandas as pd

from livedead.configuration.dyes import missing_dyes
from livedead.configuration.written import Contradiction
from livedead.errors import nearest


def contradicting_audit(config: Mapping[str, Any], row: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """(column, what is wrong) of a plate's audit, or of the one that it borrows.

    Parameters
    ----------
    config : mapping
        Complete.
    row : mapping
        The plate's row of plates.tsv.
    """
    asking = [column for column in ("audit_wells", "audit_plate") if row[column]]
    if config["reading"] == "dyes":
        for column in asking:
            yield (
                column,
                "an audit compares a network with dyes, but here 'reading: dyes' reads dyes alone; empty the "
                "column, or name the wells to read in dyed_wells",
            )
        return
    if not row["audit_wells"]:
        return
    for wrong in missing_dyes(config["dyes"], drawn=False, what="the audit"):
        yield "audit_wells", wrong
    area = config["counting"]["cell_area_um2"]
    if area:
        yield (
            "audit_wells",
            f"counting.cell_area_um2 is {area}: cells that are counted by their area have no place of their "
            "own, so they cannot be compared one by one; set it to 0, or empty the column",
        )


def contradicting_plan(config: Mapping[str, Any], table: pd.DataFrame) -> Iterator[Contradiction]:
    """What is wrong with the plate whose audit the next one is planned by."""
    plate, audited = config["audit"]["plate"], list(table.index[table["audit_wells"].str.len() > 0])
    if plate is not None and plate not in audited:
        allowed = f"allowed: {', '.join(audited) or 'none'}, and null"
        yield [("audit", "plate")], f"{plate!r} has no audit_wells{nearest(plate, audited)}; {allowed}"
