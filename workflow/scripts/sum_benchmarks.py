"""Sum what the jobs of a run took, into one table."""

from pathlib import Path

import pandas as pd

from livedead import stores
from livedead.logs import log_to
from livedead.tables import BENCHMARKS, FIELDS


def sum_benchmarks(
    benchmarks: dict[str, dict[str, list[str]]], fields: dict[str, Path], output: Path
) -> None:
    """Write one row a rule and plate: its jobs, seconds, most memory, and fields a second.

    Parameters
    ----------
    benchmarks : dict
        Rule -> plate -> Snakemake's benchmark files of its jobs, relative to the folder of `output`;
        those that are lost are not counted.
    fields : dict
        Plate -> its table of fields.
    """
    n_fields = {plate: len(stores.read_table(path, FIELDS)) for plate, path in fields.items()}
    rows = []
    for rule, plates in benchmarks.items():
        for plate, paths in plates.items():
            files = [file for file in map(output.parent.joinpath, paths) if file.is_file()]
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
    stores.write_table(output, pd.DataFrame(rows), BENCHMARKS)


if __name__ == "__main__":
    with log_to(snakemake.log[0], snakemake.input):
        sum_benchmarks(
            snakemake.params.benchmarks,
            dict(zip(snakemake.params.plates, map(Path, snakemake.input.fields), strict=True)),
            Path(snakemake.output.table),
        )
