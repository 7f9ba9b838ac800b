"""A run in words: what was found on its plates, and what ends it with an error."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from livedead.cells.tallies import MAIN_COUNTS, main_count, tells_viability
from livedead.dyes.plate_dyes import OF_WELLS
from livedead.network.pixel_size import scale_to
from livedead.plates.geometry import format_wells
from livedead.plates.plate_maps import CONTROLS

WORTH_TELLING = 0.1
"""Share of a plate above which a QC flag, or wells without a cell, are mentioned."""

SHOWN = 12
"""Lines of one kind, or ranges of wells in a line, that are shown before the rest is only counted."""

STATUSES = {
    "partial": "fewer fields than expected",
    "failed": "imaged, but not one field can be used",
    "no_images": "in the plate map, but not imaged",
    "no_cells": "imaged, but not one cell",
}
"""What a well's status means; ``ok`` needs no words."""

ALARMS = {
    "controls_reversed": "untreated controls are mostly dead and killed ones mostly alive: are the dyes, "
    "the live and dead classes, or the roles of the controls in the plate map swapped?",
    "negative_controls_dead": "untreated controls are mostly dead: did the cells die, or are the live and "
    "dead classes, the channels, or the roles of the controls in the plate map swapped?",
    "positive_controls_alive": "killed controls are mostly alive: is it early in a time course, did the "
    "killing fail, or are the live and dead classes, the channels, or the roles of the controls swapped?",
}
"""What `livedead.statistics.controls.alarm` says, in words."""

FLAGS = {
    "out_of_focus": "far less sharp than the plate's other fields (qc.min_focus); look at the focus",
    "saturated": "pixels at the camera's limit (qc.max_saturated_fraction); shorten the exposure",
    "dark": "large dark parts (qc.max_dark_fraction): the wall of the well, or dirt?",
    "uneven": "uneven despite flat-field (qc.max_illumination_residual); see normalization.own_light",
    "drift": "far brighter or darker than the plate's other fields (qc.max_drift)",
    "low_range": "hardly any contrast (normalization.min_range): an empty field, no focus, or no light?",
    "unfamiliar": "unlike all that the network was trained on (qc.max_unfamiliarity): look at the images "
    "before you believe their counts; see docs/trust.md",
    "suspect": "part of the image may be lost; the file itself does not show it; look at the images",
    "unusual_cell_area": "cells far larger or smaller than those that the network was trained on: is "
    "pixel_size_um in plates.tsv right?",
    "duplicate_image": "the same pixels as another field: a copying mistake, or a stuck stage",
}
"""What the QC flags of fields and wells mean; one that is not here is mentioned by its name."""

ALWAYS_TOLD = ("unfamiliar", "suspect", "duplicate_image")
"""Flags that are mentioned however few fields carry them: their counts cannot be trusted."""

TOLD_OTHERWISE = ("fields_missing", "controls_reversed", *OF_WELLS)
"""Flags of wells that repeat what the lines on statuses, alarms and dyes say."""

NO_CELL = """NOT ONE CELL was counted in this run, a likely mistake.
  results/<plate>/report/fields.png: are any cells visible?
  channels, input_channels: does the network read the channel that it was trained on?
  focus: is the chosen focal plane the sharp one?
  classes: are they in the order of the network's output, each with its right role?
  weights: was the network trained on such cells, at such a magnification?
  pixel_size_um, counting.min_area_um2, counting.max_area_um2: is a cell of that area counted?"""
NO_CELL_BY_DYES = """NOT ONE CELL was counted in this run, a likely mistake.
  results/<plate>/report/fields.png: are any cells visible?
  results/<plate>/report/dyes.png: does each threshold lie between two kinds of signals?
  channels, dyes: is each dye the channel that it is called?
  focus: is the chosen focal plane the sharp one?
  pixel_size_um, counting.min_area_um2, counting.max_area_um2: is a nucleus of that area counted?"""
