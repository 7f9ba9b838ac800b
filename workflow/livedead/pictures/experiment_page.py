"""All plates of an experiment on one page."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize, to_hex

from livedead.cells.tallies import MAIN_COUNTS, main_count, tells_viability
from livedead.pictures import pages
from livedead.pictures.figures import VIABILITY_COLOURS
from livedead.pictures.strips import HEIGHT, WIDTH, Axis, Course, Mark, interval, number
from livedead.plates.geometry import FORMATS, row_letters, well_position
from livedead.plates.plate_maps import CONTROLS
from livedead.wells.replicates import TREATMENT
from livedead.wells.summary import ALARMS, failed_fields
from livedead.wells.timing import timepoint_name

N_OUTLIERS = 12
"""Wells with the largest residuals that are named."""

SHARES, Z_PRIMES = Axis(0, 1), Axis(-1, 1)
Z_PRIME = ("z_prime", "z_prime_low", "z_prime_high")
MEAN = ("mean_viability", "mean_viability_low", "mean_viability_high")


@dataclass(frozen=True)
class PlateTables:
    """What the tables of a plate say.

    Attributes
    ----------
    n_wells : int
        Size of the plate.
    wells, fields, quality, residuals : DataFrame
        ``wells.csv`` with the columns of `livedead.wells.analysis.designed`, ``fields.csv``,
        ``quality.csv`` and ``residuals.csv``.
    """

    n_wells: int
    wells: pd.DataFrame
    fields: pd.DataFrame
    quality: pd.DataFrame
    residuals: pd.DataFrame


def draw(
    plates: Mapping[str, PlateTables],
    replicates: pd.DataFrame,
    curves: pd.DataFrame,
    *,
    max_failed_fraction: float,
    min_z_prime: float | None,
) -> bytes:
    """Draw the page; its statistics are those of the tables.

    Parameters
    ----------
    plates : mapping
        Plate -> its tables, in the order in which they are shown.
    replicates, curves : DataFrame
        `livedead.tables.REPLICATES` and `livedead.tables.DOSE_RESPONSE`.
    max_failed_fraction, min_z_prime : float
        What is allowed and required, as in `livedead.wells.summary.failed_fields` and `failed_quality`.

    Returns
    -------
    bytes
        HTML.
    """
    wells = pd.concat([tables.wells for tables in plates.values()])
    main = main_count(wells)
    title, value, scale = _shown(wells)
    rows = [_row(plate, tables, max_failed_fraction, min_z_prime) for plate, tables in plates.items()]
    last = int(wells["timepoint"].max())
    return pages.render(
        "experiment_page.html.j2",
        title="Experiment",
        n_cells=f"{int(wells[main].sum()):,} {MAIN_COUNTS[main]}",
        last=timepoint_name(last, wells),
        has_times=wells["timepoint"].nunique() > 1,
        plates=rows,
        heat_title=title,
        heat_colours=[to_hex(scale.cmap(share)) for share in np.linspace(0, 1, 11)],
        heat_high=f"{scale.norm.vmax:.0f}",
        heat_maps=[_heat_map(tables, value, scale) for tables in plates.values()],
        separations=[_separation(plate, tables, replicates) for plate, tables in plates.items()],
        replicates=list(_replicates(replicates[replicates["timepoint"] == last], by_plate=len(plates) > 1)),
        curves=list(_curves(curves[curves["timepoint"] == last])),
        outliers=list(_outliers(pd.concat([tables.residuals for tables in plates.values()]), wells)),
        strip=(WIDTH, HEIGHT),
    )


def _row(
    plate: str, tables: PlateTables, max_failed_fraction: float, min_z_prime: float | None
) -> dict[str, Any]:
    """A plate in the table of plates."""
    wells, fields = tables.wells, tables.fields
    (total, *_), too_many = failed_fields(fields, max_failed_fraction)
    of_viability = tables.quality[tables.quality["measure"] == "viability"]

    def at(n: int) -> str:
        return f" at {n} of {len(of_viability)} timepoints" if len(of_viability) > 1 else ""

    raised = of_viability.loc[of_viability["alarm"] != "", "alarm"].value_counts()
    verdicts = [ALARMS[alarm].split(":")[0] + at(n) for alarm, n in raised.items()]
    if too_many:
        verdicts.append(total)
    n_short = 0 if min_z_prime is None else int((~(of_viability["z_prime"] >= min_z_prime)).sum())
    if n_short:
        verdicts.append(f"Z′ of viability below {min_z_prime}, or unknown{at(n_short)}")
    return {
        "plate": plate,
        "wells": wells["well"].nunique(),
        "statuses": wells["status"].value_counts().to_dict(),
        "used": int((fields["status"] == "ok").sum()),
        "imaged": len(fields),
        "failed": fields.loc[fields["status"] == "failed", "code"].value_counts().to_dict(),
        "z_prime": interval(*of_viability.iloc[-1][[*Z_PRIME]]),
        "by_hand": int(wells["n_by_hand"].sum()),
        "verdicts": verdicts,
    }


def _shown(wells: pd.DataFrame) -> tuple[str, Callable[[pd.DataFrame], pd.Series], ScalarMappable]:
    """What the heat maps show: its name, its values, and the one scale of all plates."""
    if tells_viability(wells):
        return (
            "Viability",
            lambda table: table["viability"],
            ScalarMappable(Normalize(0, 1), VIABILITY_COLOURS),
        )
    main = main_count(wells)

    def density(table: pd.DataFrame) -> pd.Series:
        return table[main].astype(float) / table["area_mm2"]

    highest = max(1.0, float(density(wells).max()))
    title = f"{MAIN_COUNTS[main].capitalize()} per mm²"
    return title, density, ScalarMappable(Normalize(0, highest), "viridis")


def _heat_map(
    tables: PlateTables, value: Callable[[pd.DataFrame], pd.Series], scale: ScalarMappable
) -> dict[str, Any]:
    """A plate at its last timepoint, in units of a tenth of a well."""
    n_rows, n_columns = FORMATS[tables.n_wells]
    last = tables.wells[tables.wells["timepoint"] == tables.wells["timepoint"].max()]
    squares = []
    for row, shown in zip(last.itertuples(), value(last), strict=True):
        y, x = well_position(row.well)
        told = number(shown) if pd.notna(shown) else row.status
        squares.append(
            {
                "x": 10 * x,
                "y": 10 * y,
                "colour": to_hex(scale.cmap(shown / scale.norm.vmax)) if pd.notna(shown) else None,
                "control": row.control,
                "title": f"{row.well}: {told}" + (f", {row.control} control" if row.control else ""),
            }
        )
    return {
        "plate": last["plate"].iloc[0],
        "width": 10 * n_columns,
        "height": 10 * n_rows,
        "rows": [(10 * k + 5, row_letters(k)) for k in range(0, n_rows, max(1, n_rows // 8))],
        "columns": [(10 * k + 5, k + 1) for k in range(0, n_columns, max(1, n_columns // 6))],
        "squares": squares,
    }


def _separation(plate: str, tables: PlateTables, replicates: pd.DataFrame) -> dict[str, Any]:
    """How a plate's controls differ: marks at its only timepoint, or courses over time."""
    of_viability = tables.quality[tables.quality["measure"] == "viability"]
    means = replicates[(replicates["level"] == "control") & (replicates["plate"] == plate)]
    of_kinds = {kind: means[means["control"] == kind] for kind in CONTROLS}
    found: dict[str, Any] = {"plate": plate, "last": interval(*of_viability.iloc[-1][[*Z_PRIME]])}
    if len(of_viability) == 1:
        found["controls"] = [
            Mark.of(kind, f"{row.n_wells} {kind} controls", [getattr(row, name) for name in MEAN], SHARES)
            for kind, rows in of_kinds.items()
            for row in rows.itertuples()
        ]
        z_prime = of_viability[of_viability["z_prime"].notna()]
        found["z_prime"] = [
            Mark.of("z_prime", "Z′", row, Z_PRIMES) for row in z_prime[[*Z_PRIME]].itertuples(index=False)
        ]
        return found
    times = tables.wells.groupby("timepoint")["time"].median().dropna()
    axis = Axis(times.min(), times.max())

    def course(kind: str, rows: pd.DataFrame, names: tuple[str, str, str], of_values: Axis) -> Course:
        timed = rows.assign(time=rows["timepoint"].map(times)).dropna(subset="time")
        return Course.of(kind, timed, names, axis, of_values)

    found["control_courses"] = [course(kind, rows, MEAN, SHARES) for kind, rows in of_kinds.items()]
    found["z_prime_courses"] = [course("z_prime", of_viability, Z_PRIME, Z_PRIMES)]
    return found


