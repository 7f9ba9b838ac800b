import numpy as np
import pytest
import tifffile

from livedead import simulate
from livedead.plates import geometry, plate_maps


def test_the_demos_plate_map_is_the_simulators_design(repository):
    written = plate_maps.read_plate_map(repository / "config/demo/platemap.tsv", 96)
    design = simulate.plate_design()
    assert list(written["well"]) == list(design["well"]) == geometry.all_wells(96)
    for column in ("treatment", "control"):
        assert list(written[column]) == list(design[column])
    np.testing.assert_allclose(written["dose_um"].astype(float), design["dose_um"], rtol=1e-4)


def test_doses_span_the_whole_range_of_viability():
    design = simulate.plate_design().set_index("well")["viability"]
    assert design.max() == pytest.approx(0.95)
    assert design.min() == pytest.approx(0.05)
    assert (design[["A02", "A03", "A04", "A05", "A06"]].diff().dropna() < 0).all()


def test_one_seed_one_plate_whatever_the_order(tmp_path):
    for folder, wells in (("one", ["A01", "B06"]), ("two", ["B06"])):
        simulate.simulate_plate(tmp_path / folder, 7, dyed_wells=["B06"], wells=wells, side_px=96)
    names = sorted(path.name for path in (tmp_path / "two").rglob("*.TIF"))
    assert len(names) == 6
    for name in names:
        one, two = ((tmp_path / f / "TimePoint_1" / name).read_bytes() for f in ("one", "two"))
        assert one == two
    simulate.simulate_plate(tmp_path / "other", 8, dyed_wells=[], wells=["B06"], side_px=96)
    assert (tmp_path / "other" / "TimePoint_1" / names[0]).read_bytes() != one


def test_truth_is_what_was_drawn(tmp_path):
    cells, wells = simulate.simulate_plate(
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


def test_dyes_mark_what_they_mark():
    images, cells = simulate.simulate_field(np.random.default_rng(0), 0.5, side_px=400)
    y, x = cells["y_px"].astype(int).clip(0, 399), cells["x_px"].astype(int).clip(0, 399)
    dead = (cells["state"] == "dead").to_numpy()
    hoechst, draq7 = images["hoechst"][y, x], images["draq7"][y, x]
    assert hoechst.min() > 800
    assert draq7[dead].min() > 5 * draq7[~dead].max() / 2