CLASSES_NOT_VERIFIED = (
    "classes as configured, not verified: the weights carry none; if their order is wrong, live and dead are "
    "swapped, which only controls show (controls_reversed, negative_controls_dead)"
)
PIXEL_SIZE_UNKNOWN = (
    "the pixel size that the network was trained at is not known, so a plate at another magnification would "
    "be miscounted without a word: set experience.pixel_size_um, see docs/trust.md"
)
FAMILIARITY_UNKNOWN = (
    "whether these fields are familiar to the network is unknown: the weights do not say what they have "
    "seen; see docs/trust.md"
)
NO_VIABILITY = {
    "n_total": "no viability: the reading counts all cells, but does not tell live from dead",
    "n_live": "no viability: the reading knows live cells alone",
    "n_dead": "no viability: the reading knows dead cells alone",
}
"""What a plate lacks whose reading tells but one count."""
ENDS = "; the run ends with an error"
PAGES = (
    "results/report.html: all plates on one page; results/<plate>/report.html: look at each, and correct it"
)
NO_FIELD = "NOT ONE FIELD of this run could be used: the reasons are above, and in results/<plate>/fields.csv"


def describe_run(
    wells: pd.DataFrame,
    path: str,
    plates: Iterable[Sequence[str]],
    notes: Iterable[str],
    by_dyes: bool = False,
) -> str:
    """What a run found, in a few lines.

    Parameters
    ----------
    wells : DataFrame
        The well table of all plates.
    path : str
        Where that table lies.
    plates : iterable of lines
        `describe_plate` of each plate.
    notes : iterable of str
        What else to know of the run.
    by_dyes : bool
        Whether class maps come from dyes, and not from a network.
    """
    lines = [line for plate in plates for line in plate]
    lines += notes
    if not wells["n_fields_used"].sum():
        lines.append(NO_FIELD)
    elif not (wells[list(MAIN_COUNTS)] > 0).any(axis=None):
        lines.append(NO_CELL_BY_DYES if by_dyes else NO_CELL)
    lines += [PAGES, f"{path}: {len(wells)} rows, one per plate, well and timepoint"]
    return "\n".join(lines) + "\n"


def describe_plate(
    wells: pd.DataFrame,
    fields: pd.DataFrame,
    quality: pd.DataFrame,
    *,
    max_failed_fraction: float,
    min_z_prime: float | None,
    notes: Iterable[str] = (),
) -> list[str]:
    """What was found on one plate: a line, and below it what to know before its numbers are used.

    Parameters
    ----------
    wells, fields, quality : DataFrame
        The plate's ``wells.csv``, ``fields.csv`` and ``quality.csv``.
    max_failed_fraction, min_z_prime : float
        See `failed_fields` and `failed_quality`.
    notes : iterable of str
        What else to know of the plate; comes last.
    """
    (total, *reasons), too_many = failed_fields(fields, max_failed_fraction)
    _, short = failed_quality(quality, min_z_prime)
    below = [
        *(f"ALARM: {line}" for line in _alarms(quality)),
        *(_controls(wells) if tells_viability(wells) else [NO_VIABILITY[main_count(wells)]]),
        *(f"{line}{ENDS}" for line in short),
        *([f"{total}{ENDS if too_many else ''}", *reasons] if reasons else []),
        *_statuses(wells),
        *_flags(wells, fields),
        *notes,
    ]
    return [_found(wells), *(f"  {line}" for line in below)]


def resampled(models: Iterable[Mapping[str, Any]], plate_um: float) -> list[str]:
    """What to tell of a plate whose pixels are of another size than those that the network knows.

    Parameters
    ----------
    models : iterable of mapping
        The records of what reads: certificates of networks, or records of dyes.
    plate_um : float
        The plate's pixel size.
    """
    return [
        f"fields are resampled for the network, from pixels of {plate_um:g} um to {known_um:g} um"
        for known_um in map(_pixel_size, models)
        if scale_to(known_um, plate_um) != 1
    ]


def unknown_of(models: Iterable[Mapping[str, Any]]) -> list[str]:
    """What the records of what reads, as in `resampled`, do not say of a network."""
    networks = [model for model in models if "classes_verified" in model]
    lacks = {
        CLASSES_NOT_VERIFIED: any(not model["classes_verified"] for model in networks),
        PIXEL_SIZE_UNKNOWN: any(_pixel_size(model) is None for model in networks),
        FAMILIARITY_UNKNOWN: any("familiarity" not in (model.get("experience") or {}) for model in networks),
    }
    return [line for line, is_told in lacks.items() if is_told]


def _pixel_size(model: Mapping[str, Any]) -> float | None:
    seen = model.get("experience") or {}
    return seen.get("pixel_size_um")


