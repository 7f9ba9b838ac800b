"""The configuration: each mistake is named with its place before anything runs."""

import json
import subprocess
import sys
import textwrap
import time
from contextlib import nullcontext

import pytest
import yaml

from livedead import configuration
from livedead.configuration.agreement import EXPORT_FORMATS
from livedead.errors import ConfigError
from livedead.plates.plate_sheet import read_plates

NEEDED = """\
plates: plates.tsv
weights: unet.h5
channels: {brightfield: w1, hoechst: w2, draq7: w3}
input_channels: [brightfield]
classes:
  - {name: background, role: background}
  - {name: live nucleus, role: live}
  - {name: dead nucleus, role: dead}
"""
LINES = NEEDED.count("\n")


@pytest.fixture(scope="module")
def schema(repository):
    return configuration.read_schema(repository / "workflow/schemas/config.schema.yaml")


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def mistakes(folder, schema):
    """Checks a configuration file as Snakemake loads it; its mistakes, a line each."""

    def check(text, needed=NEEDED, given=None):
        (folder / "config.yaml").write_text(needed + text)
        config = yaml.load(needed + text, yaml.FullLoader)
        for name, value in (given or {}).items():
            config[name] = value
        written = configuration.read_written(["config.yaml"], config, given or {})
        try:
            configuration.check(config, schema, written)
        except ConfigError as error:
            return str(error).split("\n")
        return []

    return check


@pytest.fixture
def sheet(folder, schema):
    """Checks a configuration against a sheet of two plates; its mistakes, a line each."""

    def check(text, columns="", values=""):
        (folder / "plates.tsv").write_text(
            f"plate\traw\tpixel_size_um\tdyed_wells{columns}\n"
            f"p1\traw1\t0.65\tA01,A02,B01{values}\n"
            f"p2\traw2\t0.65\t{values}\n"
        )
        (folder / "config.yaml").write_text(NEEDED + text)
        config = yaml.safe_load(NEEDED + text)
        written = configuration.read_written(["config.yaml"], config, {})
        configuration.complete(config, schema)
        table = read_plates("plates.tsv")
        return config, table, written

    return check


def test_what_is_right_passes(mistakes):
    text = """\
normalization: {low_percentile: .5, high_percentile: 99.5, fluorescence: [hoechst]}
focal_plane: {hoechst: max, brightfield: 3}
counting: {min_area_um2: 1.5e+1, shape_descriptors: yes, intensity_channels: []}
labels: {live_dye: hoechst}
file_pattern: '(?P<well>[A-P]\\d\\d)_f(?P<field>\\d+)\\.tif'
simulation: {'2024': {seed: 1, wells: [A01, B02], missing_well: B02, truncated_field: {well: A01, field: 2}}}
segmentation: &same {device: cpu}
qc: {max_drift: 0}
"""
    assert mistakes(text) == []
    assert mistakes("", NEEDED.replace("plates: plates.tsv", '{"plates": "x"}').split("\n", 1)[1]) != []


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
    ("counting: {min_area_um2: 1,5}", "counting.5", "a name that is read as 5"),
    ("max_failed_fraction: 0,05", "max_failed_fraction", "write 0.05"),
    ("shards: 2.0", "shards", "write 2"),
    ("shards: yes", "shards", "yes, which is read as True"),
    ("plate_map: {dose_unit: no}", "plate_map.dose_unit", 'needs quotation marks: "no"'),
    ("plate_map: {dose_column: 2024-01-01}", "plate_map.dose_column", 'quotation marks: "2024-01-01"'),
    ("segmentation: {device: off}", "segmentation.device", "off, which is read as False; allowed: auto, cpu"),
    ("simulation: {2024: {seed: 1}}", "simulation.2024", "read as 2024; put it in quotation"),
    ("channels: {brightfield: w1, on: w2}", "channels.True", "a name that is read as True"),
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
def test_a_trap_of_yaml_is_named_with_file_line_and_key(mistakes, text, key, said):
    found = mistakes(text + "\n")
    assert [line for line in found if f"config.yaml: line {LINES + 1}, {key}: " in line and said in line], (
        found
    )


