from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import tifffile
from small_exports import described, exported, image

from livedead.errors import ExportError
from livedead.readers import imagexpress
from livedead.readers.folder import RawFolder

GUID = "9E84F49F-1B25-4E7E-8040-D1BB2D7E73EA"


def parsed(*files, scan=imagexpress.scan, raw=Path()):
    planes = scan(RawFolder(raw, list(files))).planes
    return [(one.well, one.field, one.channel, one.timepoint, one.z) for one in planes]


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("plate_A01_s1_w1.TIF", ("A01", 1, "w1", 1, 1)),
        ("p_P24_s12_w3.tif", ("P24", 12, "w3", 1, 1)),
        ("p_AF48_s100_w10.tif", ("AF48", 100, "w10", 1, 1)),
        ("p_B02.TIF", ("B02", 1, "w1", 1, 1)),
        (f"Amp5-1_B_20070424_A01_w1_{GUID}.tif", ("A01", 1, "w1", 1, 1)),
        (f"p_C03_s2_w1{GUID}.tif", ("C03", 2, "w1", 1, 1)),
        (f"p_C03_s2_w12{GUID}.tif", ("C03", 2, "w12", 1, 1)),
        ("plate_C04_x_B02_s1_w2.tif", ("B02", 1, "w2", 1, 1)),
        ("2021-07-06/99/TimePoint_3/ZStep_2/p_I09_s4_w1.tif", ("I09", 4, "w1", 3, 2)),
        (f"x_E08_s117654C10-92F1-4DFD-98AA-6A01BBD77557{'.tif'}", ("E08", 1, "w1", 1, 1)),
        ("thumb_study_h_A01_s1_w1.tif", ("A01", 1, "w1", 1, 1)),
    ],
)
def test_imagexpress_names(path, expected):
    assert parsed(path) == [expected]


@pytest.mark.parametrize(
    "path",
    [
        f"p_C03_s2_w1_thumb{GUID}.tif",
        "p_C03_s2_w1_thumb.tif",
        "notes.txt",
        "experiment_w1BF_s1_t1.TIF",  # no wells: S01 is a well of 1536
        "p_A01_s1_w1_z2_t3.TIF",
        "p_A01_t2_s1_w1.TIF",
    ],
)
def test_what_is_no_image_is_passed_over(path):
    assert parsed(path) == []


def test_real_imagexpress_tree(shared):
    files = [
        path.relative_to(shared / "imagexpress/9987_Plate_3434").as_posix()
        for path in (shared / "imagexpress/9987_Plate_3434").rglob("*")
    ]
    table = imagexpress.scan(RawFolder(shared / "imagexpress/9987_Plate_3434", sorted(files))).table()
    assert sorted(set(table["well"])) == ["B02", "B03"]
    assert set(table["channel"]) == {"w1", "w2", "w3"}
    assert set(table["field"]) == {1, 2}


def metaxpress(path, k, taken, pages=1):
    """An image with the description that MetaXpress 6.7 gives its own, as in the real tree."""
    props = f'<prop id="acquisition-time-local" type="time" value="{taken}"/>' if taken else ""
    description = f"<MetaData><PlaneInfo>{props}</PlaneInfo></MetaData>"
    path.parent.mkdir(parents=True, exist_ok=True)
    data = np.stack([image(k + page) for page in range(pages)])
    tifffile.imwrite(path, data, photometric="minisblack", description=description, metadata=None)


@pytest.mark.parametrize(
    ("taken", "hours"),
    [
        (["20240708 23:00:00.500", "20240709 02:30:00.500"], [0, 3.5]),
        (["20240708 23:00:00.500", "20240708 23:00:00.500"], [np.nan, np.nan]),  # copied, not taken again
        (["", ""], [np.nan, np.nan]),
        (["20240708 23:00:00.500", "soon"], [0, np.nan]),
    ],
)
def test_hours_are_those_of_the_headers(tmp_path, taken, hours):
    for k, told in enumerate(taken, start=1):
        metaxpress(tmp_path / f"TimePoint_{k}/p_A01_s1_w1.TIF", k, told)
    table, export = exported(tmp_path, channels={"bf": "w1"})
    np.testing.assert_allclose(table["hours"], hours, atol=1e-9)
    duration = "" if np.isnan(hours[0]) else f" from 0 to {np.nanmax(hours):g} h"
    assert f"up to 1 fields per well, 2 timepoint(s){duration}, channels bf (2)" in described(table, export)


