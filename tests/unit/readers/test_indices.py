import pytest

from livedead.errors import ExportError
from livedead.readers.indices import listed_once
from livedead.readers.scan import Plane


def test_indices_of_different_images_add_up():
    planes = [Plane("a.tif", "A01"), Plane("b.tif", "A01", field=2), Plane("c.tif", "A01", channel="2")]
    assert listed_once({"x.nd": planes[:1], "y.nd": planes[1:]}) == planes
    assert listed_once({}) == []


def test_an_image_that_one_index_lists_twice_is_no_sign_of_two_plates():
    planes = [Plane("a.tif", "A01"), Plane("b.tif", "A01")]
    assert listed_once({"x.nd": planes}) == planes


@pytest.mark.parametrize(
    ("indices", "files"),
    [
        (("day 1/x.xdce", "day 2/x.xdce"), "'day 1/**' and 'day 2/**'"),
        (("p1.nd", "p2.nd"), "'p1*' and 'p2*'"),
    ],
)
def test_indices_of_the_same_images_are_of_two_plates_at_any_hour(indices, files):
    planes_of = {index: [Plane(f"{k}.tif", "A01", clock=float(k))] for k, index in enumerate(indices)}
    with pytest.raises(ExportError) as error:
        listed_once(planes_of)
    assert files in str(error.value)
    assert all(index in str(error.value) for index in indices)
