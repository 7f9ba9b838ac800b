"""Plates at other pixel sizes than the network's, counted with the demo's weights against their truth."""

import pytest
from chain import SETTINGS, Plate
from convert_weights import convert_weights
from tabulate_wells import tabulate_wells

from livedead import stores
from livedead.simulation.plate import simulate_plate
from livedead.tables import FIELDS, WELLS
from livedead.training.evaluate import compare_counts

WELLS_IMAGED = ["A01", "B06", "A12"]
ENDS = {"unet": "safetensors", "model": "certificate.json"}
PIXELS = [(0.325, 800), (0.455, 572), (0.91, 286), (1.3, 200)]


@pytest.fixture(scope="module")
def demo(repository, tmp_path_factory):
    """The demo's weights, certified as trained on pixels of 0.65 um."""
    plate = Plate(tmp_path_factory.mktemp("demo"))
    plate.call(convert_weights, source=repository / "config/demo/unet.h5")
    return {name: plate.folder / f"unet.{end}" for name, end in ENDS.items()}


def counted(folder, demo, pixel_size_um, side_px, written_um=None):
    """A plate that is seen at one pixel size, counted as if its sheet said that, or `written_um`."""
    size = {"n_fields": 1, "side_px": side_px, "pixel_size_um": pixel_size_um}
    truth, _ = simulate_plate(folder / "raw", 2028, dyed_wells=[], wells=WELLS_IMAGED, **size)
    (folder / "map.tsv").write_text("well\n" + "".join(f"{well}\n" for well in WELLS_IMAGED))
    counting = {**SETTINGS["counting"], "min_area_um2": 17, "edge_rule": "counting_frame"}
    plate = Plate(folder, pixel_size_um=written_um or pixel_size_um, counting=counting, **demo)
    plate.count()
    return plate, truth


@pytest.mark.parametrize(("pixel_size_um", "side_px"), PIXELS)
def test_a_plate_is_counted_at_any_pixel_size(tmp_path, demo, pixel_size_um, side_px):
    _, truth = counted(tmp_path, demo, pixel_size_um, side_px)
    fields = stores.read_table(tmp_path / "fields.csv", FIELDS)
    _, errors = compare_counts(fields, truth)
    assert errors["n_cells_true"] > 60
    assert abs(errors["total_relative_error"]) <= 0.03
    assert errors["viability_mean_absolute_error"] <= 0.03
    # On the plate's own pixels; the counting frame leaves out a row and a column.
    area_mm2 = ((side_px - 1) * pixel_size_um / 1000) ** 2
    assert fields["area_mm2"].tolist() == pytest.approx(3 * [area_mm2], rel=1e-3)
    shapes = [found["maps"].shape for _, found in stores.read_segmentations(tmp_path / "1-of-1/classes.h5")]
    assert shapes == 3 * [(side_px, side_px)]


def test_a_wrong_pixel_size_in_the_sheet_shows_in_the_area_of_all_cells(tmp_path, demo):
    """A plate of the usual pixels whose sheet says half of that; with the truth, nothing is flagged."""
    seen = {"experience": {"cell_area_um2": {"live": 55.0, "dead": 46.0}}}
    stores.write_json(tmp_path / "model.json", {**stores.read_json(demo["model"]), **seen})
    for name, written_um in (("right", 0.65), ("wrong", 0.4)):
        (tmp_path / name).mkdir()
        plate, _ = counted(tmp_path / name, demo, 0.65, 512, written_um)
        plate.call(tabulate_wells, model=tmp_path / "model.json")
        table = stores.read_table(tmp_path / name / "wells.csv", WELLS)
        assert set(table["qc_flags"].fillna("")) == {"unusual_cell_area" if name == "wrong" else ""}
