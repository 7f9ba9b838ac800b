"""What users write of their names: templates and regular expressions, searched in the path."""

import re

import numpy as np
import pytest
import tifffile
import yaml
from small_exports import exported

from livedead.errors import ExportError
from livedead.readers import user_pattern
from livedead.readers.folder import RawFolder
from livedead.readers.index import index_plate
from livedead.readers.user_pattern import FilePattern

EXPRESSION = r"(?P<well>[A-P]\d\d)_f(?P<field>\d+)_(?P<channel>BF|PI)\.tif"


def documented(repository):
    """The values of file_pattern that config/README.md shows."""
    text = (repository / "config/README.md").read_text()
    return [yaml.safe_load(line)["file_pattern"] for line in re.findall(r"^file_pattern: .*$", text, re.M)]


def test_what_the_documentation_shows_works_as_written(repository):
    said = {"well": "B03", "field": "2", "channel": "PI"}
    patterns = documented(repository)
    assert len(patterns) == 2
    for text in patterns:
        one = FilePattern(text)
        assert one.read("exp1_B03_f2_PI.tif") == said
        assert one.read("day 1/exp1_B03_f2_PI.tif") == said
        assert one.read("BETA12_f1_BF.tif") is None


@pytest.mark.parametrize(
    ("text", "path", "said"),
    [
        (EXPRESSION, "run 3/x_B03_f12_BF.tif", {"well": "B03", "field": "12", "channel": "BF"}),
        (EXPRESSION, "x_b03_F1_bf.TIF", {"well": "b03", "field": "1", "channel": "bf"}),
        (EXPRESSION, "x_B03_f1_BF.tiff", {"well": "B03", "field": "1", "channel": "BF"}),
        (
            r"r(?P<row>\d+)c(?P<column>\d+)f(?P<field>\d+)-t(?P<timepoint>\d+)\.tif",
            "x/r02c11f007-t3.tif",
            {"well": "B11", "field": "007", "timepoint": "3"},
        ),
        (r"(?P<row>\d+)c(?P<column>\d+)", "r02c11f007.tif", {"well": "B11"}),
        (r"(?P<well>[A-H]\d{2}).*\.tif", "A01f00d0.tif", {"well": "A01"}),  # no plate has a well F00
        (r"^(?P<well>[A-H]\d+)/", "A1/B02.tif", {"well": "A1"}),
        (r"(?P<well>[A-H]\d+)\.flex$", "A1/B02.flex", {"well": "B02"}),
        (
            "{well}_f{field}_{channel}",
            "x_A1_f2_Green - dsRed.tif",
            {"well": "A1", "field": "2", "channel": "Green - dsRed"},
        ),
        ("r{row}c{column}f{field}", "r02c11f007.tif", {"well": "B11", "field": "007"}),
        ("{row}{column}-{timepoint}", "x B11-03.tif", {"well": "B11", "timepoint": "03"}),
        ("{well}/*z{z}.tif", "A1/stack.z4.tif", {"well": "A1", "z": "4"}),
        ("p*_{well}_*{channel}.", "plate.1_A12_f1_w1.tif", {"well": "A12", "channel": "w1"}),
        ("_{well}_D{timepoint}", "HepG2_B05_D1.ome.tif", {"well": "B05", "timepoint": "1"}),
        ("{well}_", "A01/A1_x.tif", {"well": "A1"}),
    ],
)
def test_patterns_that_fit(text, path, said):
    assert FilePattern(text).read(path) == said


@pytest.mark.parametrize(
    ("text", "path"),
    [
        (EXPRESSION, "BETA12_f1_BF.tif"),  # A12 is a part of a word
        (r"(?P<well>[A-H]\d\d)_(?P<channel>w\d)", "A01_w10.tif"),  # w1 is a part of w10
        ("{well}_f{field}", "BETA12_f1.tif"),
        ("*{well}_f{field}", "BETA12_f1.tif"),
        ("{well}*", "A123.tif"),
        ("{well}_f{field}", "A01_f1.txt"),  # beside the image
        (EXPRESSION, "A01_f1_GFP.tif"),
        (r"^(?P<well>[A-H]\d\d)", "x/A01.tif"),
    ],
)
def test_patterns_that_do_not_fit(text, path):
    assert FilePattern(text).read(path) is None