def test_a_key_given_twice_is_refused_at_any_depth(mistakes):
    text = "shards: 1\ncounting:\n  min_area_um2: 3\n  edge_rule: keep\n  min_area_um2: 4\nshards: 2\n"
    first, second = mistakes(text)
    assert first.startswith(
        f"config.yaml: line {LINES + 5}, counting.min_area_um2: in line {LINES + 3} already"
    )
    assert second.startswith(f"config.yaml: line {LINES + 6}, shards: in line {LINES + 1} already")


def test_a_merged_key_may_be_set_anew(mistakes):
    simulation = "  one: &one {seed: 1, side_px: 96}\n  two:\n    seed: 2\n    <<: *one\n"
    assert mistakes("simulation:\n" + simulation) == []


def test_all_mistakes_come_at_once_in_the_order_of_their_lines(mistakes):
    found = mistakes("shards: 010\nsegmentaton: {}\nqc: {min_focus: -1}\nlabels: {dead_dye: draq}\n")
    assert [line.split(":")[1] for line in found] == [
        f" line {LINES + 1}, shards",
        f" line {LINES + 2}, segmentaton",
        f" line {LINES + 3}, qc.min_focus",
        f" line {LINES + 4}, labels.dead_dye",
    ]


def test_nothing_else_of_the_configuration_is_printed(mistakes):
    (line,) = mistakes("segmentaton: {}\n")
    assert len(line) < 600
    assert "{" not in line
    assert "unet.h5" not in line


@pytest.mark.parametrize("kind", ["list", "mapping"])
def test_aliases_that_swell_are_refused_at_once(mistakes, kind):
    text = "a0: &a0 {a: 1, b: 2}\n" if kind == "mapping" else "a0: &a0 [1, 2, 3]\n"
    for k in range(1, 30):
        names = f"a: *a{k - 1}, b: *a{k - 1}, c: *a{k - 1}"
        text += f"a{k}: &a{k} " + (
            f"{{{names}}}\n" if kind == "mapping" else f"[{names.replace('a: ', '')}]\n"
        )
        text = text.replace("b: *", "*").replace("c: *", "*") if kind == "list" else text
    start = time.perf_counter()
    with pytest.raises(ConfigError, match=r"config\.yaml: its aliases"):
        mistakes(text)
    assert time.perf_counter() - start < 10


def test_a_file_of_json_is_read_as_one(folder, schema):
    text = (
        '{\n\t"plates": "a.tsv",\n\t"plates": "b.tsv",\n\t"max_failed_fraction": 1e-3,\n\t"shards": NaN\n}\n'
    )
    (folder / "config.json").write_text(text)
    config = {**yaml.safe_load(NEEDED), **json.loads(text)}
    written = configuration.read_written(["config.json"], config, {})
    with pytest.raises(ConfigError) as caught:
        configuration.check(config, schema, written)
    assert [line.split(": ")[1] for line in str(caught.value).split("\n")] == [
        "line 3, plates",
        "line 5, shards",
    ]


def test_a_value_of_the_command_line_is_named_as_such(mistakes):
    assert mistakes("shards: 2\n", given={"shards": 0}) == [
        "--config: shards: 0; allowed: a whole number, at least 1"
    ]


def test_a_key_that_is_needed_is_described(mistakes):
    (line,) = mistakes("", NEEDED.replace("weights: unet.h5\n", ""))
    assert line.startswith("configuration: weights: needed: Weights of the network")


def test_a_project_with_keys_of_its_own_is_not_read(folder, schema):
    (folder / "project.yaml").write_text("started: 1:30\nlivedead:\n" + textwrap.indent(NEEDED, "  "))
    written = configuration.read_written(["project.yaml"], yaml.safe_load(NEEDED), {})
    assert written.places == {}
    assert written.mistakes == []


