"""Draw the course of a training."""

from pathlib import Path

from livedead import stores
from livedead.job import run
from livedead.pictures import figures
from livedead.pictures import history as course
from livedead.tables import HISTORY


def draw_history(history: Path, picture: Path, *, classes: list[dict[str, str]]) -> None:
    """Write a PNG."""
    names = [entry["name"] for entry in classes]
    figures.write(course.draw(stores.read_table(history, HISTORY), names), [picture])


if __name__ == "__main__":
    run(draw_history, snakemake)
