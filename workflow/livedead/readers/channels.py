"""The channels of an export, under their names in the workflow."""

import logging

import pandas as pd

from livedead.errors import ExportError
from livedead.readers.scan import FIELD

log = logging.getLogger(__name__)


def named_channels(
    planes: pd.DataFrame, channels: dict[str, str], export_names: dict[str, str]
) -> tuple[pd.DataFrame, dict[str, str]]:
    """The planes of configured channels, under their names in the workflow.

    Parameters
    ----------
    planes : DataFrame
        See `livedead.readers.scan.Plane`.
    channels : dict
        Name in the workflow -> name in the export.
    export_names : dict
        Channel of the export -> what its metadata call it, which will do as well.

    Returns
    -------
    planes : DataFrame
    passed_over : dict
        Relative path -> why, of the other planes.

    Raises
    ------
    ExportError
        If a channel matches several of the export, two match one, or none is there.
    """
    found = sorted(set(planes["channel"]))
    shown = ", ".join(f"{c} ({export_names[c]})" if c in export_names else c for c in found)
    names: dict[str, str] = {}
    for name, wanted in channels.items():
        matches = [c for c in found if wanted == c] or [c for c in found if wanted == export_names.get(c)]
        if len(matches) > 1:
            raise ExportError(
                f"channel {wanted!r} matches several of the export: {', '.join(matches)}; "
                "write one of these under 'channels' in config.yaml"
            )
        if matches and matches[0] in names:
            raise ExportError(
                f"{name} and {names[matches[0]]} are both channel {matches[0]} of the export; "
                "correct 'channels' in config.yaml"
            )
        names.update(dict.fromkeys(matches, name))
    if not names:
        raise ExportError(
            f"none of the configured channels {', '.join(channels.values())} is in the export, "
            f"which has {shown}; correct 'channels' in config.yaml"
        )
    absent = [f"{name} ({wanted})" for name, wanted in channels.items() if name not in names.values()]
    if absent:
        log.warning("no image of channel %s; the export has %s", ", ".join(absent), shown)
    kept = planes["channel"].isin(names)
    _tell_fields_without(planes, kept)
    others = planes[~kept].drop_duplicates("path")
    passed_over = {
        path: f"channel {channel} is not configured"
        for path, channel in zip(others["path"], others["channel"], strict=True)
    }
    return planes[kept].assign(channel=planes["channel"].map(names)), passed_over


def _tell_fields_without(planes: pd.DataFrame, kept: pd.Series) -> None:
    """Warn of fields that have no configured channel: in a container nothing else would name them."""
    fields = pd.MultiIndex.from_frame(planes[FIELD])
    without = planes[~fields.isin(fields[kept])].drop_duplicates(FIELD)
    for one in without.head(1).itertuples():
        log.warning(
            "%d field(s) have none of the configured channels and are left out, such as field %d of well %s "
            "at timepoint %d, which has channel %s",
            len(without),
            one.field,
            one.well,
            one.timepoint,
            one.channel,
        )
