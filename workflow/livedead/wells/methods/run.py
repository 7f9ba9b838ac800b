"""A run as its methods are told: its provenance and its tables."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd


@dataclass(frozen=True)
class Run:
    """A run, from its provenance and its tables.

    Attributes
    ----------
    provenance : mapping
        ``results/provenance.json``.
    wells, fields, quality, curves, dyes, audits : DataFrame
        The tables of all plates: `livedead.tables.WELLS`, `FIELDS`, `PLATE_QUALITY`, `DOSE_RESPONSE`,
        `DYES` (no rows where no dyes are read) and `AUDIT` (no rows without an audit).
    citation : mapping
        What CITATION.cff holds.
    """

    provenance: Mapping[str, Any]
    wells: pd.DataFrame
    fields: pd.DataFrame
    quality: pd.DataFrame
    curves: pd.DataFrame
    dyes: pd.DataFrame
    audits: pd.DataFrame
    citation: Mapping[str, Any]

    @property
    def config(self) -> Mapping[str, Any]:
        """The configuration."""
        return self.provenance["config"]

    @property
    def by_dyes(self) -> bool:
        """Whether dyes were read, and not a network."""
        return bool(self.config["reading"] == "dyes")

    @property
    def network(self) -> Mapping[str, Any]:
        """The certificate of the network that read."""
        return next(model for model in self.provenance["models"].values() if "classes_verified" in model)

    @property
    def sheets(self) -> dict[str, Mapping[str, Any]]:
        """Plate -> its row of plates.tsv."""
        return {plate: about["sheet"] for plate, about in self.provenance["plates"].items()}
