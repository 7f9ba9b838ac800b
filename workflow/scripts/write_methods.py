"""Say how the numbers of a run were made, as a paper's methods section does."""

from pathlib import Path
from typing import Any

import pandas as pd

from livedead import stores
from livedead.job import run
from livedead.tables import AUDIT, DOSE_RESPONSE, DYES, FIELDS, PLATE_QUALITY, WELLS, Table
from livedead.wells.methods import text
from livedead.wells.methods.run import Run


def write_methods(
    provenance: Path,
    plate_wells: list[Path],
    plate_fields: list[Path],
    quality: list[Path],
    curves: Path,
    dyes: list[Path],
    audits: list[Path],
    methods: Path,
    *,
    citation: dict[str, Any],
) -> None:
    """Write Markdown; `dyes` are of plates that dyes read, `audits` of audited ones.

    Parameters
    ----------
    citation : dict
        What CITATION.cff holds.
    """

    def joined(paths: list[Path], kind: Table) -> pd.DataFrame:
        tables = [stores.read_table(path, kind) for path in paths]
        return pd.concat(tables, ignore_index=True) if tables else kind.rows([])

    told = Run(
        provenance=stores.read_json(provenance),
        wells=joined(plate_wells, WELLS),
        fields=joined(plate_fields, FIELDS),
        quality=joined(quality, PLATE_QUALITY),
        curves=stores.read_table(curves, DOSE_RESPONSE),
        dyes=joined(dyes, DYES),
        audits=joined(audits, AUDIT),
        citation=citation,
    )
    stores.write_bytes(methods, text.write_methods(told).encode())


if __name__ == "__main__":
    run(write_methods, snakemake)
