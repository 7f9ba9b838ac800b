"""What rules read of the configuration that is not a key of its own."""

import yaml

from livedead.configuration.derived import config_sha256, counting_rules, intensity_channels
from livedead.configuration.keys import complete


def test_the_hash_of_the_settings_covers_what_changes_a_number(schema, needed):
    def hashed(text="", pixel_size_um=0.65):
        config = yaml.safe_load(needed + text)
        complete(config, schema)
        plate = {"pixel_size_um": pixel_size_um, "bit_depth": 16, "control_plate": "", "raw": "x"}
        return config_sha256(config, plate)

    same = [hashed(text) for text in ("", "shards: 5\n", "segmentation: {device: cuda, threads: 9}\n")]
    assert len(set(same)) == 1
    changed = ["counting: {min_area_um2: 16}\n", "segmentation: {memory_mb: 5000}\n", "overlap: crop\n"]
    assert len({same[0], hashed(pixel_size_um=0.66), *(hashed(text) for text in changed)}) == 5


def test_intensities_are_those_of_the_named_channels_or_of_all():
    config = {"channels": {"brightfield": "w1", "draq7": "w2"}, "counting": {"intensity_channels": None}}
    assert intensity_channels(config) == ["brightfield", "draq7"]
    config["counting"]["intensity_channels"] = ["draq7"]
    assert intensity_channels(config) == ["draq7"]
    config["counting"]["intensity_channels"] = []
    assert intensity_channels(config) == []


def test_counting_rules_are_the_section_without_the_channels():
    config = {"counting": {"intensity_channels": None, "min_area_um2": 3, "edge_rule": "keep"}}
    assert counting_rules(config) == {"min_area_um2": 3, "edge_rule": "keep"}