# What cannot hold together: text, the key that is named, what is said.
CONTRADICTIONS = [
    ("input_channels: [brightfeld]", "input_channels[1]", "did you mean 'brightfield'?"),
    ("normalization: {fluorescence: [hoechst, dapi]}", "normalization.fluorescence[2]", "no channel 'dapi'"),
    ("counting: {intensity_channels: [gfp]}", "counting.intensity_channels[1]", "no channel 'gfp'"),
    ("labels: {live_dye: dapi}", "labels.live_dye", "no channel 'dapi'"),
    ("focal_plane: {hoechst: 1, dapi: 2}", "focal_plane.dapi", "no channel 'dapi'"),
    ("channels: {brightfield: w1, phase: w1}", "channels.phase", "'w1' is channels.brightfield already"),
    ("normalization: {low_percentile: 50, high_percentile: 50}", "normalization.low_percentile", "not below"),
    ("counting: {min_area_um2: 30, max_area_um2: 20}", "counting.min_area_um2", "above max_area_um2"),
    ("counting: {min_area_px: 30, max_area_px: 20}", "counting.min_area_px", "above max_area_px"),
    ("counting: {cell_area_um2: 10}", "counting.cell_area_um2", "not counted"),
    ("counting: {min_context_fraction: 0.5}", "classes", "role context"),
    ("qc: {max_dark_fraction: null, exclude_flags: [drift, dark]}", "qc.exclude_flags[2]", "never marked"),
    ("segmentation: {force: whole, tile_px: 64}", "segmentation.tile_px", "force is 'whole'"),
    ("plate_map: {dose_column: treatment}", "plate_map.dose_column", "plate_map.agent_column, too"),
    ("plate_map: {cell_line_column: well}", "plate_map.cell_line_column", "meaning of its own"),
    ("plate_map: {agent_column: control}", "plate_map.agent_column", "meaning of its own"),
    ("plate_map: {agent_column: Control}", "plate_map.agent_column", "meaning of its own"),
    ("plate_map: {dose_column: ' Treatment'}", "plate_map.dose_column", "plate_map.agent_column, too"),
    ("file_pattern: '(?P<well>[A-P'", "file_pattern", "nor a regular expression: unterminated"),
    ("file_pattern: '{wel}_f{field}'", "file_pattern", "has wel (did you mean 'well'?); allowed: well, row,"),
    ("file_pattern: '_(?P<well>[A-P]1)_(?P<site>.)'", "file_pattern", "has site; allowed: well, row,"),
    ("file_pattern: '_f{field}_{channel}'", "file_pattern", "has no well; it needs 'well', or 'row' and"),
    ("file_pattern: plate_B03", "file_pattern", "has no well"),
    ("simulation: {p: {seed: 1, wells: [A01, A1]}}", "simulation.p.wells[2]", "such as A01"),
    ("simulation: {p: {seed: 1, wells: [A01], missing_well: A02}}", "simulation.p.missing_well", "none of"),
    (
        "simulation: {p: {seed: 1, truncated_field: {well: A01, field: 3}}}",
        "simulation.p.truncated_field.field",
        "1 to fields_per_well, 2",
    ),
]


@pytest.mark.parametrize(("text", "key", "said"), CONTRADICTIONS, ids=[text for text, _, _ in CONTRADICTIONS])
def test_what_contradicts_itself_is_refused(mistakes, text, key, said):
    name = text.split(":")[0]
    needed = "".join(line for line in NEEDED.splitlines(keepends=True) if not line.startswith(f"{name}:"))
    line = needed.count("\n") + 1
    (found,) = mistakes(text + "\n", needed)
    place = "line 4" if key == "classes" else f"line {line}"
    assert found.startswith(f"config.yaml: {place if key != 'classes' else 'line 5'}, {key}: ")
    assert said in found


