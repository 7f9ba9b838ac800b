"""What was found of a plate against what was to be expected, in words, before any compute."""

import pandas as pd

from livedead.plates import sort_wells


def take_inventory(
    images: pd.DataFrame,
    mapped_wells: list[str],
    *,
    plate: str,
    n_wells: int,
    input_channels: list[str],
    fields_per_well: int | None,
) -> str:
    """Describe an index.

    Parameters
    ----------
    images : DataFrame
        The index, see `livedead.readers.index_plate`.
    mapped_wells : list of str
        Wells of the plate map; empty if the plate has none.
    fields_per_well : int, optional
        Fields that every well should have; if not given, the most that any well has.
    """
    imaged = sort_wells(set(images["well"]))
    per_well = images.groupby("well")["field"].nunique()
    expected = fields_per_well or int(per_well.max())
    key = ["well", "field", "timepoint"]
    fields = images.groupby(key)["channel"].agg(set)
    unreadable = [index for index, found in fields.items() if not set(input_channels) <= found]
    sizes = images.groupby("channel")["bytes"].agg(["median", "min", "max"])
    odd = images[images["bytes"] < 0.9 * images["channel"].map(sizes["median"])]
    lines = [
        f"plate {plate}: {len(imaged)} of {n_wells} wells, up to {per_well.max()} fields a well, "
        f"{images['timepoint'].nunique()} timepoint(s), channels "
        + ", ".join(f"{name} ({count})" for name, count in images["channel"].value_counts().items()),
        f"  files: {len(images)}, {images['bytes'].sum() / 1e9:.2f} GB",
        _wells("  mapped, not imaged", set(mapped_wells) - set(imaged)),
        _wells("  imaged, not mapped", set(imaged) - set(mapped_wells) if mapped_wells else set()),
        _wells(f"  wells with fewer than {expected} fields", set(per_well.index[per_well < expected])),
        f"  fields without {', '.join(input_channels)}: "
        + (", ".join(f"{w} field {f} timepoint {t}" for w, f, t in unreadable) or "none"),
        "  files much smaller than the others of their channel: "
        + (", ".join(f"{row.path} ({row.bytes:,} bytes)" for row in odd.itertuples()) or "none"),
    ]
    return "\n".join(lines) + "\n"


def _wells(what: str, wells: set[str]) -> str:
    return f"{what}: {', '.join(sort_wells(wells)) or 'none'}"
