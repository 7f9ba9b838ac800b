"""Values that are allowed one by one and cannot hold together, or that name what is not there."""

import pytest

# What cannot hold together: text, the key that is named, what is said.
CONTRADICTIONS = [
    ("input_channels: [brightfeld]", "input_channels[1]", "did you mean 'brightfield'?"),
    ("normalization: {fluorescence: [hoechst, dapi]}", "normalization.fluorescence[2]", "no channel 'dapi'"),
    ("counting: {intensity_channels: [gfp]}", "counting.intensity_channels[1]", "no channel 'gfp'"),
    ("dyes: {total: dapi}", "dyes.total", "no channel 'dapi'"),
    ("focal_plane: {hoechst: 1, dapi: 2}", "focal_plane.dapi", "no channel 'dapi'"),
    ("channels: {brightfield: w1, phase: w1}", "channels.phase", "'w1' is channels.brightfield already"),
    ("normalization: {low_percentile: 50, high_percentile: 50}", "normalization.low_percentile", "not below"),
    ("counting: {min_area_um2: 30, max_area_um2: 20}", "counting.min_area_um2", "above max_area_um2"),
    ("counting: {min_area_px: 30, max_area_px: 20}", "counting.min_area_px", "above max_area_px"),
    ("counting: {cell_area_um2: 10}", "counting.cell_area_um2", "not be counted"),
    ("counting: {min_context_fraction: 0.5}", "classes", "role context"),
    ("qc: {max_dark_fraction: null, exclude_flags: [drift, dark]}", "qc.exclude_flags[2]", "never set"),
    ("gate: {accept: [uint8, sizes]}", "gate.accept[2]", "a flat-field has one size: set it to 0"),
    ("labels: {boxes: {diameter_um: 9, diameter_px: 7}}", "labels.boxes.diameter_um", "diameter_px is 7"),
    (
        "training: {start: a.h5, encoder: b.h5}",
        "training.start",
        "a.h5 has an encoder of its own; remove one",
    ),
    ("training: {start: results/training/unet.h5}", "training.start", "copy it to config/, and name that"),
    ("segmentation: {force: whole, tile_px: 64}", "segmentation.tile_px", "force is 'whole'"),
    ("plate_map: {dose_column: treatment}", "plate_map.dose_column", "plate_map.agent_column, too"),
    ("plate_map: {cell_line_column: well}", "plate_map.cell_line_column", "reserved"),
    ("plate_map: {agent_column: control}", "plate_map.agent_column", "reserved"),
    ("plate_map: {agent_column: Control}", "plate_map.agent_column", "reserved"),
    ("plate_map: {dose_column: ' Treatment'}", "plate_map.dose_column", "plate_map.agent_column, too"),
    ("file_pattern: '(?P<well>[A-P'", "file_pattern", "nor a regular expression: unterminated"),
    ("file_pattern: '{wel}_f{field}'", "file_pattern", "has wel (did you mean 'well'?); allowed: well, row,"),
    ("file_pattern: '_(?P<well>[A-P]1)_(?P<site>.)'", "file_pattern", "has site; allowed: well, row,"),
    ("file_pattern: '_f{field}_{channel}'", "file_pattern", "has no well; it needs 'well', or 'row' and"),
    ("file_pattern: plate_B03", "file_pattern", "has no well"),
    ("simulation: {p: {seed: 1, wells: [A01, A1]}}", "simulation.p.wells[2]", "such as A01"),
    ("simulation: {p: {seed: 1, wells: [A01], missing_well: A02}}", "simulation.p.missing_well", "not in"),
    (
        "simulation: {p: {seed: 1, truncated_field: {well: A01, field: 3}}}",
        "simulation.p.truncated_field.field",
        "1 to fields_per_well, 2",
    ),
    (
        "simulation: {p: {seed: 1, pixel_size_um: 1.3, staining: {}}}",
        "simulation.p.pixel_size_um",
        "dyed plates are simulated at 0.65 um; leave out staining",
    ),
]


@pytest.mark.parametrize(("text", "key", "said"), CONTRADICTIONS, ids=[text for text, _, _ in CONTRADICTIONS])
def test_what_contradicts_itself_is_refused(mistakes, text, key, said, needed):
    name = text.split(":")[0]
    others = "".join(line for line in needed.splitlines(keepends=True) if not line.startswith(f"{name}:"))
    line = others.count("\n") + 1
    (found,) = mistakes(text + "\n", others)
    place = "line 4" if key == "classes" else f"line {line}"
    assert found.startswith(f"config.yaml: {place if key != 'classes' else 'line 5'}, {key}: ")
    assert said in found


def test_a_class_name_twice_is_refused(mistakes, needed):
    (found,) = mistakes("", needed.replace("dead nucleus", "live nucleus"))
    assert found.startswith("config.yaml: line 8, classes[3].name: 'live nucleus' is class 2 already")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("overlap: crop\n", "with overlap 'crop'"),
        ("reading: dyes\ndyes: {total: hoechst}\n", "with reading 'dyes'"),
    ],
)
def test_fields_of_several_sizes_are_read_by_a_network_and_not_cropped(mistakes, text, said):
    sizes = "gate: {accept: [sizes]}\nnormalization: {flat_fields: 0}\n"
    assert mistakes(sizes) == []
    (found,) = mistakes(sizes + text)
    assert "gate.accept[1]: 'sizes'" in found and said in found