def test_a_class_name_twice_is_refused(mistakes):
    (found,) = mistakes("", NEEDED.replace("dead nucleus", "live nucleus"))
    assert found.startswith("config.yaml: line 8, classes[3].name: 'live nucleus' is class 2 already")


def test_default_dyes_that_the_channels_lack_are_no_mistake(mistakes):
    assert mistakes("", NEEDED.replace("hoechst: w2, draq7: w3", "pi: w2")) == []


@pytest.mark.parametrize(
    ("text", "key", "said"),
    [
        (
            "simulation: {pp1: {seed: 1}}",
            "simulation.pp1",
            "no plate 'pp1' in plates.tsv (did you mean 'p1'?)",
        ),
        ("training: {exclude: [p1/A01, p3/A01]}", "training.exclude[2]", "no plate 'p3'"),
        ("training: {exclude: [p1/A03]}", "training.exclude[1]", "none of its dyed wells, A01, A02, B01"),
        ("training: {exclude: [p1/A1]}", "training.exclude[1]", "'A1' is none"),
        ("training: {exclude: [p1]}", "training.exclude[1]", "plate/well"),
        ("training: {exclude: [p1/A01/x]}", "training.exclude[1]", "plate/well"),
    ],
)
def test_names_that_no_plate_bears_are_refused(sheet, text, key, said):
    config, table, written = sheet(text + "\n")
    with pytest.raises(ConfigError) as caught:
        configuration.check_sheet(config, table, written)
    assert str(caught.value).startswith(f"config.yaml: line {LINES + 1}, {key}: ")
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("text", "columns", "values", "said"),
    [
        ("", "\tformat", "\timagexpres", "column 'format': 'imagexpres' (did you mean 'imagexpress'?)"),
        ("", "\tformat", "\tpattern", "column 'format': 'pattern' needs file_pattern"),
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
        configuration.check_sheet(config, table, written)
    assert str(caught.value).startswith("plates.tsv: plate p1, column ")
    assert said in str(caught.value)


def test_exclusions_and_limits_that_hold_pass(sheet):
    text = "training: {exclude: [p1/A02/3, p1/B01]}\ncounting: {min_area_um2: 42, max_area_px: 100}\n"
    config, table, written = sheet(text)
    configuration.check_sheet(config, table, written)
    assert configuration.training_wells(config, table) == ["p1/A01", "p1/A02"]


def test_more_folds_than_dyed_wells_are_refused(sheet):
    config, table, _ = sheet("training: {folds: 3}\n")
    configuration.check_folds(config, table)
    config, table, _ = sheet("training: {folds: 3, exclude: [p1/B01]}\n")
    with pytest.raises(ConfigError, match=r"training\.folds: 3, but plates\.tsv has 2 dyed"):
        configuration.check_folds(config, table)


def test_dyed_wells_that_leave_none_to_learn_from_or_to_judge_on_are_refused(sheet):
    """As `livedead.training.tiles.split_wells` would in the job of every fold."""
    # 2 folds of 3 wells: one of them learns from 1 well.
    for fraction, folds, passes in ((0.2, 3, True), (0.2, 2, False), (0, 2, True)):
        tiles = f"tiles: {{validation_fraction: {fraction}}}"
        config, table, _ = sheet(f"training: {{folds: {folds}, {tiles}}}\n")
        with nullcontext() if passes else pytest.raises(ConfigError, match=r"leaves 1 of the 3 dyed wells"):
            configuration.check_folds(config, table)
    text = "training: {exclude: [p1/A01, p1/A02], tiles: {validation_fraction: %s}}\n"
    configuration.check_training(*sheet(text % 0)[:2])
    with pytest.raises(ConfigError, match="1 dyed well to learn from; needed: 2"):
        configuration.check_training(*sheet(text % 0.2)[:2])


def test_training_needs_the_dyes_among_the_channels(sheet):
    config, table, _ = sheet("")
    configuration.check_training(config, table)
    del config["channels"]["hoechst"], config["channels"]["draq7"]
    with pytest.raises(ConfigError) as caught:
        configuration.check_training(config, table)
    assert [line.split(":")[0] for line in str(caught.value).split("\n")] == [
        "labels.dead_dye",
        "labels.live_dye",
    ]
    config, table, _ = sheet("labels: {dead_dye: brightfield}\n", "\tmasks", "\tmasks/{well}.png")
    del config["channels"]["hoechst"]
    configuration.check_training(config, table)  # objects that are given need no live dye


def test_every_named_path_that_is_not_there_is_told(sheet, folder):
    (folder / "masks").mkdir()
    text = "training: {encoder: data/encoder.h5}\n"
    config, table, written = sheet(text, "\tmasks\tplatemap", "\tmasks/{well}_{field:02d}.png\tmap.csv")

    def missing():
        there = configuration.missing_paths(config, table, lambda path: (folder / path).exists(), written)
        return [problem.split(": no ")[0] for problem in there]

    assert missing() == [
        "config.yaml: line 2, weights: unet.h5",
        f"config.yaml: line {LINES + 1}, training.encoder: data/encoder.h5",
        "plates.tsv: plate map map.csv of plates p1, p2",
        "plates.tsv: plate p1, column 'masks': masks/{well}_{field:02d}.png",
    ]
    for name in ("unet.h5", "data/encoder.h5", "map.csv", "masks/B01_02.png"):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).touch()
    assert missing() == []


