"""From raw images to class maps."""

import numpy as np
import tifffile
from export_normalized import export_normalized
from take_inventory import take_inventory

from livedead import stores
from livedead.fields.normalized_plate import open_normalized_plate
from livedead.network.plan import Plan
from livedead.network.segmenter import Segmenter
from livedead.tables import FIELDS, IMAGES, WELLS
from livedead.weights import unet_io


def test_index_lists_every_plane_with_its_hash(flow):
    table = stores.read_table(flow.folder / "images.tsv", IMAGES)
    assert len(table) == 3 * 2 * 3
    assert set(table["channel"]) == {"brightfield", "hoechst", "draq7"}
    assert table["sha256"].str.fullmatch("[0-9a-f]{64}").all()


def test_inventory_is_text_about_the_plate(flow, tmp_path):
    flow.call(take_inventory, inventory=tmp_path / "i.txt")
    text = (tmp_path / "i.txt").read_text()
    assert "mapped, not imaged: C01" in text
    assert "demo_A12_s2_w1.TIF" in text


def test_normalization_knows_the_broken_field(flow):
    channels, quality = stores.read_normalization(flow.folder / "normalization.h5")
    assert channels["brightfield"]["histogram"].sum() == 5 * 160 * 160
    failed = quality[quality["status"] == "failed"]
    assert failed[["well", "field", "code"]].to_numpy().tolist() == [["A12", 2, "truncated"]]


def test_export_normalized(flow, tmp_path):
    flow.call(export_normalized, folder=tmp_path / "normalized")
    names = sorted(path.name for path in (tmp_path / "normalized").iterdir())
    assert names == ["A01.ome.tiff", "A12.ome.tiff", "B06.ome.tiff"]
    with tifffile.TiffFile(tmp_path / "normalized" / "A12.ome.tiff") as file:
        assert [series.name for series in file.series] == ["A12 field 1", "A12 field 2"]
        whole, broken = (series.asarray() for series in file.series)
        assert 'Name="brightfield"' in file.ome_metadata
    assert whole.shape == (160, 160)
    assert whole.dtype == np.uint16
    assert whole.max() == 65535
    assert not broken.any()


def test_shards_hold_runs_of_wells(flow):
    wells = [set(stores.list_class_maps(flow.folder / f"{k}-of-2/classes.h5")["well"]) for k in (1, 2)]
    assert wells == [{"A01"}, {"A12", "B06"}]


def test_class_maps_are_those_of_the_network(flow):
    files = (flow.folder / name for name in ("raw", "images.tsv", "normalization.h5"))
    plate = open_normalized_plate(*files, ["brightfield"], 16)
    network, _ = unet_io.read(flow.folder / "unet.safetensors")
    segmenter = Segmenter(network, list(plate.transforms.values()), Plan(device="cpu"))
    expected = segmenter.segment(plate.counts(("B06", 2, 1))).class_map
    maps = {
        (row["well"], row["field"]): found.get("maps")
        for row, found in stores.read_segmentations(flow.folder / "2-of-2/classes.h5")
    }
    np.testing.assert_array_equal(maps["B06", 2], expected)
    assert maps["A12", 2] is None


def test_a_field_whose_logits_are_not_finite_fails_and_the_others_count(flow, broken_levels):
    fields = stores.read_table(broken_levels["fields"], FIELDS).set_index(["well", "field"])
    assert fields.loc["B06", "code"].to_dict() == {1: "", 2: "not_finite"}
    assert fields.at[("B06", 2), "pixels_sha256"] == ""
    assert fields.index[fields["n_total"].isna()].tolist() == [("A12", 2), ("B06", 2)]
    whole = stores.read_table(flow.folder / "fields.csv", FIELDS).set_index(["well", "field"])
    assert fields.at[("B06", 1), "n_total"] == whole.at[("B06", 1), "n_total"]
    table = stores.read_table(broken_levels["wells"], WELLS).set_index("well")
    assert table["status"].to_dict() == {"A01": "ok", "A12": "partial", "B06": "partial", "C01": "no_images"}
