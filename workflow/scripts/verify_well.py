"""Recompute wells of a plate from their raw images, and compare them with the well table."""

from livedead.job import run
from livedead.wells.verification import verify_well

if __name__ == "__main__":
    run(verify_well, snakemake)
