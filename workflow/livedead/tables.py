"""What every table holds: its columns, the one type of each, and what no two of its rows share.

No type is guessed from values, so what people wrote comes out as it went in: ``007``, ``1E5``, ``NA``.
"""

import csv
import io
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

import pandas as pd

from livedead.errors import StoreError
from livedead.provenance import value_sha256

FLOAT_FORMAT = "%.6g"
MISSING = "NA"
"""A number that is not known. A text that is not known is empty; ``NA`` is a text like any other."""
ROW_SHA256 = "row_sha256"
"""Last column of every table that another rule reads; a gzipped one has the checksum of gzip instead."""
OTHERS = "*"
"""Place of the columns that a table does not list, such as those of a plate map."""

TEXT, WHOLE, COUNT, NUMBER, FLAG = "str", "int64", "Int64", "float64", "bool"
"""Types of columns; of these COUNT and NUMBER may be missing."""

_NAMES = {
    TEXT: """
        plate well row channel path sha256 crc32 pixels_sha256 status code message state qc_flags duplicate_of
        axes projection dataset dtype accept problem edge_rule viability_interval model_sha256 config_sha256
        version row_sha256 measure alarm agent cell_line control dose_unit verdict level time_unit true
        found fold varied rule dye method signals_of flags Metadata_Plate Metadata_Well Metadata_Status
        Metadata_QC_Flags Metadata_Row_SHA256
        read dyed treatment reason image reviewer other""",
    WHOLE: """
        column field timepoint z page pages height width bytes crop_y_px crop_x_px cell label area_px
        n_fields_expected n_fields_used n_negative n_positive n_wells n_doses n_timepoints epoch n_true
        n_counted n_jobs n_signals n_plates Metadata_Timepoint Metadata_Fields_Used""",
    COUNT: """
        n_cells n_cells_080 n_cells_125 n_live n_dead n_ambiguous n_total n_split n_unstable_px n_total_alt
        n_fields true_live true_dead
        true_total Cells_Count_Live Cells_Count_Dead Cells_Count_Ambiguous Cells_Count_Total
        n_live_dyed n_dead_dyed n_by_hand n_drawn n_judged n_disagreed n_agreed judged_live judged_dead
        judged_ambiguous judged_none""",
    NUMBER: """
        hours Metadata_Hours
        x_um y_um y_px x_px area_um2 component_area_um2 vote confidence live_share log_odds nucleus_radius_px
        area_mm2 n_live_expected n_dead_expected viability_expected
        viability_alt focus saturated_fraction dark_fraction illumination_residual median_counts
        range_counts drift viability viability_low viability_high viability_field_sd live_per_mm2
        dead_per_mm2 live_vs_control total_vs_control median_area_um2_live median_area_um2_dead
        clump_fraction mean_negative mean_positive z_prime z_prime_low z_prime_high robust_z_prime
        robust_z_prime_low robust_z_prime_high ssmd ssmd_low ssmd_high edge_effect edge_effect_low
        edge_effect_high deviation row_effect column_effect residual dose ic50 ic50_low ic50_high slope
        top bottom dispersion lt50 time concentration cell_count cell_count__ctrl cell_count__time0
        seconds learning_rate loss dice count_error viability_error true_viability expected_viability
        value viability_true viability_counted max_memory_mb fields_per_s threshold near_threshold background
        sigma diameter_px bleed_through bleed_reach stained_share viability_080 viability_125 Cells_Viability
        Cells_Density_Live Cells_Density_Dead Cells_AreaShape_MedianLive Cells_AreaShape_MedianDead
        Cells_ClumpFraction unfamiliarity
        Cells_ViabilityCorrected dyed_y_px dyed_x_px viability_corrected viability_corrected_low
        viability_corrected_high viability_dyed sensitivity sensitivity_low sensitivity_high
        specificity specificity_low
        specificity_high spread total_bias total_bias_low total_bias_high live_bias live_bias_low
        live_bias_high dead_bias dead_bias_low dead_bias_high mean_viability mean_viability_low
        mean_viability_high sd_viability
        disagreement disagreement_low
        disagreement_high no_cell no_cell_low no_cell_high kappa kappa_low kappa_high""",
    FLAG: "touches_edge touches_cell by_hand",
}
TYPES = {name: kind for kind, names in _NAMES.items() for name in names.split()}
"""Column -> its type, the same in every table that lists the column."""


