"""Values that are allowed one by one but contradict each other, or that name what does not exist."""

from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath
from typing import Any

from livedead.cells.rules import CountingRules, check_rules
from livedead.configuration.derived import counting_rules, intensity_channels
from livedead.configuration.dyes import contradicting_dyes
from livedead.configuration.written import Contradiction, Key
from livedead.dyes.settings import ROLES
from livedead.errors import ConfigError, nearest
from livedead.network.classes import Classes
from livedead.plates import geometry
from livedead.plates.plate_maps import WELL_COLUMNS
from livedead.plates.sheets import look
from livedead.readers.pattern_grammar import why_no_pattern
from livedead.tables import OF_WELLS

SIMULATED = "results/simulated/{plate}/raw"
"""Where simulated plates lie."""

TRAINED = "results/training"
"""Where trained networks lie."""
LEARNED = "results/weights/experience.json"
"""What the target ``experience`` makes."""

_LIMITS = {
    "out_of_focus": "min_focus",
    "saturated": "max_saturated_fraction",
    "dark": "max_dark_fraction",
    "uneven": "max_illumination_residual",
    "drift": "max_drift",
    "unfamiliar": "max_unfamiliarity",
}


def contradictions(config: Mapping[str, Any]) -> Iterator[Contradiction]:
    """The contradictions in a complete configuration whose values are each allowed."""
    yield from _unknown_channels(config)
    if config["reading"] == "network":
        yield from _classes(config)
    yield from contradicting_dyes(config)
    yield from _ranges(config)
    yield from _pattern(config)
    yield from _sizes(config)
    yield from _plate_map_columns(config)
    yield from _simulated(config)
    yield from _start(config["training"])
    if config["experience"]["file"] == LEARNED:
        yield (
            [("experience", "file")],
            f"{LEARNED} is made by the network that would read it; copy it to config/, and name the copy",
        )


def _start(training: Mapping[str, Any]) -> Iterator[Contradiction]:
    start = training["start"]
    if start is None:
        return
    if training["encoder"] is not None:
        keys: list[Key] = [("training", "start"), ("training", "encoder")]
        yield keys, f"{start} has an encoder of its own; remove one of them"
    if PurePosixPath(start).is_relative_to(TRAINED):
        yield (
            [("training", "start")],
            f"{start} is made by the training that would start from it; copy it to config/, and name that",
        )


def _unknown_channels(config: Mapping[str, Any]) -> Iterator[Contradiction]:
    channels = config["channels"]
    named: list[tuple[Key, str]] = [
        *(_items(("input_channels",), config["input_channels"]) if config["reading"] == "network" else []),
        *((("dyes", role), config["dyes"][role]) for role in ROLES if config["dyes"][role] is not None),
        *_items(("normalization", "fluorescence"), config["normalization"]["fluorescence"]),
        *_items(("counting", "intensity_channels"), intensity_channels(config)),
    ]
    if isinstance(config["focal_plane"], Mapping):
        named += [(("focal_plane", channel), channel) for channel in config["focal_plane"]]
    for key, channel in named:
        if channel not in channels:
            yield [key], f"no channel {channel!r}{nearest(channel, channels)}; allowed: {', '.join(channels)}"
    seen: dict[str, str] = {}
    for name, wanted in channels.items():
        if seen.setdefault(wanted, name) != name:
            yield (
                [("channels", name)],
                f"{wanted!r} is channels.{seen[wanted]} already; each names another channel of the export",
            )


def _items(key: Key, names: list[str]) -> list[tuple[Key, str]]:
    return [((*key, number), name) for number, name in enumerate(names)]


def _classes(config: Mapping[str, Any]) -> Iterator[Contradiction]:
    names = [entry["name"] for entry in config["classes"]]
    repeated = [number for number, name in enumerate(names) if name in names[:number]]
    for number in repeated:
        first = names.index(names[number]) + 1
        yield (
            [("classes", number, "name")],
            f"{names[number]!r} is class {first} already; each class needs its own name",
        )
    if repeated:
        return
    try:
        check_rules(Classes.from_config(config["classes"]), CountingRules(**counting_rules(config)))
    except ConfigError as error:
        yield [("classes",)], str(error)


