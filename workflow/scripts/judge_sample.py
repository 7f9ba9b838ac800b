"""Say how often reviewers disagreed with cells that they judged without seeing what they were called."""

from pathlib import Path

from livedead import stores
from livedead.job import run
from livedead.plates.judgements import read_judgements
from livedead.tables import CELLS, REVIEW, REVIEWERS
from livedead.wells import blind_review


def judge_sample(
    cells: Path, judgements: list[Path], review: Path, reviewers: Path, told: Path, *, plate: str
) -> None:
    """Write what each reviewer found, how far they agree with each other, and both in words."""
    counted, read = stores.read_table(cells, CELLS), read_judgements(judgements)
    found = blind_review.review(plate, counted, read)
    compared = blind_review.compare_reviewers(plate, counted, read)
    stores.write_table(review, found, REVIEW)
    stores.write_table(reviewers, compared, REVIEWERS)
    stores.write_bytes(told, blind_review.describe(plate, found, compared).encode())


if __name__ == "__main__":
    run(judge_sample, snakemake)
