"""The configuration: every mistake that can be known before anything runs, and where it was written.

Read by every start of Snakemake, so it imports nothing that takes long or that a login node lacks.
"""

from livedead.configuration.agreement import (
    SIMULATED,
    check_folds,
    check_sheet,
    check_training,
    training_wells,
)
from livedead.configuration.keys import check, complete, read_schema
from livedead.configuration.paths import changed_since, missing_paths, missing_raw
from livedead.configuration.settings import config_sha256, counting_rules, intensity_channels
from livedead.configuration.written import Written, check_readable, read_written

__all__ = [
    "SIMULATED",
    "Written",
    "changed_since",
    "check",
    "check_folds",
    "check_readable",
    "check_sheet",
    "check_training",
    "complete",
    "config_sha256",
    "counting_rules",
    "intensity_channels",
    "missing_paths",
    "missing_raw",
    "read_schema",
    "read_written",
    "training_wells",
]