def _ranges(config: Mapping[str, Any]) -> Iterator[Contradiction]:
    levels, counting = config["normalization"], config["counting"]
    for unit in ("um2", "px"):
        low, high = counting[f"min_area_{unit}"], counting[f"max_area_{unit}"]
        if high is not None and low > high:
            key: Key = ("counting", f"min_area_{unit}")
            yield (
                [key, ("counting", f"max_area_{unit}")],
                f"{low} is above max_area_{unit}, {high}: no cell would be counted",
            )
    if levels["low_percentile"] >= levels["high_percentile"]:
        keys: list[Key] = [("normalization", "low_percentile"), ("normalization", "high_percentile")]
        yield keys, f"{levels['low_percentile']} is not below high_percentile, {levels['high_percentile']}"
    one = counting["cell_area_um2"]
    if one and not counting["min_area_um2"] <= one <= counting["max_area_um2"]:
        yield (
            [("counting", "cell_area_um2")],
            f"{one} would itself not be counted: min_area_um2 is {counting['min_area_um2']}, max_area_um2 "
            f"{counting['max_area_um2']}",
        )
    for number, mark in enumerate(config["qc"]["exclude_flags"]):
        if mark in _LIMITS and config["qc"][_LIMITS[mark]] is None:
            yield (
                [("qc", "exclude_flags", number)],
                f"{mark!r} is never set, as qc.{_LIMITS[mark]} is null; set that limit, or remove {mark!r}",
            )
    um, px = (config["labels"]["boxes"][f"diameter_{unit}"] for unit in ("um", "px"))
    if None not in (um, px):
        yield (
            [("labels", "boxes", "diameter_um"), ("labels", "boxes", "diameter_px")],
            f"{um}, but diameter_px is {px}; remove one of them",
        )
    segmentation = config["segmentation"]
    if segmentation["tile_px"] is not None and segmentation["force"] in ("whole", "banded"):
        yield (
            [("segmentation", "tile_px")],
            f"{segmentation['tile_px']}, but segmentation.force is {segmentation['force']!r}, without tiles",
        )


def _pattern(config: Mapping[str, Any]) -> Iterator[Contradiction]:
    pattern = config["file_pattern"]
    wrong = "" if pattern is None else why_no_pattern(pattern)
    if wrong:
        yield [("file_pattern",)], f"{pattern!r} {wrong}"


def _sizes(config: Mapping[str, Any]) -> Iterator[Contradiction]:
    """What cannot be where the fields of a plate have several sizes."""
    accepted = config["gate"]["accept"]
    if "sizes" not in accepted:
        return
    key: Key = ("gate", "accept", accepted.index("sizes"))
    n_fields = config["normalization"]["flat_fields"]
    if n_fields:
        yield (
            [key, ("normalization", "flat_fields")],
            f"'sizes' with normalization.flat_fields {n_fields}; a flat-field has one size: set it to 0",
        )
    if config["overlap"] == "crop":
        yield [key, ("overlap",)], "'sizes' with overlap 'crop', which crops fields of one size; remove one"
    if config["reading"] == "dyes":
        yield [key], "'sizes' with reading 'dyes', whose flat-fields have one size; remove it"


def _plate_map_columns(config: Mapping[str, Any]) -> Iterator[Contradiction]:
    roles = ("agent_column", "dose_column", "cell_line_column")
    columns = [config["plate_map"][role] for role in roles]
    # As the columns of a sheet are found: upper and lower case are the same.
    folded = [look(column).casefold() for column in columns]
    for number, (role, column) in enumerate(zip(roles, columns, strict=True)):
        if folded[number] in folded[:number]:
            other = roles[folded.index(folded[number])]
            yield (
                [("plate_map", role), ("plate_map", other)],
                f"{column!r} is plate_map.{other}, too; each needs its own column",
            )
        elif folded[number] in (*WELL_COLUMNS, "") or column in OF_WELLS:
            yield [("plate_map", role)], f"{column!r} is reserved; allowed: any other column"


def _simulated(config: Mapping[str, Any]) -> Iterator[Contradiction]:
    for plate, settings in config["simulation"].items():
        section: Key = ("simulation", plate)
        named: list[tuple[Key, str]] = _items((*section, "wells"), settings.get("wells", []))
        if "missing_well" in settings:
            named.append(((*section, "missing_well"), settings["missing_well"]))
        broken = settings.get("truncated_field")
        if broken is not None:
            named.append(((*section, "truncated_field", "well"), broken["well"]))
            if broken["field"] > settings["fields_per_well"]:
                yield (
                    [(*section, "truncated_field", "field")],
                    f"{broken['field']}; allowed: 1 to fields_per_well, {settings['fields_per_well']}",
                )
            if broken["well"] == settings.get("missing_well"):
                yield [(*section, "truncated_field", "well")], f"{broken['well']} is also missing_well"
        if "staining" in settings and settings["pixel_size_um"] != 0.65:
            yield [(*section, "pixel_size_um")], "dyed plates are simulated at 0.65 um; leave out staining"
        made = settings.get("wells", geometry.all_wells(96))
        for key, well in named:
            if well not in geometry.all_wells(96):
                yield [key], f"{well!r}; allowed: wells of 96, such as A01"
            elif well not in made:
                yield [key], f"{well!r} is not in simulation.{plate}.wells"
