"""Values that are allowed one by one and cannot hold together, or that name what is not there."""

import math
from collections.abc import Iterator, Mapping
from typing import Any

import pandas as pd

from livedead.configuration.derived import counting_rules, intensity_channels
from livedead.configuration.written import Key, Written, listed
from livedead.errors import ConfigError, nearest
from livedead.network.classes import Classes, CountingRules, check_rules
from livedead.plates import geometry
from livedead.plates.plate_maps import WELL_COLUMNS
from livedead.plates.rows import look
from livedead.readers.file_patterns import why_no_pattern
from livedead.tables import KEYS, RESULTS

EXPORT_FORMATS = (
    "auto",
    "imagexpress",
    "operetta",
    "cellvoyager",
    "incell",
    "scanr",
    "hdf5",
    "ome",
    "pattern",
)
"""What ``format`` in plates.tsv may say; `livedead.readers`, which reads them, takes long to import."""

SIMULATED = "results/simulated/{plate}/raw"
"""Where simulated plates lie."""

_LIMITS = {
    "out_of_focus": "min_focus",
    "saturated": "max_saturated_fraction",
    "dark": "max_dark_fraction",
    "uneven": "max_illumination_residual",
    "drift": "max_drift",
}

Contradiction = tuple[list[Key], str]
"""Keys that do not agree, that which is to be named first, and what is wrong."""


def contradictions(config: Mapping[str, Any], written: Written) -> Iterator[Contradiction]:
    """What cannot hold together in a complete configuration whose values are each allowed."""
    yield from _unknown_channels(config, written)
    yield from _classes(config)
    yield from _ranges(config)
    yield from _pattern(config)
    yield from _plate_map_columns(config)
    yield from _simulated(config)


def _unknown_channels(config: Mapping[str, Any], written: Written) -> Iterator[Contradiction]:
    channels = config["channels"]
    named: list[tuple[Key, str]] = [
        *_items(("input_channels",), config["input_channels"]),
        *_items(("normalization", "fluorescence"), config["normalization"]["fluorescence"]),
        *_items(("counting", "intensity_channels"), intensity_channels(config)),
    ]
    if isinstance(config["focal_plane"], Mapping):
        named += [(("focal_plane", channel), channel) for channel in config["focal_plane"]]
    # By default they name dyes that a run without training needs not have.
    dyes: list[Key] = [("labels", "live_dye"), ("labels", "dead_dye")]
    named += [(key, config["labels"][key[1]]) for key in dyes if key in written.places]
    for key, channel in named:
        if channel not in channels:
            yield [key], _no_channel(channel, channels)
    seen: dict[str, str] = {}
    for name, wanted in channels.items():
        if seen.setdefault(wanted, name) != name:
            yield (
                [("channels", name)],
                f"{wanted!r} is channels.{seen[wanted]} already; allowed: a channel of the export each",
            )


def _no_channel(channel: str, channels: Mapping[str, str]) -> str:
    return f"no channel {channel!r}{nearest(channel, channels)}; allowed: {', '.join(channels)}"


def _items(key: Key, names: list[str]) -> list[tuple[Key, str]]:
    return [((*key, number), name) for number, name in enumerate(names)]


def _classes(config: Mapping[str, Any]) -> Iterator[Contradiction]:
    names = [entry["name"] for entry in config["classes"]]
    repeated = [number for number, name in enumerate(names) if name in names[:number]]
    for number in repeated:
        first = names.index(names[number]) + 1
        yield (
            [("classes", number, "name")],
            f"{names[number]!r} is class {first} already; each has a name of its own",
        )
    if repeated:
        return
    try:
        check_rules(Classes.from_config(config["classes"]), CountingRules(**counting_rules(config)))
    except ConfigError as error:
        yield [("classes",)], str(error)


