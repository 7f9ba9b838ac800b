"""Values that are allowed one by one but contradict each other, or that name what does not exist."""

import math
from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath
from typing import Any

import pandas as pd

from livedead.cells.rules import CountingRules, check_rules
from livedead.configuration.audit import contradicting_audit, contradicting_plan
from livedead.configuration.derived import counting_rules, intensity_channels
from livedead.configuration.dyes import contradicting_dyes, missing_dyes
from livedead.configuration.written import Contradiction, Key, Written, listed
from livedead.dyes.settings import ROLES
from livedead.errors import ConfigError, nearest
from livedead.network.classes import Classes
from livedead.network.pixel_size import common_pixel_size
from livedead.plates import geometry
from livedead.plates.plate_maps import WELL_COLUMNS
from livedead.plates.sheets import look
from livedead.readers.pattern_grammar import why_no_pattern
from livedead.tables import OF_WELLS

EXPORT_FORMATS = (
    "auto",
    "imagexpress",
    "operetta",
    "cellvoyager",
    "cq1",
    "incell",
    "cellomics",
    "metamorph",
    "scanr",
    "acquifer",
    "cytation",
    "evos",
    "incucyte",
    "hdf5",
    "ome",
    "nd2",
    "czi",
    "ome_zarr",
    "pattern",
)
"""Values of ``format`` in plates.tsv, here because `livedead.readers` is slow to import."""

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
    yield from contradicting_plan(config, table)
    for number, plate in enumerate(config["experience"]["plates"]):
        if plate not in table.index:
            yield (
                [("experience", "plates", number)],
                f"no plate {plate!r} in {config['plates']}{nearest(plate, table.index)}",
            )
    for number, name in enumerate(config["training"]["exclude"]):
        wrong = _no_labelled_well(name, table)
        if wrong:
            yield [("training", "exclude", number)], wrong


def _no_labelled_well(name: str, table: pd.DataFrame) -> str | None:
    """What is wrong with an entry of ``training.exclude``, if anything."""
    plate, *place = name.split("/")
    if len(place) not in (1, 2) or (len(place) == 2 and not place[1].isdecimal()):
        return f"{name!r}; allowed: plate/well or plate/well/field, such as plate1/B03/2"
    if plate not in table.index:
        return f"{name!r}: no plate {plate!r}{nearest(plate, table.index)}"
    dyed = table.at[plate, "dyed_wells"]
    if place[0] not in dyed:
        return f"{name!r}: {place[0]!r} is not one of the plate's dyed wells: {', '.join(dyed) or 'none'}"
    return None


def _of_plate(config: Mapping[str, Any], plate: str, row: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """(column, what is wrong) of a plate that contradicts the configuration."""
    export_format, brightest = row["format"], 2 ** row["bit_depth"] - 1
    if export_format not in EXPORT_FORMATS:
        hint = nearest(export_format, EXPORT_FORMATS)
        yield "format", f"{export_format!r}{hint}; allowed: {', '.join(EXPORT_FORMATS)}"
    pattern = row["file_pattern"]
    if export_format == "pattern" and pattern is None:
        yield "format", "'pattern' needs file_pattern, in this sheet or in the configuration"
    wrong = "" if pattern is None else why_no_pattern(pattern)
    if wrong:
        yield "file_pattern", f"{pattern!r} {wrong}"
    for name in ("camera_counts", "min_range"):
        if config["normalization"][name] > brightest:
            yield (
                "bit_depth",
                f"{row['bit_depth']} bits end at {brightest}, below normalization.{name}: "
                f"{config['normalization'][name]}",
            )
    yield from _areas(config["counting"], row["pixel_size_um"])
    yield from contradicting_audit(config, row)


def _areas(counting: Mapping[str, Any], pixel_size_um: float) -> Iterator[tuple[str, str]]:
    """Limits in micrometres and in pixels that no cell can meet at this pixel size."""
    area_um2 = pixel_size_um**2
    for low, high in (("min_area_um2", "max_area_px"), ("min_area_px", "max_area_um2")):
        least, most = counting[low], counting[high]
        if most is None:
            continue
        least, most = (least, most * area_um2) if low.endswith("um2") else (least * area_um2, most)
        if least > most:
            yield (
                "pixel_size_um",
                f"at {pixel_size_um} um per pixel, counting.{low} ({counting[low]}) is above "
                f"counting.{high} ({counting[high]}): no cell would be counted",
            )


def training_wells(config: Mapping[str, Any], table: pd.DataFrame) -> list[str]:
    """``plate/well`` of every dyed well that is not excluded from training."""
    wells = [f"{plate}/{well}" for plate, dyed in table["dyed_wells"].items() for well in dyed]
    return [well for well in wells if well not in config["training"]["exclude"]]


def check_training(config: Mapping[str, Any], table: pd.DataFrame) -> None:
    """Check what only training needs: labelled wells, dyes, and one pixel size.

    Raises
    ------
    ConfigError
        With every mistake, a line each.
    """
    problems = []
    n_wells, least = len(training_wells(config, table)), _least_to_learn_from(config)
    if n_wells == 0:
        problems.append(
            f"{config['plates']}: no plate has dyed_wells to learn from, or training.exclude has all of them"
        )
    elif n_wells < least:
        problems.append(
            f"{config['plates']}: {n_wells} dyed well to learn from; needed: {least}, as "
            "training.tiles.validation_fraction, if not 0, takes one"
        )
    dyed = table[table["dyed_wells"].str.len() > 0]
    by_dyes = dyed[(dyed["boxes"] == "") & (dyed["states"] == "")]
    if len(by_dyes):
        problems += missing_dyes(config["dyes"], drawn=bool((by_dyes["masks"] != "").all()))
    if len(dyed):
        try:
            common_pixel_size(dyed.reset_index().to_dict("records"))
        except ConfigError as error:
            problems.append(f"{config['plates']}: {error}")
    if problems:
        raise ConfigError("\n".join(problems))


def check_folds(config: Mapping[str, Any], table: pd.DataFrame) -> None:
    """Check that there are enough dyed wells for the folds of the cross-validation.

    Raises
    ------
    ConfigError
        With the number of dyed wells.
    """
    folds, n_wells = config["training"]["folds"], len(training_wells(config, table))
    if folds > n_wells:
        raise ConfigError(
            f"training.folds: {folds}, but {config['plates']} has {n_wells} dyed well(s) to divide; "
            f"allowed: 2 to their number"
        )
    left, least = n_wells - math.ceil(n_wells / folds), _least_to_learn_from(config)
    if left < least:
        raise ConfigError(
            f"training.folds: {folds} leaves {left} of the {n_wells} dyed wells of {config['plates']} to "
            f"learn from; needed: {least}, as training.tiles.validation_fraction, if not 0, takes one; "
            "allowed: more folds, up to the number of wells"
        )


def _least_to_learn_from(config: Mapping[str, Any]) -> int:
    """Wells that `livedead.training` needs: one to learn from, one to be judged on."""
    return 1 if config["training"]["tiles"]["validation_fraction"] == 0 else 2