@dataclass(frozen=True)
class Table:
    """A kind of table.

    Attributes
    ----------
    columns : tuple of str
        Of `TYPES`, in their order. `OTHERS` stands for columns that the table does not list.
    key : tuple of str
        Columns in which no two rows agree.
    others : str, optional
        Type of columns that are not listed; without it there are none.
    joined : bool
        Whether its rows are also rows of a larger table, and keep their hashes there. In any other
        table the number of rows goes into each hash, so that none is lost unseen.
    """

    columns: tuple[str, ...]
    key: tuple[str, ...] = ()
    others: str | None = None
    joined: bool = False
    _listed: frozenset[str] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_listed", frozenset(self.columns) - {OTHERS})

    @property
    def hashed(self) -> bool:
        """Whether rows carry `row_sha256`."""
        return ROW_SHA256 in self._listed

    def types(self, header: Iterable[str]) -> dict[str, str]:
        """Type of each column of a table with this header.

        Raises
        ------
        StoreError
            If a column is missing, or there where it does not belong.
        """
        found = list(header)
        unknown = [name for name in found if name not in self._listed]
        absent = sorted(self._listed - set(found))
        if absent or (unknown and self.others is None) or len(set(found)) < len(found):
            raise StoreError(
                f"columns missing: {', '.join(absent) or 'none'}; unknown: {', '.join(unknown) or 'none'}"
            )
        return {name: TYPES[name] if name in self._listed else str(self.others) for name in found}

    def conform(self, table: pd.DataFrame) -> pd.DataFrame:
        """The table with its columns in their order and of their types; missing texts are empty.

        The hashes of hashed rows are made anew.
        """
        extra = [name for name in table if name not in self._listed]
        order = [name for column in self.columns for name in (extra if column == OTHERS else [column])]
        if self.hashed and ROW_SHA256 not in table:
            table = table.assign(**{ROW_SHA256: ""})
        types = self.types([*order, *(name for name in extra if name not in order)])
        typed = {
            name: table[name].astype(object).where(table[name].notna(), "").astype(str)
            if types[name] == TEXT
            else table[name].astype(types[name])
            for name in order
        }
        conformed = pd.DataFrame(typed, index=table.index)
        if self.hashed:
            n_rows = self._n_rows(conformed)
            conformed[ROW_SHA256] = [row_sha256(row, n_rows) for _, row in _rows(_csv(conformed))]
        return conformed

    def _n_rows(self, table: pd.DataFrame) -> int | None:
        return None if self.joined else len(table)

    def rows(self, rows: list[dict[str, object]]) -> pd.DataFrame:
        """A table from rows, each of which may lack what it does not know."""
        found = pd.DataFrame(rows)
        return self.conform(found.reindex(columns=[*dict.fromkeys([*found, *self._listed])]))


def row_sha256(row: Mapping[str, str], n_rows: int | None = None) -> str:
    """Hash of a row: SHA-256 of the JSON object of its columns and their texts in the file.

    Columns are sorted; ``row_sha256`` itself and empty texts are left out, so a row keeps its hash
    in a table that has more columns. Separators are ``,`` and ``:``, the encoding is UTF-8. Where
    the table is one whole, its number of rows stands under the name ``rows``, which no column has.
    """
    texts = {name: text for name, text in row.items() if text and name != ROW_SHA256}
    return value_sha256(texts if n_rows is None else {**texts, "rows": str(n_rows)})


def _csv(table: pd.DataFrame, separator: str = ",") -> str:
    return str(
        table.to_csv(
            index=False, sep=separator, float_format=FLOAT_FORMAT, lineterminator="\n", na_rep=MISSING
        )
    )


