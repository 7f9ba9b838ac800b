"""Sentences on the images of a run, and on how raw counts were normalized."""

import numpy as np
import pandas as pd

from livedead.wells.methods.run import Run
from livedead.wells.methods.wording import listed, number
from livedead.wells.timing import hours_of_timepoints, in_hours

SAME_STEP = 0.1
"""Share by which steps of time may differ and be told as one."""


def images(run: Run) -> str:
    """What was imaged."""
    imaged = run.wells[run.wells["status"] != "no_images"]
    n_wells, n_times = len(imaged[["plate", "well"]].drop_duplicates()), imaged["timepoint"].nunique()
    over_time = f", at {n_times} timepoints{_hours(imaged)}" if n_times > 1 else ""
    sizes = listed(f"{size:g}" for size in sorted({sheet["pixel_size_um"] for sheet in run.sheets.values()}))
    return (
        f"Images of {number(len(run.sheets), 'plate')} ({number(n_wells, 'imaged well')}, "
        f"{number(len(run.fields), 'field')}{over_time}) were analysed; pixels measured {sizes} µm."
    )


def _hours(imaged: pd.DataFrame) -> str:
    """How long and how often was imaged, as far as it is known."""
    hours = hours_of_timepoints(imaged)
    if len(hours) < imaged["timepoint"].nunique():
        return ""
    steps = np.diff(hours)
    if steps.max() - steps.min() <= SAME_STEP * steps.mean():
        often = f"every {in_hours(steps.mean())}"
    else:
        often = f"{in_hours(steps.min())} to {in_hours(steps.max())} apart"
    return f" over {in_hours(hours.iloc[-1] - hours.iloc[0])} ({often})"


def failed(run: Run) -> str:
    """Fields that were used, and those that failed, by code."""
    codes = run.fields.loc[run.fields["status"] == "failed", "code"].value_counts()
    n_used = int((run.fields["status"] == "ok").sum())
    if codes.empty:
        return f"Of these fields, {n_used:,} were used."
    by_code = listed(f"{n:,} {code}" for code, n in codes.items())
    return f"Of these fields, {n_used:,} were used and {codes.sum():,} failed ({by_code})."


def excluded(run: Run) -> str:
    """Fields that their QC flags excluded."""
    flags = run.config["qc"]["exclude_flags"]
    if not flags:
        return ""
    n = int((run.fields["code"] == "excluded_qc").sum())
    limits = [
        f"{name} ({key} {run.config['qc'][key]:g})" if key else name
        for name, key in ((flag, _LIMITS.get(flag)) for flag in flags)
    ]
    flagged = listed(limits, "or")
    return f"Fields that quality control flagged as {flagged} were excluded, {n:,} of {len(run.fields):,}."


_LIMITS = {
    "out_of_focus": "min_focus",
    "saturated": "max_saturated_fraction",
    "dark": "max_dark_fraction",
    "uneven": "max_illumination_residual",
    "drift": "max_drift",
    "unfamiliar": "max_unfamiliarity",
}
"""QC flag -> the key under ``qc`` of its limit; others have none there."""


def illumination(run: Run) -> str:
    """Flat-field correction."""
    settings = run.config["normalization"]
    if not settings["flat_fields"]:
        return ""
    return (
        "Uneven illumination was corrected by division by the profile of each plate and channel, the "
        f"pixelwise median of up to {settings['flat_fields']} fields, smoothed by a Gaussian of "
        f"{settings['smooth_px']:g} px."
    )


def background(run: Run) -> str:
    """Background that was subtracted."""
    if run.by_dyes:
        return "The background of each field was subtracted."
    channels = run.config["normalization"]["fluorescence"]
    return f"The background of {listed(channels)} was subtracted." if channels else ""


def own_light(run: Run) -> str:
    """Per-field illumination correction."""
    degree = run.config["normalization"]["own_light"]
    if not degree or run.by_dyes:
        return ""
    return f"Each field was divided by a polynomial of degree {degree} fitted to its background."


def counts_range(run: Run) -> str:
    """What became black and white."""
    settings = run.config["normalization"]
    if run.by_dyes:
        return ""
    if settings["contrast"] is not None:
        low, high = (f"{1 + sign * settings['contrast']:g}" for sign in (-1, 1))
        limits = f"{low} and {high} times the median"
    else:
        limits = f"the {settings['low_percentile']:g}th and the {settings['high_percentile']:g}th percentile"
    return f"Counts between {limits} of the pixels of each {settings['scope']} were scaled to -1 to 1."
