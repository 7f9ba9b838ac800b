"""What runs leave behind: plates that are no longer in the sheet, and what each job took."""

from collections.abc import Iterable, Mapping
from pathlib import Path

import pandas as pd

INDEX = "images.tsv"
"""What every plate has before anything else, and no other folder."""


def plates_not_in_sheet(results: str | Path, plates: Iterable[str]) -> list[str]:
    """Plates with results that the sheet does not name, sorted: taken out, or renamed.

    Parameters
    ----------
    results : path
        The folder ``results``; it need not be there.
    plates : iterable of str
        Those of plates.tsv.
    """
    indexed = {path.parent.name for path in Path(results).glob(f"*/{INDEX}")}
    return sorted(indexed - set(plates))


def not_in_sheet(plate: str, sheet: str) -> str:
    """What to tell of a plate from `plates_not_in_sheet`; `sheet` is the path of plates.tsv."""
    return (
        f"results/{plate}: this plate is not in {sheet}, so no table of this run counts it; delete the "
        "folder, or put the plate's row back"
    )


def sum_jobs(
    folder: Path, benchmarks: Mapping[str, Mapping[str, list[str]]], n_fields: Mapping[str, int]
) -> pd.DataFrame:
    """What the jobs of each rule and plate took.

    Parameters
    ----------
    folder : Path
        Of the benchmarks.
    benchmarks : mapping
        Rule -> plate -> Snakemake's benchmark files of its jobs, relative to `folder`; those that are
        lost are not counted. Jobs of no plate have the name ``""`` for one.
    n_fields : mapping
        Fields of each plate.

    Returns
    -------
    DataFrame
        `livedead.tables.BENCHMARKS`.
    """
    rows = []
    for rule, plates in benchmarks.items():
        for plate, paths in plates.items():
            files = [file for file in map(folder.joinpath, paths) if file.is_file()]
            found = [pd.read_csv(file, sep="\t", na_values="-") for file in files]
            jobs = pd.concat(found) if found else pd.DataFrame({"s": [], "max_rss": []})
            n, seconds = n_fields.get(plate), float(jobs["s"].sum())
            rows.append(
                {
                    "rule": rule,
                    "plate": plate,
                    "n_jobs": len(jobs),
                    "n_fields": n,
                    "seconds": seconds,
                    "max_memory_mb": jobs["max_rss"].max(),
                    "fields_per_s": n / seconds if n and seconds else None,
                }
            )
    return pd.DataFrame(rows)
