import numpy as np
import pytest
import tifffile
from small_exports import exported

from livedead.errors import ExportError, FieldError
from livedead.fields.plate_images import PlateImages


def test_focal_planes_are_chosen_projected_or_asked_for(tmp_path):
    for step in (1, 2, 3):
        (tmp_path / f"ZStep_{step}").mkdir()
        for well in ("A01", "A02"):
            image = np.full((8, 8), step * 10, np.uint16) + np.eye(8, dtype=np.uint16)
            tifffile.imwrite(tmp_path / f"ZStep_{step}/p_{well}_s1_w1.tif", image)
    tifffile.imwrite(tmp_path / "p_A01_s1_w1.tif", np.eye(8, dtype=np.uint16))
    (tmp_path / "ZStep_3/p_A02_s1_w1.tif").unlink()
    with pytest.raises(ExportError, match=r"several focal planes \(1, 2, 3, acquired\)"):
        exported(tmp_path)[0]
    with pytest.raises(ExportError, match="no focal plane 7; it has 1, 2, 3, acquired"):
        exported(tmp_path, focal_plane=7)[0]
    assert list(exported(tmp_path, focal_plane=2)[0]["path"]) == [
        "ZStep_2/p_A01_s1_w1.tif",
        "ZStep_2/p_A02_s1_w1.tif",
    ]
    assert list(exported(tmp_path, focal_plane="acquired")[0]["path"]) == ["p_A01_s1_w1.tif"]
    table = exported(tmp_path, focal_plane={"bf": "max"})[0]
    plate = PlateImages(tmp_path, table, 16)
    assert plate.plane(("A01", 1, 1), "bf").max() == 31
    with pytest.raises(FieldError) as error:
        plate.plane(("A02", 1, 1), "bf")
    assert error.value.code == "missing_plane"
    mean = PlateImages(tmp_path, exported(tmp_path, focal_plane="mean")[0], 16).plane(("A01", 1, 1), "bf")
    assert mean[0, 1] == 20
