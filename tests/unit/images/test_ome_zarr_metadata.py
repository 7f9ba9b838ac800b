"""What OME-Zarr metadata mean; examples are of public plates and of the specification."""

import math

import numpy as np
import pytest
from zarr_plates import multiscales

from livedead.errors import FieldError
from livedead.images.ome_zarr_metadata import ome_content, read_image, read_plate, read_well

FRACTAL = {
    "plate": {
        "acquisitions": [{"id": 0, "name": "my-experiment"}],
        "columns": [{"name": "03"}],
        "rows": [{"name": "B"}],
        "wells": [{"columnIndex": 0, "path": "B/03", "rowIndex": 0}],
    }
}
"""``.zattrs`` of a plate of Fractal, plate_ones_mip.zarr in tests/example_data of fmicompbio/ez_zarr."""


def plate(rows, columns, *wells, **more):
    listed = [{"path": path, "rowIndex": row, "columnIndex": column} for path, row, column in wells]
    axes = {"rows": [{"name": name} for name in rows], "columns": [{"name": name} for name in columns]}
    return {"version": "0.4", "plate": {**axes, "wells": listed, **more}}


def refused(read, content, match):
    with pytest.raises(FieldError, match=match) as error:
        read(content, "x.zarr")
    return error.value.code


def test_a_plate_that_lists_only_what_was_imaged_is_read_by_its_names():
    """By its indices alone the well would be A01."""
    found = read_plate(ome_content(FRACTAL, "x"), "x")
    assert found.wells == {"B/03": "B03"}
    assert found.acquisitions == {0: "my-experiment"}


def test_rows_and_columns_that_are_no_names_of_wells_count_on_a_whole_plate_only():
    rows, columns = [f"r{k}" for k in range(8)], [f"c{k}" for k in range(12)]
    well = ("r2/c4", 2, 4)
    assert read_plate(plate(rows, columns, well), "x").wells == {"r2/c4": "C05"}
    refused(read_plate, plate(rows[:3], columns, well), "'r2' and column 'c4' name no well")


@pytest.mark.parametrize(
    ("wells", "match"),
    [
        ([("A/1", 0, 1)], "A/1 is said to be in row 0 and column 1"),
        ([("A/1", 0, 7)], "A/1 is said to be"),
        ([("A/1", -2, 0)], "A/1 is said to be"),
        ([("A/1", 0, 0), ("A/1", 0, 0)], "there twice"),
        ([("A/9", 0, 0)], "not as OME-Zarr is"),
        ([("../A/1", 0, 0)], "not as OME-Zarr is"),
    ],
)
def test_paths_and_indices_that_do_not_agree(wells, match):
    assert refused(read_plate, plate("AB", "12", *wells), match) == "wrong_layout"


def test_the_images_of_a_well_are_those_it_lists():
    images = [{"path": "1", "acquisition": 3}, {"path": "0"}]
    content = {"version": "0.4", "well": {"images": images, "version": "0.4"}}
    assert read_well(content, "x") == {"1": 3, "0": None}
    images[0]["path"] = "../../1"
    refused(read_well, content, r"images\.0\.path")


@pytest.mark.parametrize("version", ["0.4", "0.5"])
@pytest.mark.parametrize(
    ("unit", "time_unit", "pixel_um", "hours"),
    [
        ("micrometer", "minute", 0.65, 0.5),
        ("nanometer", "second", 0.00065, 30 / 3600),
        ("millimeter", "millisecond", 650, 30 / 3.6e6),
        ("angstrom", "hour", 0.65e-4, 30),
        (None, None, math.nan, math.nan),
        ("inch", "year", math.nan, math.nan),
    ],
)
def test_sizes_are_scale_times_unit_and_unknown_without_one(version, unit, time_unit, pixel_um, hours):
    units = {"y": unit, "x": unit, "t": time_unit}
    image = read_image({"version": version, "multiscales": multiscales("tcyx", version, units=units)}, "x")
    assert image.axes == "tcyx"
    assert image.pixel_sizes_um == pytest.approx((pixel_um, pixel_um), nan_ok=True)
    assert image.hours == pytest.approx((0, hours) if time_unit == "minute" else image.hours, nan_ok=True)
    assert image.hours[1] == pytest.approx(hours, nan_ok=True)


