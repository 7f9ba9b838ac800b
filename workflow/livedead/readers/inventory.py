"""What was found of a plate against what was to be expected, in words, before any compute."""

from collections import Counter
from pathlib import Path
from typing import Any

import pandas as pd

from livedead.images.containers import is_container
from livedead.plates.geometry import format_wells
from livedead.readers.claims import Claim, unclaimed
from livedead.readers.folder import is_image
from livedead.readers.positions import find_overlap
from livedead.readers.scan import FIELD, PLANE

SHOWN = 12
"""Examples that a line names before it only counts."""

MAX_PIXEL_SIZE_DIFFERENCE = 0.05
"""Share by which a pixel size may differ from the export's before it is told."""

# Rough, from the demo on 2 CPU cores; only the order of magnitude is meant.
SECONDS_PER_MEGAPIXEL = 0.6
BYTES_PER_PIXEL = {"class maps and tables": 0.05, "target 'normalized', per channel": 1.6}


def take_inventory(
    images: pd.DataFrame,
    export: dict[str, Any],
    mapped_wells: list[str],
    *,
    plate: str,
    n_wells: int,
    pixel_size_um: float,
    input_channels: list[str],
    fields_per_well: int | None,
) -> str:
    """Describe an index.

    Parameters
    ----------
    images, export
        The index, see `livedead.readers.index.index_plate`.
    mapped_wells : list of str
        Wells of the plate map; empty if the plate has none.
    fields_per_well : int, optional
        Fields that every well should have; if not given, what the export's metadata says, or the
        most that any well has.
    """
    lines = [
        *_found(images, export, plate, n_wells),
        *_wells(images, export["expected"], mapped_wells),
        *_regularity(images, export["expected"], fields_per_well),
        *_incomplete(images, input_channels),
        *_problems(images, export["foreign"]),
        *_duplicates(images),
        *_odd(images, export["foreign"]),
        *_passed_over(export["passed_over"]),
        *_positions(images, export["expected"], pixel_size_um),
        *_estimate(images, input_channels),
        *(f"  NOTE: {note}" for note in export["notes"]),
    ]
    return "\n".join(lines) + "\n"


def list_unclaimed(raw: Path, files: list[str], claims: list[Claim]) -> str:
    """Describe the files of a folder, of which plates take parts, that are of none of them.

    Parameters
    ----------
    raw, files
        The folder, and the relative paths of its files.
    claims : list of Claim
        Of all its plates.
    """
    plates = _line(f"raw folder {raw}, plates", [claim.plate for claim in claims]).strip()
    left = unclaimed(files, claims)
    images = _line("images of no plate", list(filter(is_image, left)))
    others = _line("other files of no plate", [path for path in left if not is_image(path)])
    return f"{plates}\n{images}\n{others}\n"


def differing_pixel_size(expected: dict[str, Any], pixel_size_um: float) -> str:
    """In words, that the export's metadata give another pixel size than plates.tsv; empty if they do not.

    Parameters
    ----------
    expected : dict
        ``pixel_size_um``, or ``pixel_sizes_um`` where the metadata give several; see `Scan.expected`.
    pixel_size_um : float
        What plates.tsv says.
    """
    said = expected.get("pixel_sizes_um") or [size for size in [expected.get("pixel_size_um")] if size]
    if all(abs(size / pixel_size_um - 1) <= MAX_PIXEL_SIZE_DIFFERENCE for size in said):
        return ""
    sizes = " and ".join(f"{size:.4g}" for size in said)
    return f"the export says {sizes} um, plates.tsv {pixel_size_um:.4g} um"


def _found(images: pd.DataFrame, export: dict[str, Any], plate: str, n_wells: int) -> list[str]:
    per_well = images.groupby("well")["field"].nunique()
    counts = images["channel"].value_counts()
    contained = images["path"].map(is_container).astype(bool)
    n_bytes = images.loc[contained | ~images.duplicated("path"), "bytes"].sum()  # of planes, or of files
    lines = [
        f"plate {plate}: {len(per_well)} of {n_wells} wells, up to {per_well.max()} fields per well, "
        f"{images['timepoint'].nunique()} timepoint(s){_duration(images['hours'])}, channels "
        + ", ".join(f"{name} ({counts[name]})" for name in sorted(counts.index)),
        f"  format: {export['format']}, by {export['evidence']}",
        f"  files: {images['path'].nunique()}, {n_bytes / 1e9:.2f} GB; planes: {len(images)}",
    ]
    promised = export["expected"].get("n_wells", n_wells)
    if promised != n_wells:
        lines.append(f"  PLATE SIZE: the export says {promised} wells, plates.tsv {n_wells}")
    projections = images.loc[images["projection"] != "", ["channel", "projection"]].drop_duplicates()
    for row in projections.sort_values("channel").itertuples():
        n_planes = images.loc[images["channel"] == row.channel, "z"].nunique()
        lines.append(f"  focal planes: {row.projection} of {n_planes} of channel {row.channel}")
    return lines


