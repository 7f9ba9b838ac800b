"""YAML that people write, and what its aliases must not unfold into."""

import pytest
import yaml

from livedead import yaml_files
from livedead.errors import ConfigError
from livedead.weights import __main__ as command_line


def unfolding(levels, parts="[{}]"):
    """YAML whose levels each name the one before nine times."""
    first = "a0: &a0 " + ("{x: 1}" if "<<" in parts else "[1]")
    rest = (f"a{k}: &a{k} " + parts.format(", ".join([f"*a{k - 1}"] * 9)) for k in range(1, levels))
    return "\n".join([first, *rest]) + "\n"


@pytest.mark.parametrize("parts", ["[{}]", "{{k: [{}]}}", "{{<<: [{}], y: 1}}"])
def test_yaml_that_unfolds_without_end_is_refused_at_once(tmp_path, parts):
    (tmp_path / "a.yaml").write_text(unfolding(30, parts))
    with pytest.raises(ConfigError, match=r"a\.yaml: its aliases"):
        yaml_files.read(tmp_path / "a.yaml")
    (tmp_path / "a.yaml").write_text(unfolding(3, parts))
    assert yaml_files.read(tmp_path / "a.yaml") == yaml.safe_load(unfolding(3, parts))


def test_yaml_that_holds_itself_or_has_no_bottom_is_refused(tmp_path):
    (tmp_path / "a.yaml").write_text("a: &a [*a]\n")
    with pytest.raises(ConfigError, match="its aliases"):
        yaml_files.read(tmp_path / "a.yaml")
    (tmp_path / "a.yaml").write_text("[" * 5000)
    with pytest.raises(ConfigError, match="nested too deep"):
        yaml_files.read(tmp_path / "a.yaml")


def test_an_architecture_and_a_list_of_classes_are_read_so(tmp_path, repository, capsys):
    (tmp_path / "a.yaml").write_text(unfolding(30))
    source = str(repository / "config/demo/unet.h5")
    for option in ("--architecture", "--classes"):
        arguments = ["convert", source, str(tmp_path / "o.safetensors"), option, str(tmp_path / "a.yaml")]
        assert command_line.main(arguments) == command_line.REFUSED
        assert "a.yaml: its aliases" in capsys.readouterr().err
    for content, said in ((b"\xff", "not UTF-8"), (b"classes: [1]", "{name, role}"), (b"a: [", "not YAML")):
        (tmp_path / "a.yaml").write_bytes(content)
        assert command_line.main(arguments) == command_line.REFUSED
        assert said in capsys.readouterr().err