def test_transformations_follow_one_another():
    """Of the level, then of all levels: places p are (2 p + 3) 10 hours, and 0.5 * 4 µm apart."""
    listed = multiscales("tyx", units={"t": "hour", "y": "micrometer", "x": "micrometer"})
    listed[0]["datasets"][0]["coordinateTransformations"] = [
        {"type": "scale", "scale": [2, 0.5, 0.5]},
        {"type": "translation", "translation": [3, 0, 0]},
    ]
    listed[0]["coordinateTransformations"] = [{"type": "scale", "scale": [10, 4, 4]}]
    image = read_image({"version": "0.5", "multiscales": listed}, "x")
    assert image.pixel_sizes_um == (2, 2)
    np.testing.assert_allclose([image.hours[0] + t * image.hours[1] for t in range(3)], [30, 50, 70])


def test_channels_are_labelled_by_omero_whatever_else_is_in_it():
    def labels(omero):
        return read_image({"version": "0.5", "multiscales": multiscales("cyx"), "omero": omero}, "x").labels

    assert labels({"channels": [{"label": "BF", "wavelength_id": "A01_C01"}, {"color": "FF"}]}) == ["BF", ""]
    for odd in (None, [], "BF", {"channels": None}, {"channels": "BF"}):
        assert labels(odd) == []
    assert labels({"channels": ["BF", {"label": 3}]}) == ["", ""]


@pytest.mark.parametrize(
    ("scale", "match"),
    [
        ({"y": math.nan}, "pixels of nan along y"),
        ({"x": 0.0}, "pixels of 0"),
        ({"x": math.inf}, "pixels of inf"),
    ],
)
def test_pixels_of_no_size(scale, match):
    listed = multiscales("yx", scale={"y": 1.0, "x": 1.0, **scale})
    assert refused(read_image, {"version": "0.5", "multiscales": listed}, match) == "wrong_layout"


@pytest.mark.parametrize(
    "content",
    [
        {"multiscales": [{"version": "0.1", "datasets": [{"path": "0"}]}]},
        {"multiscales": [{"version": "0.3", "axes": ["y", "x"], "datasets": [{"path": "0"}]}]},
        {"plate": {"version": "0.2", "rows": [], "columns": [], "wells": []}},
        {"ome": {"version": "0.6", "plate": {}}},
        {"ome": {"version": ["0.5"], "plate": {}}},
    ],
)
def test_other_versions_are_named(content):
    assert refused(ome_content, content, r"version .*; read are 0\.4 and 0\.5") == "wrong_layout"


@pytest.mark.parametrize(
    ("content", "match"),
    [
        (
            {"multiscales": [{"axes": ["y", "x"], "datasets": [{"path": "0"}]}]},
            "multiscales: not as OME-Zarr",
        ),
        ({"multiscales": []}, "no image"),
        ({"multiscales": {"axes": 1}}, "no image"),
        ({"multiscales": multiscales("yx") + multiscales("yx", path="s0")}, "several images"),
        ({"multiscales": [1]}, "multiscales: not as OME-Zarr"),
    ],
)
def test_what_is_no_image(content, match):
    refused(read_image, {"version": "0.5", **content}, match)


def test_an_axis_of_space_that_is_none_of_z_y_x():
    listed = multiscales("zyx")
    listed[0]["axes"][0]["name"] = "depth"
    refused(read_image, {"version": "0.5", "multiscales": listed}, "an axis 'depth' of space")


def test_attributes_of_others_say_nothing():
    assert ome_content({}, "x") == {}
    assert ome_content({"labels": ["nuclei"]}, "x") == {}
    assert ome_content({"ome": {"version": "0.5", "labels": ["nuclei"]}}, "x") == {}
    refused(ome_content, {"ome": "0.5"}, "no object")
