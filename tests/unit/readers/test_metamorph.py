"""MetaMorph: ``.nd`` files as public sources show them.

Names of files, signs of wavelengths that become hyphens, ``A1, 1 of 2`` and ``Stage 1 A1``: Bio-Formats'
MetamorphReader and its pull request 3425; its data has ``exp1_w1CSU GREEN_s3_t001.stk``. Other labels:
TissueMAPS (VisiView's ``row:A,column:1,site:1``), faim-ipa's issue 18 (``E07 : Site 1``), Bio-Formats' pull
request 2912 (``A01 : Scan A1``, ``Position278``), a reader of scanned slides (``Row0_Col0``).
``WavePointsCollected`` has the number of the wavelength, then its timepoints, in several loaders of
optogenetic time-lapses.
"""

import numpy as np
import pytest
import tifffile
from small_exports import code, exported, image, write_image

from livedead.errors import ExportError
from livedead.fields.plate_images import PlateImages


def nd(raw, labels, waves=("BF",), name="exp.nd", z=1, timepoints=1, **changes):
    """An ``.nd`` file of stage positions and wavelengths; a wavelength with a star is a stack of `z`."""
    values = {
        "Description": "scan\nof cells, by hand",
        "StartTime1": "20260305 17:42:13",
        "DoTimelapse": "TRUE" if timepoints > 1 else "FALSE",
        "NTimePoints": timepoints,
        "DoStage": "TRUE",
        "NStagePositions": len(labels),
        **{f"Stage{k}": f'"{label}"' for k, label in enumerate(labels, start=1)},
        "DoWave": "TRUE",
        "NWavelengths": len(waves),
        **{f"WaveName{k}": f'"{wave.rstrip("*")}"' for k, wave in enumerate(waves, start=1)},
        **{f"WaveDoZ{k}": str(wave.endswith("*")).upper() for k, wave in enumerate(waves, start=1)},
        "DoZSeries": str(z > 1).upper(),
        "NZSteps": z,
        "ZStepSize": "0,5",
        "WaveInFileName": "TRUE",
        **changes,
    }
    lines = "".join(f'"{key}", {value}\r\n' for key, value in values.items())
    (raw / name).write_text(f'"NDInfoFile", Version 1.0\r\n{lines}"EndFile"\r\n', newline="")


def test_wells_are_those_of_the_labels_and_fields_count_their_positions(tmp_path):
    nd(tmp_path, ["B03 site 1", "A01", "B03 site 2"], ["BF", "CSU GREEN"], timepoints=2)
    for stage in (1, 2, 3):
        for t in (1, 2):
            write_image(tmp_path / f"exp_w1BF_s{stage}_t{t}.TIF", 10 * stage + t)
            write_image(tmp_path / f"exp_w2CSU GREEN_s{stage}_t{t}.TIF", 100 + stage)
    (tmp_path / "exp_w1BF_s2_t2.TIF").unlink()
    table, export = exported(tmp_path, channels={"bf": "BF"})
    assert export["format"] == "metamorph"
    assert export["expected"] == {"wells": ["B03", "A01"], "channels": 2, "timepoints": 2}
    assert list(zip(table["well"], table["field"], table["timepoint"], strict=True)) == [
        (*place, t) for place in (("A01", 1), ("B03", 1), ("B03", 2)) for t in (1, 2)
    ]
    plate = PlateImages(tmp_path, table, 16)
    np.testing.assert_array_equal(plate.plane(("B03", 2, 2), "bf"), image(32))
    assert code(plate, ("A01", 1, 2)) == "missing_file"


@pytest.mark.parametrize(
    ("label", "well"),
    [
        ("A01", "A01"),
        ("Well B3", "B03"),
        ("A1, 1 of 2", "A01"),
        ("Stage 1 H12", "H12"),
        ("E07 : Site 1", "E07"),
        ("A1-site 2", "A01"),
        ("A01 : Scan A1", "A01"),
        ("row:C,column:4,site:1", "C04"),
        ("Row D Col 5", "D05"),
    ],
)
def test_labels_that_name_a_well(tmp_path, label, well):
    nd(tmp_path, [label])
    write_image(tmp_path / "exp_w1BF_s1.tif")
    table, _ = exported(tmp_path)
    assert list(table["well"]) == [well]
    assert list(table["problem"]) == [""]


@pytest.mark.parametrize(
    ("label", "said"),
    [
        ("Row0_Col0", "names no well"),
        ("[0,0]Row1_Col2", "names no well"),
        ("Position278", "names no well"),
        ("", "names no well"),
        ("A1 B2", "may name A01 or B02"),
    ],
)
def test_labels_that_name_none_or_several_are_refused(tmp_path, label, said):
    nd(tmp_path, ["A01", label])
    with pytest.raises(ExportError, match=f"stage position 2, .* {said}; write the wells into the labels"):
        exported(tmp_path)


def test_a_position_without_a_label_is_refused(tmp_path):
    nd(tmp_path, ["A01"], DoStage="FALSE")
    with pytest.raises(ExportError, match=r"exp\.nd: has no stage positions.*'file_pattern' in config.yaml"):
        exported(tmp_path)