def _replicates(replicates: pd.DataFrame, by_plate: bool) -> Iterator[dict[str, Any]]:
    """The treatments of one timepoint: of the only plate, or over all plates, with the means of each."""
    treatments = replicates.groupby(TREATMENT, dropna=False, sort=False).ngroup()
    of_plates = replicates[replicates["level"] == "treatment"]
    for place, row in (replicates[replicates["level"] == "plates"] if by_plate else of_plates).iterrows():
        alike = of_plates[treatments[of_plates.index] == treatments[place]] if by_plate else of_plates.head(0)
        marks = [
            Mark.of(
                "plate", f"{one.plate}, {one.n_wells} wells", [one.mean_viability, np.nan, np.nan], SHARES
            )
            for one in alike.itertuples()
        ]
        yield {
            **row,
            "dose": "" if pd.isna(row["dose"]) else f"{row['dose']:g}",
            "mean": interval(*row[[*MEAN]]),
            "sd": number(row["sd_viability"]),
            "marks": [Mark.of("mean", "mean", row[[*MEAN]], SHARES), *marks],
        }


def _curves(curves: pd.DataFrame) -> Iterator[dict[str, Any]]:
    """The dose-response of every agent, its plates below each other."""

    def dose(value: float) -> str:
        return "NA" if pd.isna(value) else f"{value:.3g}"

    for row in curves.sort_values(["agent", "cell_line", "plate"], kind="stable").itertuples():
        yield {
            "agent": row.agent,
            "cell_line": row.cell_line,
            "plate": row.plate,
            "ic50": dose(row.ic50),
            "interval": f"{dose(row.ic50_low)} to {dose(row.ic50_high)}",
            "unit": row.dose_unit,
            "verdict": row.verdict,
        }


def _outliers(residuals: pd.DataFrame, wells: pd.DataFrame) -> Iterator[dict[str, Any]]:
    """The wells that differ most from what their treatment and place let expect, each at its worst."""
    rows = residuals[(residuals["measure"] == "viability") & residuals["residual"].notna()]
    rows = rows.sort_values("residual", key=lambda values: -values.abs(), kind="stable")
    rows = rows.drop_duplicates(["plate", "well"]).head(N_OUTLIERS)
    for row in rows.merge(wells, on=["plate", "well", "timepoint"], how="left").itertuples():
        yield {
            "plate": row.plate,
            "well": row.well,
            "timepoint": row.timepoint,
            "treatment": " ".join(filter(None, [row.agent, "" if pd.isna(row.dose) else f"{row.dose:g}"])),
            "viability": interval(row.viability, row.viability_low, row.viability_high),
            "n_cells": f"{row.n_live + row.n_dead:,}",
            "deviation": f"{row.deviation:+.3f}",
            "residual": f"{row.residual:+.3f}",
            "flags": row.qc_flags.replace(";", ", "),
        }