def shared_images(fields: Mapping[str, pd.DataFrame]) -> list[str]:
    """Fields of several plates that have the same pixels, as where a plate was copied.

    Within one plate such fields carry the flag ``duplicate_image``.

    Parameters
    ----------
    fields : mapping
        Plate -> ``well, field, timepoint, pixels_sha256`` of its ``fields.csv``; failed fields have no hash.
    """
    table = pd.concat(fields, names=["plate"]).reset_index("plate")
    table = table[table["pixels_sha256"] != ""]
    first = table.drop_duplicates("pixels_sha256")
    pairs = table.merge(first, on="pixels_sha256", suffixes=("", "_first"))
    pairs = pairs[pairs["plate"] != pairs["plate_first"]]
    return _cut(
        [
            f"THE SAME IMAGES in plates {one} and {other}: {len(same)} field(s), such as "
            f"{_of_field(same.iloc[0], '_first')} and {_of_field(same.iloc[0], '')}: was a folder copied?"
            for (one, other), same in pairs.groupby(["plate_first", "plate"], sort=False)
        ]
    )


def _of_field(row: pd.Series, end: str) -> str:
    return f"{row[f'well{end}']} field {row[f'field{end}']} timepoint {row[f'timepoint{end}']}"


def failed_fields(fields: pd.DataFrame, max_failed_fraction: float) -> tuple[list[str], bool]:
    """The failed fields of one plate, and whether they are too many.

    Returns
    -------
    lines : list of str
        The total, then one line per reason, the commonest first, with an example.
    too_many : bool
        Whether more than `max_failed_fraction` of the imaged fields failed.
    """
    failed = fields[fields["status"] == "failed"]
    share = len(failed) / len(fields)
    allowed = f"allowed {max_failed_fraction:.1%}"
    lines = [f"{len(failed)} of {len(fields)} imaged fields failed ({share:.1%}, {allowed})"]
    by_code = sorted(failed.groupby("code"), key=lambda found: (-len(found[1]), found[0]))
    for code, group in by_code:
        first = group.iloc[0]
        lines.append(
            f"  {code}, {_of_wells(group)}, such as {first['well']} field {first['field']} "
            f"timepoint {first['timepoint']}: {first['message']}"
        )
    return lines, share > max_failed_fraction


def list_failed(fields: pd.DataFrame) -> list[str]:
    """One line per failed field."""
    return [
        f"{row.plate} {row.well} field {row.field} timepoint {row.timepoint}: {row.code}: {row.message}"
        for row in fields[fields["status"] == "failed"].itertuples()
    ]


def failed_quality(quality: pd.DataFrame, min_z_prime: float | None) -> tuple[list[str], list[str]]:
    """The Z' of viability of one plate, and where it is too low.

    Parameters
    ----------
    quality : DataFrame
        From `livedead.wells.analysis.assess_plate`.
    min_z_prime : float, optional
        Least Z' of viability; a plate without one, because it has too few controls or no viability,
        falls short too. None lets every plate pass.

    Returns
    -------
    lines : list of str
        Every timepoint.
    short : list of str
        Only those that fall short.
    """
    lines, short = [], []
    for row in quality[quality["measure"] == "viability"].itertuples():
        known = (
            f"{row.z_prime:.3f}"
            if np.isfinite(row.z_prime)
            else "unknown (needs the viability of 2 wells of each control)"
        )
        line = f"timepoint {row.timepoint}: Z' of viability {known}"
        if min_z_prime is not None and not row.z_prime >= min_z_prime:
            line += f", below the {min_z_prime} that is required"
            short.append(line)
        lines.append(line + (f"; alarm: {row.alarm}" if row.alarm else ""))
    return lines, _cut(short)


def _found(wells: pd.DataFrame) -> str:
    statuses = ", ".join(f"{n:,} {status}" for status, n in wells["status"].value_counts().items())
    n_timepoints = wells["timepoint"].nunique()
    main = main_count(wells)
    times = f" at {n_timepoints} timepoints" if n_timepoints > 1 else ""
    return (
        f"plate {wells['plate'].iloc[0]}: {wells['well'].nunique()} wells{times} ({statuses}), "
        f"{int(wells[main].sum()):,} {MAIN_COUNTS[main]}"
    )


def _alarms(quality: pd.DataFrame) -> Iterator[str]:
    """The alarms of `quality`, each with the timepoints at which it is raised."""
    rows = quality[quality["measure"] == "viability"]
    several = rows["timepoint"].nunique() > 1
    for alarm, group in rows.groupby(rows["alarm"].fillna("")):
        if alarm:
            yield ALARMS.get(alarm, alarm) + (f" ({_times(group['timepoint'])})" if several else "")