def _rows(text: str, separator: str = ",") -> Iterator[tuple[int, dict[str, str]]]:
    """Line and texts of each row."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    try:
        header = next(reader, [])
        for values in reader:
            yield reader.line_num, dict(zip(header, values, strict=True))
    except (csv.Error, ValueError) as error:
        raise StoreError(f"line {reader.line_num}: {error}") from error


def as_text(table: pd.DataFrame, kind: Table, separator: str = ",") -> str:
    """The table as it stands in its file; equal tables, equal texts."""
    return _csv(kind.conform(table), separator)


def from_text(text: str, kind: Table, separator: str = ",") -> pd.DataFrame:
    """The table of a file's text.

    Raises
    ------
    StoreError
        If it is not a table of this kind, or a row is there twice or is not what was written.
    """
    try:
        types = kind.types(next(csv.reader(io.StringIO(text, newline=""), delimiter=separator)))
        table = pd.read_csv(
            io.StringIO(text),
            sep=separator,
            dtype=types,
            keep_default_na=False,
            na_values={name: [MISSING] for name, type_ in types.items() if type_ in (COUNT, NUMBER)},
            float_precision="round_trip",
        )
    except (ValueError, StopIteration) as error:
        raise StoreError(f"not a table: {error}") from error
    if kind.key:
        twice = table.duplicated(list(kind.key))
        if twice.any():
            raise StoreError(f"a row{_place(table[twice].iloc[0], kind)} is there twice")
    if kind.hashed:
        for line, row in _rows(text, separator):
            if row[ROW_SHA256] == row_sha256(row, kind._n_rows(table)):
                continue
            lost = "" if kind.joined else ", or rows were lost or added"
            raise StoreError(f"line {line}{_place(row, kind)} was changed after it was written{lost}")
    return table


def _place(row: Mapping[str, object], kind: Table) -> str:
    named = ", ".join(f"{name} {row[name]}" for name in kind.key)
    return f" ({named})" if named else ""


KEYS = ["plate", "well", "row", "column", "timepoint"]
COUNTS = ["n_live", "n_dead", "n_ambiguous", "n_total"]
EXPECTED = ["n_live_expected", "n_dead_expected"]
"""Sums of the probabilities that a cell lives, or is dead; missing where they are not known."""
FIELD_KEY = ["plate", "well", "field", "timepoint"]
CELL_KEY = [*FIELD_KEY, "cell"]
READ = ["hours", "status", "code", "message", "pixels_sha256"]
"""When a field was imaged, and how reading it went."""
COUNTED = [*COUNTS, *EXPECTED, "viability_expected", "area_mm2"]
COUNTED += ["n_unstable_px", "n_total_alt", "viability_alt", "n_by_hand"]
"""Columns of a field that are missing where it failed."""
QUALITY = ["focus", "saturated_fraction", "dark_fraction", "illumination_residual"]
QUALITY += ["median_counts", "range_counts"]
"""What is measured of a field's light and sharpness."""
MEASURES = ["y_px", "x_px", "y_um", "x_um", "area_px", "area_um2", "component_area_um2", "state"]
MEASURES += ["vote", "confidence", "touches_edge", "touches_cell", "by_hand"]
CORRECTED = ["viability_corrected", "viability_corrected_low", "viability_corrected_high"]
"""Viability of a well without the network's errors, as an audit knows them."""
RESULTS = ["status", "n_fields_expected", "n_fields_used", *COUNTS]
RESULTS += ["viability", "viability_low", "viability_high", "viability_interval", "viability_field_sd"]
RESULTS += [*EXPECTED, "viability_expected", *CORRECTED]
RESULTS += ["edge_rule", "area_mm2", "live_per_mm2", "dead_per_mm2", "live_vs_control", "total_vs_control"]
RESULTS += ["median_area_um2_live", "median_area_um2_dead", "clump_fraction", "n_split", "n_by_hand"]
RESULTS += ["focus", "saturated_fraction", "unfamiliarity", "qc_flags", "pixels_sha256", "model_sha256"]
RESULTS += ["config_sha256", "version", ROW_SHA256]
OF_WELLS = [*KEYS, "hours", *RESULTS]
"""Columns of the well table, beside those of the plate map, which therefore has none of them."""