def _duration(hours: pd.Series) -> str:
    """From when to when was imaged, as far as the export tells."""
    return "" if hours.isna().all() else f" from {hours.min():.3g} to {hours.max():.3g} h"


def _wells(images: pd.DataFrame, expected: dict[str, Any], mapped_wells: list[str]) -> list[str]:
    imaged, mapped, promised = set(images["well"]), set(mapped_wells), set(expected.get("wells", []))
    return [
        f"  mapped, not imaged: {format_wells(mapped - imaged) or 'none'}",
        f"  imaged, not mapped: {format_wells(imaged - mapped if mapped else []) or 'none'}",
        *(
            [f"  announced by the export, not imaged: {format_wells(promised - imaged) or 'none'}"]
            if promised
            else []
        ),
    ]


def _regularity(images: pd.DataFrame, expected: dict[str, Any], fields_per_well: int | None) -> list[str]:
    """Wells, timepoints and channels with fewer fields than there should be."""
    per_well = images.groupby("well")["field"].nunique()
    n_fields = fields_per_well or expected.get("fields") or int(per_well.max())
    timepoints = set(images["timepoint"])
    n_timepoints = expected.get("timepoints") or len(timepoints)
    fields = images.drop_duplicates(FIELD).groupby(["well", "field"])["timepoint"]
    fewer = [f"{well} ({n})" for well, n in per_well.items() if n < n_fields]
    more = [f"{well} ({n})" for well, n in per_well.items() if n > n_fields]
    short = [
        f"{well} field {field} ({n})" for (well, field), n in fields.nunique().items() if n < n_timepoints
    ]
    planes = images.drop_duplicates(PLANE)
    by_channel = ", ".join(
        f"{channel} {len(group)} of {group['well'].nunique()} x {n_fields} x {n_timepoints} = "
        f"{group['well'].nunique() * n_fields * n_timepoints}"
        for channel, group in planes.groupby("channel")
    )
    return [
        f"  found of wells x fields x timepoints, per channel: {by_channel}",
        _line(f"wells with fewer than {n_fields} fields", fewer),
        *([_line(f"wells with more than {n_fields} fields", more)] if more else []),
        *([_line(f"fields with fewer than {n_timepoints} timepoints", short)] if n_timepoints > 1 else []),
    ]


def _incomplete(images: pd.DataFrame, input_channels: list[str]) -> list[str]:
    found = images.groupby(FIELD)["channel"].agg(set)
    without = [
        f"{well} field {field} timepoint {timepoint} ({', '.join(sorted(set(input_channels) - has))})"
        for (well, field, timepoint), has in found.items()
        if not set(input_channels) <= has
    ]
    return [_line(f"fields without {', '.join(input_channels)}", without)]


def _problems(images: pd.DataFrame, foreign: dict[str, str]) -> list[str]:
    """Planes that will fail, by reason."""
    names = {
        "doubled": "doubled: planes that several images claim, or images that several planes claim; "
        "'files' in plates.tsv parts plates, 'file_pattern' in config.yaml tells apart what is no copy",
        "missing_file": "missing: listed by the export, but not there",
        "missing_plane": "missing: focal planes or pages that other fields have",
        "acquisition_failed": "failed acquisitions, as the microscope reports",
        "unreadable": "files that cannot be read",
    }
    lines = []
    for problem, what in names.items():
        rows = images[images["problem"] == problem]
        if len(rows) or problem == "doubled":
            found = [f"{_named(row)}: {_with_kind(row.path, foreign)}" for row in rows.itertuples()]
            lines.append(_line(what, found))
    return lines


def _duplicates(images: pd.DataFrame) -> list[str]:
    """Images that lie there under several names: files copied by mistake, or a stage that was stuck."""
    there = images[images["problem"] == ""]
    contained = there["path"].map(is_container).astype(bool)
    # The checksum is that of a file, which may hold many planes, but of the plane itself in a container.
    pixels = there[["sha256", "page", "dataset"]].assign(
        page=there["page"].mask(contained, -1), dataset=there["dataset"].mask(contained, "")
    )
    twice = pixels.duplicated(keep=False)
    lines = []
    for _, same in there[twice].groupby([pixels.loc[twice, name] for name in pixels], sort=False):
        if same["path"].nunique() > 1 or contained[same.index[0]]:
            lines.append(" = ".join([_named(row) for row in same.itertuples()][:SHOWN]))
    return [_line("THE SAME IMAGE in several places", lines)] if lines else []


def _named(row: Any) -> str:
    return f"{row.well} field {row.field} timepoint {row.timepoint} {row.channel}"


