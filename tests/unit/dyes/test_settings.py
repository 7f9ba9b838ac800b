import pytest
from dyed_plate import dye_settings

from livedead.configuration.keys import complete, read_schema
from livedead.dyes.settings import DyeSettings


def test_channels_are_those_of_the_dyes_that_there_are_total_first():
    settings = dye_settings(dead="pi", total="dapi")
    assert settings.channels == {"total": "dapi", "dead": "pi"}
    assert list(settings.channels) == ["total", "dead"]
    assert dye_settings().channels == {}


def test_the_section_of_the_configuration_is_taken_as_it_is(repository):
    config = {"reading": "dyes", "dyes": {"live": "calcein", "threshold": {"live": 250}}}
    complete(config, read_schema(repository / "workflow/schemas/config.schema.yaml"))
    settings = DyeSettings.from_config(config["dyes"])
    assert settings.channels == {"live": "calcein"}
    assert settings.threshold == {"total": "auto", "live": 250, "dead": "auto"}
    with pytest.raises(TypeError, match="colour"):
        DyeSettings.from_config({**config["dyes"], "colour": "green"})