def _table(
    *columns: str | list[str], key: list[str] | None = None, others: str | None = None, joined: bool = False
) -> Table:
    names = [name for part in columns for name in ([part] if isinstance(part, str) else part)]
    return Table(tuple(names), tuple(key or ()), others, joined)


IMAGES = _table(
    FIELD_KEY, "channel", "z", "projection", "path", "dataset", "axes", "page", "pages", "height", "width",
    "dtype", "bytes", "sha256", "crc32", "hours", "x_um", "y_um", "crop_y_px", "crop_x_px", "accept",
    "problem", ROW_SHA256,
    key=[*FIELD_KEY, "channel", "z", "path", "dataset", "page", "problem"],
)  # fmt: skip
SHARD_FIELDS = _table(FIELD_KEY, READ, COUNTED, "edge_rule", "unfamiliarity", ROW_SHA256, key=FIELD_KEY)
FIELDS = _table(
    FIELD_KEY,
    READ,
    COUNTED,
    "edge_rule",
    "unfamiliarity",
    QUALITY,
    "qc_flags",
    "drift",
    "duplicate_of",
    ROW_SHA256,
    key=FIELD_KEY,
)
CELLS = _table(CELL_KEY, MEASURES, OTHERS, key=CELL_KEY, others=NUMBER)
"""Others are ``mean_<channel>``, raw counts, the signals of dyes, and descriptors of shape."""
AUDIT_CELLS = _table(
    FIELD_KEY, "read", "dyed", "y_px", "x_px", "dyed_y_px", "dyed_x_px", ROW_SHA256,
)  # fmt: skip
"""Cells of the audited wells; the place is missing in the reading that did not find it."""
AUDIT = _table(
    "plate", "timepoint", "level", "treatment", "well", "n_wells", "n_live", "n_dead", "n_live_dyed",
    "n_dead_dyed", "viability", "viability_dyed", "sensitivity", "sensitivity_low", "sensitivity_high",
    "specificity", "specificity_low", "specificity_high", "spread", "total_bias", "total_bias_low",
    "total_bias_high", "live_bias", "live_bias_low", "live_bias_high", "dead_bias", "dead_bias_low",
    "dead_bias_high", "reason", ROW_SHA256,
    key=["plate", "timepoint", "level", "treatment", "well"],
)  # fmt: skip
"""What an audit found: ``level`` is ``plate``, ``treatment`` or ``well``."""
REVIEW = _table(
    "plate", "reviewer", "state", "n_cells", "n_drawn", "n_judged", "n_disagreed", "disagreement",
    "disagreement_low", "disagreement_high", "judged_live", "judged_dead", "judged_ambiguous", "judged_none",
    "no_cell", "no_cell_low", "no_cell_high", "reason", ROW_SHA256,
    key=["plate", "reviewer", "state"],
)  # fmt: skip
"""How often a reviewer who saw no state disagreed with the calls of a ``state``, or of ``all``."""
REVIEWERS = _table(
    "plate", "reviewer", "other", "n_judged", "n_agreed", "kappa", "kappa_low", "kappa_high", ROW_SHA256,
    key=["plate", "reviewer", "other"],
)  # fmt: skip
WELLS = _table(KEYS, "hours", OTHERS, RESULTS, key=["plate", "well", "timepoint"], others=TEXT, joined=True)
"""Others are the columns of the plate map."""

