"""Several plates in one raw folder: each is read as if it were alone, and no file is of two."""

import pytest
from small_exports import exported, write_image

from livedead.errors import ExportError
from livedead.readers.claims import Claim, unclaimed
from livedead.readers.inventory import list_unclaimed

HTD = """"HTSInfoFile", Version 1.0
"XWells", 12
"YWells", 8
"NWavelengths", 1
"WaveName1", "{name}"
"""


@pytest.fixture
def shared(tmp_path):
    """Two ImageXpress plates, each with its .HTD file, which name their wavelength differently."""
    for k, (plate, name) in enumerate([("HepG2-1", "Brightfield"), ("HepG2-12", "TL 20")]):
        (tmp_path / f"{plate}.HTD").write_text(HTD.format(name=name))
        for j, well in enumerate(["A01", "B02"]):
            write_image(tmp_path / f"{plate}_{well}_s1_w1.TIF", 10 * k + j)
    return tmp_path


def test_two_plates_with_their_metadata_in_one_folder(shared):
    with pytest.raises(ExportError, match=r"HepG2-12\.HTD: w1 is 'Brightfield' in one, 'TL 20' in another"):
        exported(shared)
    for plate, name in (("HepG2-1", "Brightfield"), ("HepG2-12", "TL 20")):
        table, said = exported(shared, files=f"{plate}_*|{plate}.HTD", channels={"bf": name})
        assert list(table["path"]) == [f"{plate}_A01_s1_w1.TIF", f"{plate}_B02_s1_w1.TIF"]
        assert said["channel_names"] == {"w1": name}
        assert said["expected"]["n_wells"] == 96
        # The files of the other plate are not this one's affair.
        assert set(said["passed_over"]) == {f"{plate}.HTD"}


def test_metadata_that_the_glob_does_not_fit_are_not_read_but_told(shared):
    _, said = exported(shared, files="HepG2-1_*")
    assert said["channel_names"] == {} and said["passed_over"] == {}
    write_image(shared / "HepG2-3_A01_s1_w1.TIF", 99)
    files = sorted(path.name for path in shared.iterdir())
    claims = [Claim("a", "HepG2-1_*|HepG2-1.HTD"), Claim("b", "HepG2-12_*|hepg2-12.htd")]
    assert list_unclaimed(shared, files, claims) == (
        f"raw folder {shared}, plates: a, b\n"
        "  images of no plate: HepG2-3_A01_s1_w1.TIF\n"
        "  other files of no plate: none\n"
    )
    claims = [Claim("a", "HepG2-1_*"), Claim("b", "HepG2-12_*"), Claim("c", "HepG2-3_*")]
    assert unclaimed(files, claims) == ["HepG2-1.HTD", "HepG2-12.HTD"]
    assert "  other files of no plate: HepG2-1.HTD, HepG2-12.HTD\n" in list_unclaimed(shared, files, claims)


def test_a_file_of_two_plates_is_refused_with_both(shared):
    other = Claim("q", "*-12_*")
    exported(shared, files="HepG2-1_*", siblings=[other])
    with pytest.raises(ExportError) as error:
        exported(shared, files="HepG2-1*_*", siblings=[Claim("r", "none*"), other])
    assert str(error.value) == (
        "plate p: HepG2-12_A01_s1_w1.TIF is of plate q, too; make 'files' or 'file_pattern' of the two in "
        "plates.tsv narrower, so that every file is of one plate"
    )


def test_a_glob_that_fits_nothing_is_refused(shared):
    with pytest.raises(ExportError, match=r"plates\.tsv: 'HepG3-1_\*' fits no file; .*nearest: HepG2-1\.HTD"):
        exported(shared, files="HepG3-1_*")


def test_the_plate_in_a_pattern_parts_a_folder(tmp_path):
    """P1 is not P12, nor the end of HTS-P1; files may call a plate by its barcode."""
    names = ["P1_A01_f1_BF.tif", "p1_A02_f1_BF.tif", "BC7_A03_f1_BF.tif"]
    others = ["P12_A01_f1_BF.tif", "HTS-P1_A01_f1_BF.tif", "P1-2_A01_f1_BF.tif", "XP1_A01_f1_BF.tif"]
    for k, name in enumerate([*names, *others]):
        write_image(tmp_path / "day 1" / name, k)
    how = {"file_pattern": "{plate}_{well}_f{field}_{channel}", "plate_names": ["P1", "BC7"]}
    table, said = exported(tmp_path, export_format="pattern", channels={"bf": "BF"}, **how)
    assert list(table["path"]) == [f"day 1/{name}" for name in names]
    assert list(table["well"]) == ["A01", "A02", "A03"]
    assert said["passed_over"] == {}
    claims = [Claim("P1", by_pattern=True, **how)]
    assert unclaimed([*names, *others], claims) == others
    with pytest.raises(ExportError, match=r"p1_A02_f1_BF\.tif is of plate q, too"):
        exported(
            tmp_path,
            export_format="pattern",
            channels={"bf": "BF"},
            siblings=[Claim("q", files="**/p1_a02*")],
            **how,
        )


def test_the_plate_in_a_pattern_is_its_id_if_it_has_no_barcode(tmp_path):
    for k, name in enumerate(["p_A01.tif", "q_A02.tif"]):
        write_image(tmp_path / name, k)
    how = {"export_format": "pattern", "channels": {"bf": "1"}, "file_pattern": "{plate}_{well}"}
    assert list(exported(tmp_path, **how)[0]["well"]) == ["A01"]
    with pytest.raises(
        ExportError, match=r"no file .* is of format pattern: file_pattern fits none: nearest is"
    ):
        exported(tmp_path, **how, plate_names=["r"])


def test_claims_on_folders_within_each_other():
    """Paths are those below the folder that is asked about: data/x, and data."""
    outer, inner = Claim("o", "x/a*", above="x/"), Claim("i", "a*", below="x/")
    assert [outer.holds(path) for path in ("a1.tif", "b1.tif")] == [True, False]
    assert [inner.holds(path) for path in ("x/a1.tif", "X/a1.tif", "a1.tif", "y/a1.tif")] == [
        True,
        True,
        False,
        False,
    ]


def test_a_pattern_that_fits_a_name_twice_claims_it():
    claim = Claim("p", file_pattern="{well}_", by_pattern=True)
    assert claim.holds("A1_B2_.tif")
    assert not claim.holds("x.tif")