def test_a_lost_raw_folder_is_an_error_unless_its_results_stand(sheet):
    _, table, _ = sheet("")
    problems, warnings = configuration.missing_raw(
        table, lambda raw: False, lambda plate: plate == "p1", lambda plate: ""
    )
    assert [line.split(":")[0] for line in problems] == ["plate p2, column 'raw'"]
    assert "not all of its results" in problems[0]
    assert warnings == [
        "plate p1, column 'raw': raw1: no such folder; its results stand as they are, "
        "and nothing of it can be made again"
    ]
    problems, warnings = configuration.missing_raw(
        table, lambda raw: raw == "raw2", lambda plate: True, lambda plate: "made with other settings"
    )
    assert warnings == []
    assert len(problems) == 1
    assert "made with other settings" in problems[0]


def test_results_stand_only_for_the_settings_weights_and_code_that_made_them(tmp_path):
    weights = tmp_path / "unet.h5"
    weights.write_bytes(b"abc")
    # SHA-256 of "abc", FIPS 180-2, appendix B.1.
    source = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    made = {
        "wells": "plate,model_sha256,config_sha256\np1,m,c\n",
        "certificate": json.dumps({"source": {"sha256": source}, "unet_sha256": "m"}),
        "provenance": json.dumps(
            {
                "code_sha256": {"index_plate": "i", "tabulate_wells": "t"},
                "config": {"file_pattern": None},
                "plates": {"p1": {"sheet": {"raw": "raw1", "format": "auto", "wells": 96}}},
            }
        ),
    }
    files = {"weights": str(weights), **{name: str(tmp_path / name) for name in made}}

    def changed(config_sha256="c", code="i", row=(), file_pattern=None, **contents):
        for name, text in {**made, **contents}.items():
            (tmp_path / name).write_text(text)
        return configuration.changed_since(
            files,
            plate="p1",
            sheet={"raw": "raw1", "format": "auto", "wells": 96, **dict(row)},
            file_pattern=file_pattern,
            config_sha256=config_sha256,
            code_sha256={"index_plate": code},
        )

    assert changed() == ""
    assert "other settings" in changed(config_sha256="d")
    assert "another release" in changed(code="j")
    assert "made from raw1" in changed(row={"raw": "rwa1"})
    # What says which image is which field changes no setting that is hashed.
    assert "made with format 'auto' instead of 'pattern'" in changed(row={"format": "pattern"})
    assert "made with wells 96 instead of 384" in changed(row={"wells": 384})
    assert "made with file_pattern None instead of '{well}'" in changed(file_pattern="{well}")
    assert "other weights" in changed(wells=made["wells"].replace("m,c", "n,c"))
    assert changed(certificate=json.dumps({"source": {}, "unet_sha256": "m"})) == ""
    weights.write_bytes(b"abd")
    assert "other weights" in changed()