_MEASURED = ["plate", "timepoint", "measure"]
_INTERVALS = [
    f"{name}{end}"
    for name in ("z_prime", "robust_z_prime", "ssmd", "edge_effect")
    for end in ("", "_low", "_high")
]
PLATE_QUALITY = _table(
    _MEASURED, "n_negative", "mean_negative", "n_positive", "mean_positive", _INTERVALS, "alarm", ROW_SHA256,
    key=_MEASURED,
)  # fmt: skip
DYES = _table(
    "plate", "dye", "channel", "method", "threshold", "verdict", "near_threshold", "signals_of", "n_signals",
    "n_fields", "background", "sigma", "diameter_px", "bleed_through", "bleed_reach", "stained_share",
    "n_cells",
    "n_cells_080", "n_cells_125", "viability", "viability_080", "viability_125", "flags", ROW_SHA256,
    key=["plate", "dye"],
)  # fmt: skip
"""The dyes of a plate; ``_080`` and ``_125`` are what a threshold of 0.8 and 1.25 times would give."""
RESIDUALS = _table(
    "plate", "well", "timepoint", "measure", "deviation", "row_effect", "column_effect", "residual"
)
REPLICATES = _table(
    "level", "plate", "agent", "dose", "cell_line", "control", "timepoint", "hours", "n_plates", "n_wells",
    "mean_viability", "mean_viability_low", "mean_viability_high", "sd_viability",
)  # fmt: skip
"""Wells that were treated alike; see `livedead.wells.replicates`."""
DOSE_RESPONSE = _table(
    "plate", "agent", "cell_line", "timepoint", "dose_unit", "verdict", "ic50", "ic50_low", "ic50_high",
    "slope", "top", "bottom", "dispersion", "n_wells", "n_doses",
)  # fmt: skip
TIME_COURSES = _table(
    "plate", "level", "well", "agent", "dose", "cell_line", "control", "n_timepoints", "lt50", "time_unit",
    "verdict",
)  # fmt: skip
CYTOMINING = _table(
    "Metadata_Plate", "Metadata_Well", "Metadata_Timepoint", "Metadata_Hours", OTHERS, "Metadata_Status",
    "Metadata_QC_Flags", "Metadata_Fields_Used", "Metadata_Row_SHA256", "Cells_Count_Live",
    "Cells_Count_Dead", "Cells_Count_Ambiguous", "Cells_Count_Total", "Cells_Viability",
    "Cells_ViabilityCorrected", "Cells_Density_Live", "Cells_Density_Dead", "Cells_AreaShape_MedianLive",
    "Cells_AreaShape_MedianDead", "Cells_ClumpFraction",
    others=TEXT,
)  # fmt: skip
DRC = _table(
    "plate", "well", "timepoint", "hours", "agent", "cell_line", "dose", "n_live", "n_total", "dose_unit"
)
GRMETRICS = _table(
    "cell_line", "agent", "plate", "well", "time", "concentration", "cell_count", "cell_count__ctrl",
    "cell_count__time0",
)  # fmt: skip
BENCHMARKS = _table("rule", "plate", "n_jobs", "n_fields", "seconds", "max_memory_mb", "fields_per_s")

TRUE_CELLS = _table("well", "field", "y_px", "x_px", "state", "nucleus_radius_px", ROW_SHA256)
TRUE_WELLS = _table("well", "expected_viability", "n_live", "n_dead")
AGREEMENT = _table(
    "well", "n_live", "n_dead", "n_total", "true_live", "true_dead", "true_total", "viability",
    "true_viability",
)  # fmt: skip
ACCURACY = _table(
    "varied", "value", "n_true", "n_counted", "count_error", "viability_true", "viability_counted",
    "viability_error", ROW_SHA256,
    key=["varied", "value"],
)  # fmt: skip
HISTORY = _table(
    "epoch", "seconds", "learning_rate", "loss", "dice", OTHERS, ROW_SHA256, key=["epoch"], others=NUMBER
)
"""Others are ``dice_<class>``."""
READ_CELLS = _table(
    FIELD_KEY, "area_um2", "true", "found", "live_share", "log_odds", "confidence", ROW_SHA256
)  # fmt: skip
READ_WELLS = _table(
    "plate", "well", "timepoint", "n_live", "n_dead", "n_total", "true_live", "true_dead", "true_total",
    "viability", "true_viability", "control", ROW_SHA256,
    key=["plate", "well", "timepoint"],
)  # fmt: skip
DETECTED = _table(FIELD_KEY, "y_px", "x_px", "true", "found", ROW_SHA256)
LABEL_STATES = _table("image", "label", "state", key=["image", "label"])
"""States of the cells in label images, as people and other programs write them, too."""
EVALUATION = _table("fold", "n_wells", "n_cells", OTHERS, others=NUMBER)
