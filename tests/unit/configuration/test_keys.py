"""Keys and values that the schema does not allow, each named with its place."""

import pytest
import yaml

from livedead.configuration.keys import complete


def test_what_is_right_passes(mistakes, needed):
    text = """\
normalization: {low_percentile: .5, high_percentile: 99.5, fluorescence: [hoechst]}
focal_plane: {hoechst: max, brightfield: 3}
counting: {min_area_um2: 1.5e+1, shape_descriptors: yes, intensity_channels: []}
dyes: {total: hoechst, dead: draq7, threshold: {dead: 250}, stained_fraction: 0.4}
file_pattern: '(?P<well>[A-P]\\d\\d)_f(?P<field>\\d+)\\.tif'
simulation: {'2024': {seed: 1, wells: [A01, B02], missing_well: B02, truncated_field: {well: A01, field: 2}}}
segmentation: &same {device: cpu}
qc: {max_drift: 0}
"""
    assert mistakes(text) == []
    assert mistakes("", needed.replace("plates: plates.tsv", '{"plates": "x"}').split("\n", 1)[1]) != []


# What is written, the key, and what must be said of it; the mistake is in the first line of the text.
TRAPS = [
    ("shards: 1:30", "shards", "1:30"),
    ("shards: 010", "shards", "010"),
    ("shards: 0x10", "shards", "0x10"),
    ("counting: {min_area_um2: 6_5}", "counting.min_area_um2", "6_5"),
    ("counting: {min_area_um2: .nan}", "counting.min_area_um2", ".nan"),
    ("counting: {max_area_um2: .inf}", "counting.max_area_um2", ".inf"),
    ("segmentation: {seam: {max_difference: 1e-3}}", "segmentation.seam.max_difference", "write 0.001"),
    ("counting: {min_area_um2: '15'}", "counting.min_area_um2", "write 15, without quotation marks"),
    ("counting: {min_area_um2: 1,5}", "counting.5", "YAML reads this name as 5"),
    ("max_failed_fraction: 0,05", "max_failed_fraction", "write 0.05"),
    ("shards: 2.0", "shards", "write 2"),
    ("shards: yes", "shards", "yes, which YAML reads as True"),
    ("plate_map: {dose_unit: no}", "plate_map.dose_unit", 'needs quotation marks: "no"'),
    ("plate_map: {dose_column: 2024-01-01}", "plate_map.dose_column", 'quotation marks: "2024-01-01"'),
    (
        "segmentation: {device: off}",
        "segmentation.device",
        "off, which YAML reads as False; allowed: auto, cpu",
    ),
    ("simulation: {2024: {seed: 1}}", "simulation.2024", "reads this name as 2024; put it in quotation"),
    ("channels: {brightfield: w1, on: w2}", "channels.True", "YAML reads this name as True"),
    ("counting:", "counting", "nothing"),
    ("segmentaton: {device: cpu}", "segmentaton", "did you mean 'segmentation'?"),
    ("counting: {min_area_um: 3}", "counting.min_area_um", "did you mean 'min_area_um2'?"),
    ("min_area_um2: 3", "min_area_um2", "did you mean 'counting.min_area_um2'?"),
    ("counting: {edge_rule: counting_fram}", "counting.edge_rule", "did you mean 'counting_frame'?"),
    ("shards: 0", "shards", "0; allowed: a whole number, at least 1"),
    ("channels: {bright field: w1}", "channels.bright field", "allowed: letters, digits and _"),
    ("segmentation: {tile_px: 100}", "segmentation.tile_px", "at least 32, a multiple of 32, or null"),
    ("gate: {accept: [uint8, uint9]}", "gate.accept[2]", "did you mean 'uint8'?"),
    ("focal_plane: maximum", "focal_plane", "max, mean, acquired"),
    ("focal_plane: -2", "focal_plane", "at least 0"),
    ("focal_plane: {hoechst: -2}", "focal_plane.hoechst", "at least 0"),
    ("counting: {intensity_channels: [hoechst, hoechst]}", "counting.intensity_channels", "none twice"),
    ("simulation: {p: {seed: 1, wells: []}}", "simulation.p.wells", "at least 1"),
    ("simulation: {p: {seed: 1, wells: [A01, A01]}}", "simulation.p.wells", "none twice"),
    ("training: {kernel: 3.0}", "training.kernel", "write 3"),
    ("training: {fit: {seed: 99999999999999999999}}", "training.fit.seed", "at most 9223372036854775807"),
]


@pytest.mark.parametrize(("text", "key", "said"), TRAPS, ids=[text for text, _, _ in TRAPS])
def test_a_trap_of_yaml_is_named_with_file_line_and_key(mistakes, text, key, said, lines):
    found = mistakes(text + "\n")
    assert [line for line in found if f"config.yaml: line {lines + 1}, {key}: " in line and said in line], (
        found
    )


def test_all_mistakes_come_at_once_in_the_order_of_their_lines(mistakes, lines):
    found = mistakes("shards: 010\nsegmentaton: {}\nqc: {min_focus: -1}\nlabels: {dead_dye: draq}\n")
    assert [line.split(":")[1] for line in found] == [
        f" line {lines + 1}, shards",
        f" line {lines + 2}, segmentaton",
        f" line {lines + 3}, qc.min_focus",
        f" line {lines + 4}, labels.dead_dye",
    ]


def test_nothing_else_of_the_configuration_is_printed(mistakes):
    (line,) = mistakes("segmentaton: {}\n")
    assert len(line) < 600
    assert "{" not in line
    assert "unet.h5" not in line


def test_a_value_of_the_command_line_is_named_as_such(mistakes):
    assert mistakes("shards: 2\n", given={"shards": 0}) == [
        "--config: shards: 0; allowed: a whole number, at least 1"
    ]


def test_a_key_that_is_needed_is_described(mistakes, needed):
    (line,) = mistakes("", needed.replace("weights: unet.h5\n", ""))
    assert line.startswith("configuration: weights: missing: Weights of the network")


def test_defaults_are_those_of_the_schema(schema, needed):
    config = yaml.safe_load(needed + "simulation: {p1: {seed: 1}}\ncounting: {edge_rule: exclude}\n")
    complete(config, schema)
    assert config["simulation"] == {
        "p1": {"seed": 1, "fields_per_well": 2, "side_px": 512, "pixel_size_um": 0.65}
    }
    assert config["counting"]["min_area_um2"] == 15
    assert config["counting"]["edge_rule"] == "exclude"
    assert config["training"]["tiles"]["tile_px"] == 256
    assert config["gate"] == {"accept": []}
    config["gate"]["accept"].append("rgb")
    other = yaml.safe_load(needed)
    complete(other, schema)
    assert other["gate"] == {"accept": []}, "a default is nobody's to change"
