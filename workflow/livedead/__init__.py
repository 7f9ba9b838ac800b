"""Live and dead cells on multi-well plates: the science, without Snakemake."""

__version__ = "0.1.0"
