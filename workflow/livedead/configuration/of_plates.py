"""Whether the configuration and the plates of plates.tsv go together."""

import math
from collections.abc import Iterator, Mapping
from typing import Any

import pandas as pd

from livedead.configuration.audit import contradicting_audit, contradicting_plan
from livedead.configuration.dyes import missing_dyes
from livedead.configuration.written import Contradiction, Written, listed
from livedead.errors import ConfigError, nearest
from livedead.network.pixel_size import common_pixel_size
from livedead.readers.pattern_grammar import why_no_pattern

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