@pytest.mark.parametrize(
    ("text", "path", "readings"),
    [
        (r"(?P<well>[A-H]\d+)", "B05_D1.tif", "well B05 or well D1"),
        ("{well}_{channel}", "f1_A01_BF.tif", "channel A01, well f1 or channel BF, well A01"),
        ("{well}", "A01/B02.tif", "well A01 or well B02"),
    ],
)
def test_a_pattern_that_fits_in_two_places_is_refused(text, path, readings):
    with pytest.raises(ExportError) as error:
        FilePattern(text).read(path)
    listed = str(error.value).partition("in several places: ")[2].partition(";")[0]
    found = {tuple(sorted(reading.split(", "))) for reading in listed.split(" or ")}
    assert found == {tuple(sorted(reading.split(", "))) for reading in readings.split(" or ")}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("(", "neither a template"),
        (r"(?P<field>\d)", "has no well; it needs 'well'"),
        (r"(?P<well>\w)(?P<colour>x)", "colour"),
        ("{well}_{colour}", "colour"),
        ("{row}_f{field}", "'row' and 'column'"),
        ("{well}_f{field", "not closed"),
        ("plain", "has no well"),
    ],
)
def test_patterns_that_cannot_work(text, message):
    with pytest.raises(ExportError, match=f"file_pattern .*{message}"):
        user_pattern.scan(RawFolder(None, [], file_pattern=text))


@pytest.mark.parametrize(
    ("text", "files", "path", "fits", "left"),
    [
        (r"(?P<well>[A-P]\d\d)_f(?P<field>\d+)_(?P<channel>BF|PI)\.tif", ["notes.txt", "x_A01_s2_BF.tif"],
         "x_A01_s2_BF.tif", r"'(?P<well>[A-P]\\d\\d)_'", "'s2_BF.tif'"),
        ("{well}_f{field}_{channel}", ["A01_f2-BF.tif"], "A01_f2-BF.tif", "'{well}_f{field}'", "'-BF.tif'"),
        ("{well}_s{field}", ["exp1_B03_f1.tif"], "exp1_B03_f1.tif", "'{well}_'", "'f1.tif'"),
        ("{well}-f{field}", ["q.tif", "A01_f2.tif"], "A01_f2.tif", "'{well}'", "'_f2.tif'"),
    ],
)  # fmt: skip
def test_a_pattern_that_fits_nothing_is_shown_beside_the_nearest_name(
    tmp_path, text, files, path, fits, left
):
    for name in files:
        (tmp_path / name).write_bytes(b"x")
    with pytest.raises(ExportError) as error:
        index_plate(
            tmp_path,
            plate="p",
            export_format="pattern",
            channels={"bf": "BF"},
            n_wells=96,
            pixel_size_um=1,
            file_pattern=text,
        )
    lines = str(error.value).splitlines()
    assert [line.split()[0] for line in lines[1:]] == ["path:", "pattern:", "fits"]
    assert lines[1].split(None, 1)[1] == path
    assert lines[2].split(None, 1)[1] == text
    assert lines[3].startswith(f"  fits up to {fits}, which is ")
    assert lines[3].endswith(f"where the path says {left}")


def test_a_number_that_is_none_is_named():
    pattern = r"(?P<well>A1)_(?P<field>\w+)_(?P<timepoint>\w+)\.tif"
    with pytest.raises(ExportError, match=r"takes .*'left'.* from x_A1_left_1\.tif; field must be a number"):
        user_pattern.scan(RawFolder(None, ["x_A1_left_1.tif"], file_pattern=pattern))
    with pytest.raises(
        ExportError, match=r"x_A1_1_20240305\.tif: timepoint '20240305' tells no time; allowed"
    ):
        user_pattern.scan(RawFolder(None, ["x_A1_1_20240305.tif"], file_pattern=pattern))