def test_the_header_of_a_stack_tells_the_time_of_none_of_its_pages(tmp_path):
    metaxpress(tmp_path / "p_A01_s1_w1.TIF", 1, "20240708 23:00:00.500", pages=3)
    table, _ = exported(tmp_path, channels={"bf": "w1"}, pages="timepoint")
    assert table["timepoint"].tolist() == [1, 2, 3]
    assert table["hours"].isna().all()


def test_real_headers_tell_the_time(shared):
    raw = shared / "imagexpress/9987_Plate_3434"
    table, _ = exported(raw, channels={"bf": "w1"}, focal_plane="max")
    dates = {}
    for path in set(table["path"]):
        with tifffile.TiffFile(raw / path) as file:
            dates[path] = file.pages[0].datetime
    taken = pd.to_datetime(table["path"].map(dates))
    # Their tag DateTime says the same, as nobody has written them again.
    expected = (taken - taken.min()).dt.total_seconds() / 3600
    np.testing.assert_allclose(table["hours"], expected, atol=1e-6)
    assert table["hours"].max() > 0


HTD = """"HTSInfoFile", Version 1.0
"TimePoints", 2
"XWells", 12
"YWells", 8
"WellsSelection1", TRUE, TRUE, FALSE, FALSE, FALSE, FALSE, FALSE, FALSE, FALSE, FALSE, FALSE, FALSE
"WellsSelection4", TRUE, FALSE, FALSE, FALSE, FALSE, FALSE, FALSE, FALSE, FALSE, FALSE, FALSE, FALSE
"Sites", TRUE
"XSites", 2
"YSites", 2
"SiteSelection1", TRUE, TRUE
"SiteSelection2", TRUE, FALSE
"NWavelengths", 2
"WaveName1", "Brightfield"
"WaveName2", "PI"
"""


def test_htd_says_what_to_expect(export):
    expected, names = imagexpress.parse_htd(HTD)
    assert expected == {
        "wells": ["A01", "A02", "D01"],
        "n_wells": 96,
        "fields": 3,
        "channels": 2,
        "timepoints": 2,
    }
    assert names == {"w1": "Brightfield", "w2": "PI"}
    (export / "p.HTD").write_text(HTD)
    text = described(*exported(export, channels={"bf": "Brightfield"}))
    assert "NOTE" not in text
    assert "announced by the export, not imaged: D01" in text
    assert "fields with fewer than 2 timepoints" in text


def test_htd_files_that_disagree_on_channels_are_not_mixed(export):
    for name, text in (("a", HTD), ("b", HTD.replace("XSites", "YSites")), ("c", "no settings\n")):
        (export / f"{name}.HTD").write_text(text)
    assert set(exported(export, channels={"bf": "Brightfield"})[0]["channel"]) == {"bf"}
    (export / "b.HTD").write_text(HTD.replace("Brightfield", "x").replace("PI", "Brightfield"))
    with pytest.raises(ExportError, match=r"w1 is 'Brightfield' in one, 'x' in another"):
        exported(export)[0]


def test_an_htd_file_of_a_billion_wells_takes_no_time():
    expected, _ = imagexpress.parse_htd(HTD.replace('"YWells", 8', '"YWells", 1000000000 '))
    assert expected["wells"] == ["A01", "A02", "D01"]


def test_a_bare_name_of_two_wells_is_not_metaxpress():
    """Its last word is the well only where a site, a wavelength, a GUID or an .HTD file says so."""

    def wells(*files):
        return [plane.well for plane in imagexpress.scan(RawFolder(None, list(files), 96)).planes]

    with pytest.raises(ExportError, match=r"HepG2_B05_D1\.tif: the well may be B05 or D01; .*file_pattern"):
        wells("HepG2_B05_D1.tif")
    assert wells("plate_A1_f1.tif", "plate_A1_f2.tif", "x_A1_f1_w1.tif") == []
    assert wells("plate_C04_x_B02_s1_w2.tif", "p_B02.tif", "HepG2_B05.tif") == ["B02", "B02", "B05"]


@pytest.mark.parametrize("path", ["TimePoint_1/TimePoint_2/p_A01_s1.tif", "ZStep_1/p_A01_s1_z2.tif"])
def test_folders_and_names_that_number_a_plane_differently(path):
    with pytest.raises(ExportError, match=r"number it (1 and 2|2 and 1)"):
        imagexpress.scan(RawFolder(None, [path], 96))
