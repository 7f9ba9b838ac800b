import numpy as np
import pytest
import tifffile

from livedead.plates import geometry, plate_maps
from livedead.simulation import plate
from livedead.simulation.stained import Staining


def test_the_demos_plate_map_is_the_simulators_design(repository):
    written = plate_maps.read_plate_map(repository / "config/demo/platemap.tsv", 96)
    design = plate.plate_design()
    assert list(written["well"]) == list(design["well"]) == geometry.all_wells(96)
    for column in ("treatment", "control"):
        assert list(written[column]) == list(design[column])
    np.testing.assert_allclose(written["dose_um"].astype(float), design["dose_um"], rtol=1e-4)


def test_doses_span_the_whole_range_of_viability():
    design = plate.plate_design().set_index("well")["viability"]
    assert design.max() == pytest.approx(0.95)
    assert design.min() == pytest.approx(0.05)
    assert (design[["A02", "A03", "A04", "A05", "A06"]].diff().dropna() < 0).all()


def test_one_seed_one_plate_whatever_the_order(tmp_path):
    for folder, wells in (("one", ["A01", "B06"]), ("two", ["B06"])):
        plate.simulate_plate(tmp_path / folder, 7, dyed_wells=["B06"], wells=wells, side_px=96)
    names = sorted(path.name for path in (tmp_path / "two").rglob("*.TIF"))
    assert len(names) == 6
    for name in names:
        one, two = ((tmp_path / f / "TimePoint_1" / name).read_bytes() for f in ("one", "two"))
        assert one == two
    plate.simulate_plate(tmp_path / "other", 8, dyed_wells=[], wells=["B06"], side_px=96)
    assert (tmp_path / "other" / "TimePoint_1" / names[0]).read_bytes() != one


def test_truth_is_what_was_drawn(tmp_path):
    cells, wells = plate.simulate_plate(
        tmp_path,
        1,
        dyed_wells=[],
        wells=["A01", "A12"],
        side_px=256,
        missing_well="A12",
        truncated=("A01", 2),
    )
    assert (
        wells.set_index("well").at["A01", "n_live"]
        == (cells[cells["well"] == "A01"]["state"] == "live").sum()
    )
    assert cells[["y_px", "x_px"]].max().max() <= 256
    assert cells[["y_px", "x_px"]].min().min() >= 0
    names = sorted(path.name for path in tmp_path.rglob("*.TIF"))
    assert names == ["demo_A01_s1_w1.TIF", "demo_A01_s2_w1.TIF"]
    assert (tmp_path / "TimePoint_1" / names[1]).stat().st_size < 256 * 256 * 2
    image = tifffile.imread(tmp_path / "TimePoint_1" / names[0])
    assert image.dtype == np.uint16
    assert image.shape == (256, 256)


def test_the_demos_plate_stays_as_it_is(tmp_path):
    """The demo's weights, and numbers on the pages, are of this plate, which the first release drew."""
    cells, _ = plate.simulate_plate(tmp_path, 20260101, dyed_wells=["D07"], wells=["D07"], n_fields=1)
    assert cells["state"].value_counts().to_dict() == {"dead": 75, "live": 18}
    ends = [[102.078151715, 77.292322666], [27.792810754, 472.592285551]]
    np.testing.assert_allclose(cells[["y_px", "x_px"]].iloc[[0, -1]], ends)
    corners = {
        "w1": [13842, 13339, 13376, 13343, 13607],
        "w2": [303, 331, 303, 289, 281],
        "w3": [293, 281, 331, 328, 319],
    }
    for channel, expected in corners.items():
        image = tifffile.imread(tmp_path / f"TimePoint_1/demo_D07_s1_{channel}.TIF")
        # Processors differ in the last digit of exp() and the like.
        np.testing.assert_allclose(image[511, 507:].astype(int), expected, atol=1)


def test_a_stained_plate_has_its_dyes_in_its_dyed_wells_and_no_brightfield(tmp_path):
    settings = {"wells": ["A01", "B06"], "dyed_wells": ["B06"], "n_fields": 1, "side_px": 96}
    staining = Staining(channels=("calcein", "ethd"))
    _, wells = plate.simulate_plate(tmp_path, 1, **settings, staining=staining, truncated=("B06", 1))
    files = {path.name: path.stat().st_size for path in tmp_path.rglob("*.TIF")}
    assert sorted(files) == ["demo_B06_s1_w4.TIF", "demo_B06_s1_w5.TIF"]
    assert files["demo_B06_s1_w4.TIF"] < 96 * 96 * 2 < files["demo_B06_s1_w5.TIF"]
    assert list(wells["well"]) == ["A01", "B06"]


def test_one_seed_one_stained_plate_whatever_the_order(tmp_path):
    for folder, wells in (("one", ["A01", "B06"]), ("two", ["B06"])):
        plate.simulate_plate(
            tmp_path / folder, 7, dyed_wells=wells, wells=wells, side_px=96, staining=Staining()
        )
    names = sorted(path.name for path in (tmp_path / "two").rglob("*.TIF"))
    assert len(names) == 4
    for name in names:
        one, two = ((tmp_path / f / "TimePoint_1" / name).read_bytes() for f in ("one", "two"))
        assert one == two
