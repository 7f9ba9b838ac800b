import h5py
import numpy as np
import pytest

from livedead.images.gate import read_plane


def test_a_lost_block_of_a_chunked_dataset(tmp_path, code):
    planes = np.random.default_rng(0).integers(1, 65_535, (128, 128, 2), dtype=np.uint16)
    planes[70:86, 32:64, 1] = 0  # 1 KiB of a chunk
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file.create_dataset("lost", data=planes, chunks=(64, 32, 1))
        file.create_dataset("unwritten", (20, 20, 2), np.uint16, chunks=(10, 5, 1))[:, :15] = planes[:20, :15]
        file["unwritten"][:, 15:, 0] = planes[:20, 15:20, 0]
    for dataset in ("lost", "unwritten"):
        side = 128 if dataset == "lost" else 20
        found = read_plane(tmp_path / "a.h5", 0, dataset=dataset, axes="yxn")
        np.testing.assert_array_equal(found, planes[:side, :side, 0])
        assert code(tmp_path / "a.h5", page=1, dataset=dataset, axes="yxn") == "blank"
        assert (read_plane(tmp_path / "a.h5", 1, dataset=dataset, axes="yxn", accept=["zeros"]) == 0).any()


@pytest.mark.parametrize(
    ("dataset", "axes", "tile", "expected"),
    [
        ("PI", "yxn", 0, "wrong_layout"),  # there is no such dataset
        ("BF", "yx", 0, "wrong_shape"),
        ("BF", "nyz", 0, "wrong_shape"),
        ("BF", "yxn", 2, "wrong_shape"),
        ("float", "yx", 0, "wrong_dtype"),
    ],
)
def test_a_dataset_that_is_not_as_indexed(tmp_path, code, dataset, axes, tile, expected):
    planes = np.random.default_rng(0).integers(1, 4096, (20, 30, 2), dtype=np.uint16)
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["BF"] = planes
        file["float"] = planes[:, :, 0].astype(np.float32)
    found = read_plane(tmp_path / "a.h5", 1, dataset="BF", axes="yxn")
    np.testing.assert_array_equal(found, planes[:, :, 1])
    np.testing.assert_array_equal(
        read_plane(tmp_path / "a.h5", dataset="float", axes="yx", accept=["float"]), planes[:, :, 0]
    )
    assert code(tmp_path / "a.h5", page=tile, dataset=dataset, axes=axes) == expected


def test_a_dataset_in_another_file_is_refused(tmp_path, code):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file.create_dataset("BF", (20, 20), np.uint16, external=[("secret.raw", 0, 800)])
    assert code(tmp_path / "a.h5", dataset="BF", axes="yx") == "wrong_layout"
