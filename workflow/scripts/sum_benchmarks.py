"""Sum what the jobs of a run took, into one table."""

from pathlib import Path

from livedead import stores
from livedead.job import run
from livedead.results import sum_jobs
from livedead.tables import BENCHMARKS, FIELDS


def sum_benchmarks(
    fields: list[Path], table: Path, *, plates: list[str], benchmarks: dict[str, dict[str, list[str]]]
) -> None:
    """Write one row per rule and plate: its jobs, seconds, most memory, and fields per second.

    Parameters
    ----------
    benchmarks : dict
        Rule -> plate -> Snakemake's benchmark files of its jobs, relative to the folder of `table`.
    """
    n_fields = {
        plate: len(stores.read_table(path, FIELDS)) for plate, path in zip(plates, fields, strict=True)
    }
    stores.write_table(table, sum_jobs(table.parent, benchmarks, n_fields), BENCHMARKS)


if __name__ == "__main__":
    run(sum_benchmarks, snakemake)