def _with_kind(path: str, foreign: dict[str, str]) -> str:
    return f"{path} ({foreign[path]})" if path in foreign else path


def _odd(images: pd.DataFrame, foreign: dict[str, str]) -> list[str]:
    """Files whose header or size differs from the others."""
    there = images[images["problem"].isin(["", "doubled"])]
    headless = there[there["height"] == 0]
    readable = there[there["height"] > 0]
    types = Counter(readable["dtype"])
    odd_type = readable[readable["dtype"] != "uint16"]
    sizes = there.groupby("channel")["bytes"].transform("median")
    small = there[there["bytes"] < 0.9 * sizes]
    depths = ", ".join(f"{name} ({n})" for name, n in types.most_common())
    return [
        *_shapes(readable, depths),
        _line("of a depth other than uint16", [f"{r.path} ({r.dtype})" for r in odd_type.itertuples()]),
        _line(
            "without a readable header",
            [_with_kind(path, foreign) for path in sorted(set(headless["path"]))],
        ),
        _line(
            "files much smaller than the others of their channel",
            [f"{row.path} ({row.bytes:,} bytes)" for row in small.itertuples()],
        ),
    ]


def _shapes(readable: pd.DataFrame, depths: str) -> list[str]:
    """The sizes of images: all of them if several were declared, else the usual one and what has another."""
    counts = Counter(zip(readable["height"], readable["width"], strict=True))
    if "sizes" in ",".join(readable["accept"].unique()).split(","):
        listed = ", ".join(f"{n} of {height} x {width} px" for (height, width), n in counts.most_common())
        return [f"  shapes: {listed}, {depths}"]
    (height, width), _ = counts.most_common(1)[0] if counts else ((0, 0), 0)
    others = readable[(readable["height"] != height) | (readable["width"] != width)]
    return [
        f"  shape: {height} x {width} px, {depths or '-'}",
        _line(
            "of another shape", [f"{row.path} ({row.height} x {row.width})" for row in others.itertuples()]
        ),
    ]


def _passed_over(passed_over: dict[str, str]) -> list[str]:
    """Files of the folder that are not in the index, by reason."""
    by_reason: dict[str, list[str]] = {}
    for path, why in sorted(passed_over.items()):
        by_reason.setdefault(why, []).append(path)
    if not by_reason:
        return ["  unlisted files: none"]
    return [_line(f"unlisted files, {why}", paths) for why, paths in sorted(by_reason.items())]


def _positions(images: pd.DataFrame, expected: dict[str, Any], pixel_size_um: float) -> list[str]:
    lines = []
    said = expected.get("pixel_size_um")
    differs = differing_pixel_size(expected, pixel_size_um)
    if differs:
        lines.append(f"  PIXEL SIZE: {differs}")
    overlap = find_overlap(images, said or pixel_size_um)
    if not overlap.known:
        return [*lines, "  overlap of fields: not known, the export gives no stage positions"]
    if overlap.same_place:
        lines.append(
            _line(
                "FIELDS AT THE SAME POSITION", [f"{w} fields {a} and {b}" for w, a, b in overlap.same_place]
            )
        )
    if not overlap.pairs:
        return [*lines, "  overlap of fields: none"]
    cropped = int(images["crop_y_px"].max()) or int(images["crop_x_px"].max())
    what = (
        "cropped to half of it"
        if cropped
        else "COUNTED TWICE there; 'overlap: crop' in config.yaml prevents it"
    )
    lines.append(
        f"  overlap of fields: {overlap.pairs} pairs, "
        f"up to {overlap.x_px} columns and {overlap.y_px} rows: {what}"
    )
    return lines


def _estimate(images: pd.DataFrame, input_channels: list[str]) -> list[str]:
    fields = images.drop_duplicates(FIELD)
    pixels = float((fields["height"] * fields["width"]).sum())
    disk = ", ".join(
        f"{what} {per_pixel * pixels * (len(input_channels) if 'channel' in what else 1) / 1e9:.2g} GB"
        for what, per_pixel in BYTES_PER_PIXEL.items()
    )
    minutes = pixels / 1e6 * SECONDS_PER_MEGAPIXEL / 60
    return [
        f"  estimate: {len(fields)} fields, {pixels / 1e6:.0f} megapixels; disk: {disk}; "
        f"time: {minutes:.2g} minutes on 2 CPU cores, a twentieth of it or less on a GPU"
    ]


def _line(what: str, items: list[str]) -> str:
    shown = ", ".join(items[:SHOWN])
    more = f" and {len(items) - SHOWN} more" if len(items) > SHOWN else ""
    count = f" ({len(items)})" if len(items) > SHOWN else ""
    return f"  {what}{count}: {shown or 'none'}{more}"
