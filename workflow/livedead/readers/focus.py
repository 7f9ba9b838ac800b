"""Which focal planes of a stack are read."""

import pandas as pd

from livedead.errors import ExportError
from livedead.readers.scan import FIELD

FocalPlane = int | str | dict[str, int | str] | None
"""The number of a plane, ``max``, ``mean`` or ``acquired``, or one of these by channel."""
PROJECTIONS = ("max", "mean")


def chosen_focus(planes: pd.DataFrame, focal_plane: FocalPlane) -> tuple[pd.DataFrame, dict[str, str]]:
    """The focal planes that were asked for; where there are several, one must be.

    Parameters
    ----------
    planes : DataFrame
        See `livedead.readers.scan.Plane`; channels under their names in the workflow.
    focal_plane : int, str or dict, optional
        See `livedead.readers.index.index_plate`.

    Returns
    -------
    planes : DataFrame
        With a column ``projection``, ``max`` or ``mean`` where a field is one of its planes; a focal
        plane that a field lacks for it has a row, too.
    passed_over : dict
        Relative path -> why, of the other planes.

    Raises
    ------
    ExportError
        If a channel has several and none is chosen, or none of those that are.
    """
    chosen: list[pd.DataFrame] = []
    passed_over: dict[str, str] = {}
    for channel, group in planes.groupby("channel", sort=False):
        wanted = focal_plane.get(str(channel)) if isinstance(focal_plane, dict) else focal_plane
        levels = sorted(set(group["z"][~group["projected"]]))
        keep = _is_wanted(group, wanted)
        has = [*map(str, levels), *["acquired"] * bool(group["projected"].any())]
        if wanted is None and len(has) > 1:
            raise ExportError(
                f"channel {channel} has several focal planes ({', '.join(has)}); set 'focal_plane' in "
                "config.yaml to a number, max, mean, or acquired (the microscope's projection)"
            )
        if not keep.any():
            raise ExportError(
                f"channel {channel} has no focal plane {wanted!r}; it has {', '.join(has)}; "
                "correct 'focal_plane' in config.yaml"
            )
        projection = wanted if wanted in PROJECTIONS and len(levels) > 1 else ""
        kept = group[keep].assign(projection=projection)
        chosen.append(kept)
        if projection:
            chosen.append(_absent_levels(kept, levels))
        passed_over |= dict.fromkeys(group["path"][~keep], "focal plane not chosen")
    return pd.concat([part for part in chosen if len(part)], ignore_index=True), passed_over


def _is_wanted(group: pd.DataFrame, wanted: int | str | None) -> pd.Series:
    """Which planes of one channel are meant."""
    if wanted is None:
        return pd.Series(True, group.index)
    if wanted == "acquired":
        return group["projected"]
    return ~group["projected"] & ((group["z"] == wanted) | (wanted in PROJECTIONS))


def _absent_levels(kept: pd.DataFrame, levels: list[int]) -> pd.DataFrame:
    """Rows for focal planes that a field lacks: its projection would not compare with others."""
    rows = []
    for _, group in kept.groupby(FIELD, sort=False):
        first = group.iloc[0]
        rows += [{**first, "z": z, "problem": "missing_plane"} for z in levels if z not in set(group["z"])]
    return pd.DataFrame(rows, columns=kept.columns)
