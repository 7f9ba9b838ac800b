import numpy as np
import tifffile

from livedead.images.ome_tiff import write_ome_tiff


def test_ome_tiff_says_size_and_channels(tmp_path, plane):
    images = [("field 1", (70, 90), [plane, plane]), ("field 2", (60, 90), [plane[:60] // 2, plane[:60]])]
    write_ome_tiff(tmp_path / "a.ome.tiff", images, 1, ["one", "two"], 0.65)
    with tifffile.TiffFile(tmp_path / "a.ome.tiff") as file:
        assert file.is_ome
        assert 'PhysicalSizeX="0.65"' in file.ome_metadata
        assert 'Name="two"' in file.ome_metadata
        assert [series.name for series in file.series] == ["field 1", "field 2"]
        np.testing.assert_array_equal(file.series[1].asarray(), [plane[:60] // 2, plane[:60]])
