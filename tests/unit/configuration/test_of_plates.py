"""What the configuration and plates.tsv say, each fine alone, that cannot hold together."""

from contextlib import nullcontext

import pandas as pd
import pytest

from livedead.configuration.of_plates import (
    EXPORT_FORMATS,
    check_folds,
    check_sheet,
    check_training,
    training_wells,
)
from livedead.errors import ConfigError


@pytest.mark.parametrize(
    ("text", "key", "said"),
    [
        (
            "simulation: {pp1: {seed: 1}}",
            "simulation.pp1",
            "no plate 'pp1' in plates.tsv (did you mean 'p1'?)",
        ),
        ("training: {exclude: [p1/A01, p3/A01]}", "training.exclude[2]", "no plate 'p3'"),
        (
            "training: {exclude: [p1/A03]}",
            "training.exclude[1]",
            "not one of the plate's dyed wells: A01, A02, B01",
        ),
        ("training: {exclude: [p1/A1]}", "training.exclude[1]", "'A1' is not one"),
        ("training: {exclude: [p1]}", "training.exclude[1]", "plate/well"),
        ("training: {exclude: [p1/A01/x]}", "training.exclude[1]", "plate/well"),
    ],
)
def test_names_that_no_plate_has_are_refused(sheet, text, key, said, lines):
    config, table, written = sheet(text + "\n")
    with pytest.raises(ConfigError) as caught:
        check_sheet(config, table, written)
    assert str(caught.value).startswith(f"config.yaml: line {lines + 1}, {key}: ")
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("text", "columns", "values", "said"),
    [
        ("", "\tformat", "\timagexpres", "column 'format': 'imagexpres' (did you mean 'imagexpress'?)"),
        ("", "\tformat", "\tpattern", "column 'format': 'pattern' needs file_pattern"),
        ("", "\tfile_pattern", "\t{wel}_f{field}", "column 'file_pattern': '{wel}_f{field}' has wel (did"),
        # 8 bits end at 255.
        (
            "normalization: {min_range: 256}\n",
            "\tbit_depth",
            "\t8",
            "bits end at 255, below normalization.min_range",
        ),
        # 100 px of 0.65 um are 42.25 um2.
        ("counting: {min_area_um2: 43, max_area_px: 100}\n", "", "", "no cell would be counted"),
        ("counting: {min_area_px: 100, max_area_um2: 42}\n", "", "", "no cell would be counted"),
    ],
)
def test_a_plate_that_the_configuration_rules_out_is_named(sheet, text, columns, values, said):
    config, table, written = sheet(text, columns, values)
    with pytest.raises(ConfigError) as caught:
        check_sheet(config, table, written)
    assert str(caught.value).startswith("plates.tsv: plate p1, column ")
    assert said in str(caught.value)


def test_exclusions_and_limits_that_hold_pass(sheet):
    text = "training: {exclude: [p1/A02/3, p1/B01]}\ncounting: {min_area_um2: 42, max_area_px: 100}\n"
    config, table, written = sheet(text)
    check_sheet(config, table, written)
    assert training_wells(config, table) == ["p1/A01", "p1/A02"]


def test_more_folds_than_dyed_wells_are_refused(sheet):
    config, table, _ = sheet("training: {folds: 3}\n")
    check_folds(config, table)
    config, table, _ = sheet("training: {folds: 3, exclude: [p1/B01]}\n")
    with pytest.raises(ConfigError, match=r"training\.folds: 3, but plates\.tsv has 2 dyed"):
        check_folds(config, table)


def test_dyed_wells_that_leave_none_to_learn_from_or_to_judge_on_are_refused(sheet):
    """As `livedead.training.tiles.split_wells` would in the job of every fold."""
    # 2 folds of 3 wells: one of them learns from 1 well.
    for fraction, folds, passes in ((0.2, 3, True), (0.2, 2, False), (0, 2, True)):
        tiles = f"tiles: {{validation_fraction: {fraction}}}"
        config, table, _ = sheet(f"training: {{folds: {folds}, {tiles}}}\n")
        with nullcontext() if passes else pytest.raises(ConfigError, match=r"leaves 1 of the 3 dyed wells"):
            check_folds(config, table)
    text = "dyes: {total: hoechst, dead: draq7}\n"
    text += "training: {exclude: [p1/A01, p1/A02], tiles: {validation_fraction: %s}}\n"
    check_training(*sheet(text % 0)[:2])
    with pytest.raises(ConfigError, match="1 dyed well to learn from; needed: 2"):
        check_training(*sheet(text % 0.2)[:2])


def test_training_needs_dyes_that_tell_live_from_dead_cells(sheet):
    for dyes, passes in (("total: hoechst, dead: draq7", True), ("dead: draq7", False), ("", False)):
        config, table, _ = sheet(f"dyes: {{{dyes}}}\n")
        with nullcontext() if passes else pytest.raises(ConfigError, match=r"^dyes: .*training needs two"):
            check_training(config, table)
    drawn = "\tmasks", "\tmasks/{well}.png"
    check_training(
        *sheet("dyes: {dead: draq7}\n", *drawn)[:2]
    )  # objects are given, and need their state alone
    with pytest.raises(ConfigError, match=r"^dyes\.dead: null; training needs the dye inside"):
        check_training(*sheet("dyes: {total: hoechst}\n", *drawn)[:2])


def test_training_on_boxes_needs_no_dye(sheet):
    check_training(*sheet("", "\tboxes", "\tboxes.csv")[:2])
    config, table, _ = sheet("", "\tboxes", "\tboxes.csv")
    table.at["p2", "dyed_wells"], table.at["p2", "boxes"] = ["A01"], ""
    with pytest.raises(ConfigError, match=r"^dyes: .*training needs two"):
        check_training(config, table)


def test_training_on_masks_with_states_needs_no_dye(sheet):
    check_training(*sheet("", "\tmasks\tstates", "\tlabels\tlabels/states.csv")[:2])


def test_training_needs_plates_of_one_pixel_size(sheet):
    config, table, _ = sheet("dyes: {total: hoechst, dead: draq7}\n")
    both = pd.concat([table, table.assign(pixel_size_um=0.325)])
    with pytest.raises(
        ConfigError, match=r"^plates\.tsv: pixel sizes differ by more than 5%: 0.65 um, but p1 0.325"
    ):
        check_training(config, both)
    check_training(config, both.assign(pixel_size_um=0.325))


def test_the_known_formats_are_those_of_the_readers():
    from livedead.readers.formats import FORMATS

    assert {*EXPORT_FORMATS} == {"auto", "pattern", *FORMATS}
