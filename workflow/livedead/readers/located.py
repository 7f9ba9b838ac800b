"""Which files hold the planes of a well and channel: what a job that reads them has to fetch."""

from collections.abc import Collection

import pandas as pd

Located = dict[str, dict[str, list[str]]]
"""Well -> channel -> paths relative to ``raw``, wells in plate order."""


def locate(images: pd.DataFrame) -> Located:
    """Where the planes of an index are, see `livedead.readers.index.index_plate`."""
    located: Located = {}
    for well, channel, path in images[["well", "channel", "path"]].itertuples(index=False):
        paths = located.setdefault(well, {}).setdefault(channel, [])
        if path not in paths[-1:]:
            paths.append(path)
    return located


def paths_of(located: Located, channels: Collection[str], wells: Collection[str]) -> list[str]:
    """Paths of the planes of some channels in some wells, each once."""
    chosen = [by_channel for well, by_channel in located.items() if well in wells]
    paths = (path for by_channel in chosen for channel in channels for path in by_channel.get(channel, []))
    return list(dict.fromkeys(paths))