@pytest.mark.parametrize(
    ("text", "path", "timepoint", "rest"),
    [
        ("{well}_{timepoint}", "x_A1_00d12h30m.tif", "00d12h30m", {}),
        ("{well}_{timepoint}", "x_A1_0012.tif", "0012", {}),
        ("{well}_{timepoint}", "x_A1_20240305_1430.tif", "20240305_1430", {}),
        ("{well}_{timepoint}_{channel}", "x_A1_20240305_1430_BF.tif", "20240305_1430", {"channel": "BF"}),
        ("{well}_{timepoint}_{field}", "x_A1_20240305_1430_02.tif", "20240305_1430", {"field": "02"}),
        ("{well}_{timepoint}_{field}", "x_A1_0003_0002.tif", "0003", {"field": "0002"}),
        ("{well}_{timepoint}_{field}", "x_A1_00d12h30m_2.tif", "00d12h30m", {"field": "2"}),
        ("{well}_t{timepoint}s{field}", "x_A1_t5s2.tif", "5", {"field": "2"}),
        ("{well}_{timepoint}h", "x_A1_36h.tif", "36", {}),  # the unit stands for itself here
        ("{well}_{timepoint}", "x_A1_36h.tif", "36h", {}),
        ("{well}_t{timepoint}*", "x_A1_t3d0.tif", "3", {}),  # timepoint 3, channel d0: not three days
        ("{well}_t{timepoint}{channel}", "x_A1_t3m1.tif", "3", {"channel": "m1"}),
        ("{well}_{timepoint}{channel}", "x_A1_36hBF.tif", "36h", {"channel": "BF"}),
        ("{well}_{timepoint}*", "x_A1_540000ms.tif", "540000", {}),  # and not nothing at all
        ("{timepoint}/{well}", "2024-03-05/14-30/A1.tif", "2024-03-05/14-30", {}),
        ("{timepoint}/{well}", "run/2403051430/A1.tif", "2403051430", {}),
        ("{date}/{well}_{clock}", "2024-03-05/A1_1430.tif", "2024-03-05 1430", {}),
        ("{clock}_{well}_{date}", "14h30m_A1_240305.tif", "240305 14h30m", {}),
    ],
)
def test_the_time_of_a_template(text, path, timepoint, rest):
    assert FilePattern(text).read(path) == {"well": "A1", "timepoint": timepoint, **rest}


@pytest.mark.parametrize(
    ("text", "path"),
    [
        (r"(?P<well>A1)_f(?P<field>.)\.", "A1_f².tif"),
        (r"(?P<well>.)_f(?P<field>2)\.", "²_f2.tif"),
        (r"r(?P<row>.)c(?P<column>1)\.", "r²c1.tif"),
    ],
)
def test_a_digit_that_is_no_number_is_refused(tmp_path, text, path):
    tifffile.imwrite(tmp_path / path, np.full((8, 8), 1, np.uint16))
    with pytest.raises(ExportError, match="²"):
        exported(tmp_path, channels={"bf": "1"}, export_format="pattern", file_pattern=text)


def test_images_of_one_field_at_one_time_are_doubled_however_it_is_written(tmp_path):
    names = ["A01_00d24h00m.tif", "A01_01d00h00m.tif", "A01_00d00h00m.tif", "A01_02d06h30m.tif"]
    for k, name in enumerate(names):
        tifffile.imwrite(tmp_path / name, np.full((8, 8), k, np.uint16))
    table, _ = exported(
        tmp_path, channels={"bf": "1"}, export_format="pattern", file_pattern="{well}_{timepoint}"
    )
    assert table[["timepoint", "hours", "problem"]].values.tolist() == [
        [1, 0, ""],
        [2, 24, "doubled"],
        [2, 24, "doubled"],
        [3, 54.5, ""],
    ]


@pytest.mark.parametrize(
    ("text", "path", "well"),
    [
        ("W{well}_f{field}", "x_W0013_f2.tif", "0013"),
        ("_{well}_f{field}", "x_13_f2.tif", "13"),
        ("_{well}_f{field}", "x_B03_f2.tif", "B03"),
        (r"_(?P<well>\d+)_", "x_13_f2.tif", "13"),
    ],
)
def test_wells_that_are_numbers(text, path, well):
    assert FilePattern(text, numbered=True).read(path)["well"] == well


def test_a_number_within_a_name_of_a_well_is_not_taken_for_one():
    assert FilePattern("{well}_f{field}").read("x_13_f2.tif") is None
    with pytest.raises(ExportError, match="in several places: well B03, field 2 or well 03, field 2; write"):
        FilePattern("{well}_f{field}", numbered=True).read("x_B03_f2.tif")


def test_a_container_is_no_image_of_a_name(tmp_path):
    (tmp_path / "B03_BF.nd2").touch()
    folder = RawFolder(tmp_path, ["B03_BF.nd2"], file_pattern="{well}_{channel}.nd2")
    with pytest.raises(
        ExportError, match=r"B03_BF\.nd2 holds many images, and format 'pattern' reads a file per"
    ):
        user_pattern.scan(folder)