@pytest.mark.parametrize(
    ("wave", "name"),
    [
        ("CSU GREEN", "exp_w1CSU GREEN_s1_t001.stk"),
        ("DIC_(5/1)", "exp_w1DIC--5-1-_s1_t1.TIF"),
        ("488", "exp_w1488_s1_t1.tif"),
    ],
)
def test_names_of_files_that_differ_from_those_of_the_wavelength(tmp_path, wave, name):
    nd(tmp_path, ["A01"], [wave], DoTimelapse="TRUE")
    write_image(tmp_path / name)
    table, _ = exported(tmp_path)
    assert list(table["path"]) == [name]
    assert list(table["problem"]) == [""]


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        ({"WaveInFileName": "FALSE"}, "exp_w1_s1.TIF"),
        ({"DoWave": "FALSE"}, "exp_s1.TIF"),
        ({"DoWave": "FALSE", "NWavelengths": 0, "DoTimelapse": "TRUE", "NTimePoints": 0}, "exp_s1_t1.TIF"),
    ],
)
def test_names_without_a_wavelength(tmp_path, changes, name):
    nd(tmp_path, ["A01"], **changes)
    write_image(tmp_path / name)
    table, export = exported(tmp_path)
    assert export["format"] == "metamorph"
    assert list(table["path"]) == [name]


def test_focal_planes_are_pages_of_the_wavelengths_that_are_stacks(tmp_path):
    nd(tmp_path, ["A01"], ["CSU488*", "BF"], z=3)
    pages = np.stack([image(k) for k in range(3)])
    tifffile.imwrite(tmp_path / "exp_w1CSU488_s1.TIF", pages, photometric="minisblack", metadata=None)
    write_image(tmp_path / "exp_w2BF_s1.TIF", 9)
    with pytest.raises(ExportError, match=r"channel bf has several focal planes \(1, 2, 3\)"):
        exported(tmp_path)
    table, _ = exported(tmp_path, channels={"pi": "CSU488", "bf": "BF"}, focal_plane={"pi": 3})
    plate = PlateImages(tmp_path, table, 16)
    np.testing.assert_array_equal(plate.plane(("A01", 1, 1), "pi"), image(2))
    np.testing.assert_array_equal(plate.plane(("A01", 1, 1), "bf"), image(9))


def test_legacy_stacks_of_focal_planes_are_refused(tmp_path):
    nd(tmp_path, ["A01"], ["BF*"], z=3)
    write_image(tmp_path / "exp_w1BF_s1.STK")
    with pytest.raises(ExportError, match=r"STK: a stack of 3 focal planes in MetaMorph's legacy format"):
        exported(tmp_path)


def test_a_wavelength_that_is_taken_at_some_timepoints_only(tmp_path):
    nd(tmp_path, ["A01"], ["BF", "PI"], timepoints=3)
    path = tmp_path / "exp.nd"
    lines = '"WavePointsCollected", 1, 1, 2, 3\r\n"WavePointsCollected", 2, 1, 3\r\n'
    path.write_bytes(path.read_bytes().replace(b'"DoZSeries"', lines.encode() + b'"DoZSeries"'))
    for wave, t in (("1BF", 1), ("1BF", 2), ("1BF", 3), ("2PI", 1), ("2PI", 3)):
        write_image(tmp_path / f"exp_w{wave}_s1_t{t}.TIF", t)
    table, _ = exported(tmp_path, channels={"bf": "BF", "pi": "PI"})
    assert set(table["problem"]) == {""}
    assert table.groupby("channel")["timepoint"].agg(list).to_dict() == {"bf": [1, 2, 3], "pi": [1, 3]}


def test_files_that_promise_too_much_or_contradict_themselves(tmp_path):
    nd(tmp_path, ["A01"], timepoints=10**9)
    with pytest.raises(ExportError, match="promises 1,000,000,000 planes, of which 1,000,000 are allowed"):
        exported(tmp_path)
    nd(tmp_path, ["A01"], NTimePoints="x", DoTimelapse="TRUE")
    with pytest.raises(ExportError, match="invalid literal"):
        exported(tmp_path)
    nd(tmp_path, ["A01"])
    path = tmp_path / "exp.nd"
    path.write_text(path.read_text() + '"Stage1", "B02"\n')
    with pytest.raises(ExportError, match="Stage1 is there twice, 'A01' and 'B02'"):
        exported(tmp_path)


def test_acquisitions_that_disagree(tmp_path):
    nd(tmp_path, ["A01"], ["BF"], "a.nd")
    nd(tmp_path, ["B01"], ["PI"], "b.nd")
    with pytest.raises(ExportError, match=r"w1 is 'PI', in another \.nd file of this folder 'BF'"):
        exported(tmp_path)
    nd(tmp_path, ["A01"], ["BF"], "b.nd")
    with pytest.raises(ExportError, match=r"such as 'a\*' and 'b\*'"):
        exported(tmp_path)