def _controls(wells: pd.DataFrame) -> Iterator[str]:
    """Mean viability of each kind of control, or why it has none."""
    for kind in CONTROLS if "control" in wells else ():
        chosen = wells[wells["control"] == kind]
        if chosen.empty:
            continue
        known = chosen[chosen["viability"].notna()]
        means = [f"{mean:.3f}" for mean in known.groupby("timepoint")["viability"].mean()]
        if len(means) > 1:
            first, last = known["timepoint"].min(), known["timepoint"].max()
            what = f"mean viability {means[0]} at timepoint {first}, {means[-1]} at timepoint {last}"
        elif means:
            what = f"mean viability {means[0]}"
        elif (chosen["status"] == "no_images").all():
            what = "no control imaged"
        elif not chosen["n_fields_used"].sum():
            what = "no control can be used"
        else:
            what = "no live or dead cell"
        n_known, n_wells = known["well"].nunique(), chosen["well"].nunique()
        counted = f"{n_wells} wells" if n_known in (0, n_wells) else f"{n_known} of {n_wells} wells"
        yield f"{kind} controls: {what} ({counted})"


def _statuses(wells: pd.DataFrame) -> Iterator[str]:
    """Which wells lack something."""
    times = sorted(set(wells["timepoint"]))
    for status, meaning in STATUSES.items():
        rows = wells[wells["status"] == status]
        if rows.empty or (status == "no_cells" and len(rows) <= WORTH_TELLING * len(wells)):
            continue
        # Wells that lack the same at the same timepoints are named together.
        alike: dict[tuple[str, ...], list[str]] = {}
        for well, of_well in rows.groupby("well"):
            found = []
            if status == "partial":
                fields = zip(of_well["n_fields_used"], of_well["n_fields_expected"], strict=True)
                found.append(", ".join(dict.fromkeys(f"{used} of {n} fields" for used, n in fields)))
            if len(of_well) < len(times):
                found.append(_times(of_well["timepoint"]))
            alike.setdefault(tuple(found), []).append(str(well))
        parts = [
            _named(names) + (f" ({'; '.join(found)})" if found else "") for found, names in alike.items()
        ]
        yield f"{status} ({meaning}): {', '.join(_cut(parts))}"


def _flags(wells: pd.DataFrame, fields: pd.DataFrame) -> Iterator[str]:
    """Flags that much of the plate carries, and those that are always mentioned."""
    told: set[str] = set()
    # The flags of a well are also those of its fields, which say how much of the plate it is.
    for table, unit in ((fields, "imaged fields"), (wells, "wells")):
        carried = table["qc_flags"].fillna("").str.split(";")
        names = sorted({name for flags in carried for name in flags} - {"", *TOLD_OTHERWISE} - told)
        told.update(names)
        for name in names:
            rows = table[carried.map(lambda flags, name=name: name in flags)]
            share = len(rows) / len(table)
            if share > WORTH_TELLING or name in ALWAYS_TOLD:
                meaning = f": {FLAGS[name]}" if name in FLAGS else ""
                yield (
                    f"{name}, {len(rows)} of {len(table)} {unit} ({share:.1%}), "
                    f"{_named(rows['well'])}{meaning}"
                )


def _of_wells(rows: pd.DataFrame) -> str:
    return f"{len(rows)} field{'s' if len(rows) > 1 else ''} of {_named(rows['well'])}"


def _named(wells: Iterable[str]) -> str:
    return ", ".join(_cut(format_wells(wells).split(", ")))


def _times(timepoints: Iterable[int]) -> str:
    """Timepoints in words, such as ``timepoints 1-3, 7``."""
    runs: list[list[int]] = []
    for timepoint in sorted(set(timepoints)):
        if runs and timepoint == runs[-1][-1] + 1:
            runs[-1].append(timepoint)
        else:
            runs.append([timepoint])
    text = ", ".join(f"{run[0]}-{run[-1]}" if len(run) > 1 else f"{run[0]}" for run in runs)
    return f"timepoint{'s' if '-' in text or ',' in text else ''} {text}"


def _cut(lines: list[str]) -> list[str]:
    """The first lines, and how many follow."""
    more = [f"and {len(lines) - SHOWN} more"] if len(lines) > SHOWN else []
    return lines[:SHOWN] + more
