"""What rules read of the configuration that is not a key of its own."""

import yaml

from livedead.configuration.derived import (
    config_sha256,
    counting_rules,
    dye_channels,
    dye_normalization,
    given_dyes,
    intensity_channels,
    needs_controls,
)
from livedead.configuration.keys import complete

BEFORE_DYES = "d7d975e977d029202bb40b0605af684b4bd64ea8fcc41e8e455e16ab8a878749"
"""Hash of this configuration at commit c230fff, by its own `config_sha256`."""

READ_DYES = "reading: dyes\ndyes: {total: hoechst, dead: pi}\n"


def test_the_hash_of_the_settings_covers_what_changes_a_number(schema, needed):
    def hashed(text="", pixel_size_um=0.65):
        config = yaml.safe_load(needed + text)
        complete(config, schema)
        plate = {"pixel_size_um": pixel_size_um, "bit_depth": 16, "control_plate": "", "raw": "x"}
        return config_sha256(config, plate)

    same = [hashed(text) for text in ("", "shards: 5\n", "segmentation: {device: cuda, threads: 9}\n")]
    assert len(set(same)) == 1
    changed = ["counting: {min_area_um2: 16}\n", "segmentation: {memory_mb: 5000}\n", "overlap: crop\n"]
    changed += ["plate_map: {hours_per_timepoint: 6}\n", "plate_map: {hours_per_timepoint: 8}\n"]
    assert len({same[0], hashed(pixel_size_um=0.66), *(hashed(text) for text in changed)}) == 7
    # Without what came later, a network's results keep the hash that they had before dyes were read.
    config = yaml.safe_load(needed)
    complete(config, schema)
    later = {"qc": "max_unfamiliarity", "normalization": "contrast", "counting": "edge_margin_um"}
    for section, key in later.items():
        del config[section][key]
    plate = {"pixel_size_um": 0.65, "bit_depth": 16, "control_plate": ""}
    assert config_sha256(config, plate) == BEFORE_DYES


def test_the_hash_covers_corrections_by_what_they_say_not_where_they_lie(schema, needed):
    def hashed(folder, *corrections):
        config = yaml.safe_load(f"{needed}counting: {{corrections: '{folder}'}}\n")
        complete(config, schema)
        plate = {"pixel_size_um": 0.65, "bit_depth": 16, "control_plate": ""}
        return config_sha256(config, plate, corrections_sha256=corrections)

    assert hashed("") == hashed("here") == hashed("there")
    assert hashed("here", "a") == hashed("there", "a")
    assert len({hashed("here"), hashed("here", "a"), hashed("here", "b"), hashed("here", "a", "b")}) == 4


def test_the_hash_covers_what_is_read_and_nothing_of_the_other_way(schema):
    def hashed(text="", **row):
        config = yaml.safe_load("channels: {hoechst: w1, pi: w2}\nplates: p.tsv\n" + (text or READ_DYES))
        complete(config, schema)
        plate = {"pixel_size_um": 0.65, "bit_depth": 16, "control_plate": "", "dyed_wells": []}
        return config_sha256(config, {**plate, **row})

    same = [
        hashed(),
        *(hashed(READ_DYES + text) for text in ("weights: a\n", "segmentation: {tile_px: 64}\n")),
    ]
    assert len(set(same)) == 1
    changed = [
        hashed(READ_DYES.replace("dead: pi", "live: pi")),
        hashed(READ_DYES + "counting: {split_depth_um: 0}\n"),
        hashed(dyed_wells=["A01"]),
    ]
    assert len({same[0], *changed}) == 4


def test_intensities_are_those_of_the_named_channels_or_of_all():
    config = {"channels": {"brightfield": "w1", "draq7": "w2"}, "counting": {"intensity_channels": None}}
    assert intensity_channels(config) == ["brightfield", "draq7"]
    config["counting"]["intensity_channels"] = ["draq7"]
    assert intensity_channels(config) == ["draq7"]
    config["counting"]["intensity_channels"] = []
    assert intensity_channels(config) == []


def test_counting_rules_are_the_section_without_the_channels():
    counting = {"intensity_channels": None, "min_area_um2": 3, "split_depth_um": 0.5}
    assert counting_rules({"reading": "network", "counting": counting}) == {
        "min_area_um2": 3,
        "split_depth_um": 0.5,
    }


def test_the_depth_of_splitting_is_the_dyes_own_unless_it_is_given():
    for reading, given, expected in (("network", None, 0), ("dyes", None, None), ("dyes", 0.4, 0.4)):
        config = {"reading": reading, "counting": {"split_depth_um": given}}
        assert counting_rules(config)["split_depth_um"] == expected


def test_dyes_are_fluorescent_and_each_is_named_once():
    dyes = {"total": "hoechst", "live": None, "dead": "pi"}
    config = {"dyes": dyes, "normalization": {"fluorescence": ["gfp", "pi"], "seed": 0}}
    assert given_dyes(config) == {"total": "hoechst", "dead": "pi"}
    assert dye_channels(config) == ["hoechst", "pi"]
    assert dye_normalization(config) == {"fluorescence": ["gfp", "pi", "hoechst"], "seed": 0}


def test_only_thresholds_that_look_at_control_wells_need_them():
    for threshold, needed in (
        ("auto", True),
        ("controls", True),
        ("otsu", False),
        ("sigma", False),
        (9, False),
    ):
        dyes = {"total": None, "live": None, "dead": "pi"}
        thresholds = {"total": "auto", "live": "controls", "dead": threshold}
        assert needs_controls({"dyes": {**dyes, "threshold": thresholds}}) is needed