def test_defaults_are_those_of_the_schema(schema):
    config = yaml.safe_load(NEEDED + "simulation: {p1: {seed: 1}}\ncounting: {edge_rule: exclude}\n")
    configuration.complete(config, schema)
    assert config["simulation"] == {"p1": {"seed": 1, "fields_per_well": 2, "side_px": 512}}
    assert config["counting"]["min_area_um2"] == 15
    assert config["counting"]["edge_rule"] == "exclude"
    assert config["training"]["tiles"]["tile_px"] == 256
    assert config["gate"] == {"accept": []}
    config["gate"]["accept"].append("rgb")
    other = yaml.safe_load(NEEDED)
    configuration.complete(other, schema)
    assert other["gate"] == {"accept": []}, "a default is nobody's to change"


def test_the_hash_of_the_settings_covers_what_changes_a_number(schema):
    def hashed(text="", pixel_size_um=0.65):
        config = yaml.safe_load(NEEDED + text)
        configuration.complete(config, schema)
        plate = {"pixel_size_um": pixel_size_um, "bit_depth": 16, "control_plate": "", "raw": "x"}
        return configuration.config_sha256(config, plate)

    same = [hashed(text) for text in ("", "shards: 5\n", "segmentation: {device: cuda, threads: 9}\n")]
    assert len(set(same)) == 1
    changed = ["counting: {min_area_um2: 16}\n", "segmentation: {memory_mb: 5000}\n", "overlap: crop\n"]
    assert len({same[0], hashed(pixel_size_um=0.66), *(hashed(text) for text in changed)}) == 5


def test_the_known_formats_are_those_of_the_readers():
    from livedead.readers.formats import FORMATS

    assert {*EXPORT_FORMATS} == {"auto", "pattern", *FORMATS}


def test_every_start_of_snakemake_reads_it_without_heavy_packages(repository):
    heavy = {"scipy", "torch", "h5py", "tifffile", "skimage", "matplotlib", "jsonschema"}
    code = f"import sys, livedead.configuration; print(sorted(set(sys.modules) & {heavy}))"
    run = subprocess.run(
        [sys.executable, "-c", code], cwd=repository / "workflow", capture_output=True, text=True, check=True
    )
    assert run.stdout == "[]\n"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"a: 1\nb:\n\tc: 1\n", "c.yaml: line 3: no YAML: found character '\\t'"),
        (b"a: 1\nb: C: x\n", "c.yaml: line 2: no YAML: mapping values are not allowed here"),
        (b"a: [1\nb: 2\n", "c.yaml: line 2: no YAML: "),
        ("a: 1\nb: é\n".encode("latin-1"), "c.yaml: line 2: no UTF-8 text"),
    ],
    ids=["tab", "colon", "bracket", "encoding"],
)
def test_what_is_no_yaml_is_named_with_its_line(folder, content, said):
    (folder / "c.yaml").write_bytes(content)
    with pytest.raises(ConfigError) as refused:
        configuration.check_readable("c.yaml")
    assert said in str(refused.value)


def test_readable_files_and_those_that_are_not_there_pass(folder):
    configuration.check_readable("none.yaml")
    (folder / "c.yaml").write_bytes(b"\xef\xbb\xbf" + NEEDED.encode())
    configuration.check_readable("c.yaml")
    (folder / "c.json").write_text('{\n\t"shards": 1\n}')
    configuration.check_readable("c.json")