def _ranges(config: Mapping[str, Any]) -> Iterator[Contradiction]:
    levels, counting = config["normalization"], config["counting"]
    # (section, smaller, larger): each smaller one must not be the larger.
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
            f"{one} is not counted itself: min_area_um2 is {counting['min_area_um2']}, max_area_um2 "
            f"{counting['max_area_um2']}",
        )
    for number, mark in enumerate(config["qc"]["exclude_flags"]):
        if mark in _LIMITS and config["qc"][_LIMITS[mark]] is None:
            yield (
                [("qc", "exclude_flags", number)],
                f"{mark!r} is never marked, as qc.{_LIMITS[mark]} is null; set it, or take {mark!r} out",
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


def _plate_map_columns(config: Mapping[str, Any]) -> Iterator[Contradiction]:
    roles = ("agent_column", "dose_column", "cell_line_column")
    columns = [config["plate_map"][role] for role in roles]
    # As the heads of a sheet are found: in any case.
    folded = [look(column).casefold() for column in columns]
    for number, (role, column) in enumerate(zip(roles, columns, strict=True)):
        if folded[number] in folded[:number]:
            other = roles[folded.index(folded[number])]
            yield (
                [("plate_map", role), ("plate_map", other)],
                f"{column!r} is plate_map.{other}, too; allowed: a column each",
            )
        elif folded[number] in (*WELL_COLUMNS, "") or column in (*KEYS, *RESULTS):
            yield [("plate_map", role)], f"{column!r} has a meaning of its own; allowed: any other column"


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
                yield [(*section, "truncated_field", "well")], f"{broken['well']} is missing_well, too"
        made = settings.get("wells", geometry.all_wells(96))
        for key, well in named:
            if well not in geometry.all_wells(96):
                yield [key], f"{well!r}; allowed: wells of 96, such as A01"
            elif well not in made:
                yield [key], f"{well!r} is none of simulation.{plate}.wells"


def check_sheet(config: Mapping[str, Any], table: pd.DataFrame, written: Written) -> None:
    """Check the configuration against the sheet of plates.

    Parameters
    ----------
    config : mapping
        Complete, from `check`.
    table : DataFrame
        From `livedead.plates.plate_sheet.read_plates`.

    Raises
    ------
    ConfigError
        With every mistake, a line each.
    """
    mistakes = [written.mistake(wrong, *keys) for keys, wrong in _against_sheet(config, table)]
    problems = [
        f"{config['plates']}: plate {plate}, column {column!r}: {wrong}"
        for plate, row in table.to_dict("index").items()
        for column, wrong in _of_plate(config, plate, row)
    ]
    if mistakes or problems:
        raise ConfigError("\n".join([listed(mistakes), *problems]).strip())


def _against_sheet(config: Mapping[str, Any], table: pd.DataFrame) -> Iterator[Contradiction]:
    for plate in config["simulation"]:
        if plate not in table.index:
            yield (
                [("simulation", plate)],
                f"no plate {plate!r} in {config['plates']}{nearest(plate, table.index)}",
            )
    for number, name in enumerate(config["training"]["exclude"]):
        wrong = _no_labelled_well(name, table)
        if wrong:
            yield [("training", "exclude", number)], wrong


def _no_labelled_well(name: str, table: pd.DataFrame) -> str | None:
    """What is wrong with the name of a well or field that is not to be trained on."""
    plate, *place = name.split("/")
    if len(place) not in (1, 2) or (len(place) == 2 and not place[1].isdecimal()):
        return f"{name!r}; allowed: plate/well or plate/well/field, such as plate1/B03/2"
    if plate not in table.index:
        return f"{name!r}: no plate {plate!r}{nearest(plate, table.index)}"
    dyed = table.at[plate, "dyed_wells"]
    if place[0] not in dyed:
        return (
            f"{name!r}: {place[0]!r} is none of its dyed wells, {', '.join(dyed) or 'of which it has none'}"
        )
    return None


def _of_plate(config: Mapping[str, Any], plate: str, row: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """(column, what is wrong) of a plate that cannot be as the configuration is."""
    export_format, brightest = row["format"], 2 ** row["bit_depth"] - 1
    if export_format not in EXPORT_FORMATS:
        hint = nearest(export_format, EXPORT_FORMATS)
        yield "format", f"{export_format!r}{hint}; allowed: {', '.join(EXPORT_FORMATS)}"
    if export_format == "pattern" and config["file_pattern"] is None:
        yield "format", "'pattern' needs file_pattern in the configuration"
    for name in ("camera_counts", "min_range"):
        if config["normalization"][name] > brightest:
            yield (
                "bit_depth",
                f"{row['bit_depth']} bits end at {brightest}, below normalization.{name}, "
                f"{config['normalization'][name]}",
            )
    yield from _areas(config["counting"], row["pixel_size_um"])


def _areas(counting: Mapping[str, Any], pixel_size_um: float) -> Iterator[tuple[str, str]]:
    """Limits in micrometres and in pixels that leave no cell, at this size of a pixel."""
    area_um2 = pixel_size_um**2
    for low, high in (("min_area_um2", "max_area_px"), ("min_area_px", "max_area_um2")):
        least, most = counting[low], counting[high]
        if most is None:
            continue
        least, most = (least, most * area_um2) if low.endswith("um2") else (least * area_um2, most)
        if least > most:
            yield (
                "pixel_size_um",
                f"at {pixel_size_um} um a pixel, counting.{low} ({counting[low]}) is above "
                f"counting.{high} ({counting[high]}): no cell would be counted",
            )


def training_wells(config: Mapping[str, Any], table: pd.DataFrame) -> list[str]:
    """``plate/well`` of every dyed well that is not left out of training."""
    wells = [f"{plate}/{well}" for plate, dyed in table["dyed_wells"].items() for well in dyed]
    return [well for well in wells if well not in config["training"]["exclude"]]


def check_training(config: Mapping[str, Any], table: pd.DataFrame) -> None:
    """Check what only a run that trains needs: labelled wells, and the channels of the dyes.

    Raises
    ------
    ConfigError
        With every mistake, a line each.
    """
    problems = []
    n_wells, least = len(training_wells(config, table)), _least_to_learn_from(config)
    if n_wells == 0:
        problems.append(
            f"{config['plates']}: no plate has dyed_wells to learn from, or training.exclude has them all"
        )
    elif n_wells < least:
        problems.append(
            f"{config['plates']}: {n_wells} dyed well to learn from; needed: {least}, of which "
            "training.tiles.validation_fraction takes one, if it is not 0"
        )
    dyed = table[table["dyed_wells"].str.len() > 0]
    needed = ["dead_dye"] if (dyed["masks"] != "").all() else ["dead_dye", "live_dye"]
    for name in needed:
        channel = config["labels"][name]
        if channel not in config["channels"]:
            problems.append(f"labels.{name}: {_no_channel(channel, config['channels'])}; training needs it")
    if "live_dye" in needed and config["labels"]["live_dye"] == config["labels"]["dead_dye"]:
        problems.append(f"labels.live_dye: {config['labels']['live_dye']!r} is labels.dead_dye, too")
    if problems:
        raise ConfigError("\n".join(problems))


def check_folds(config: Mapping[str, Any], table: pd.DataFrame) -> None:
    """Check that the dyed wells can be parted for the cross-validation.

    Raises
    ------
    ConfigError
        Naming how many there are.
    """
    folds, n_wells = config["training"]["folds"], len(training_wells(config, table))
    if folds > n_wells:
        raise ConfigError(
            f"training.folds: {folds}, but {config['plates']} has {n_wells} dyed well(s) to part; "
            f"allowed: 2 to their number"
        )
    left, least = n_wells - math.ceil(n_wells / folds), _least_to_learn_from(config)
    if left < least:
        raise ConfigError(
            f"training.folds: {folds} leaves {left} of the {n_wells} dyed wells of {config['plates']} to "
            f"learn from; needed: {least}, of which training.tiles.validation_fraction takes one, if it is "
            "not 0; allowed: more folds, up to the number of wells"
        )


def _least_to_learn_from(config: Mapping[str, Any]) -> int:
    """Wells that a training needs, as `livedead.training` does: one to learn from, one to be judged on."""
    return 1 if config["training"]["tiles"]["validation_fraction"] == 0 else 2
