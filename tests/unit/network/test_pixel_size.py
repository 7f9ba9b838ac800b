import pytest

from livedead.errors import ConfigError
from livedead.network.pixel_size import common_pixel_size, scale_to


def test_the_scale_is_that_of_the_pixel_sizes():
    assert scale_to(0.65, 0.325) == 0.5
    assert scale_to(0.65, 1.3) == 2
    assert scale_to(0.5, 0.6) == pytest.approx(1.2)


@pytest.mark.parametrize("plate_um", [0.65, 0.62, 0.68])
def test_nothing_is_resampled_where_pixels_are_alike_or_the_networks_are_unknown(plate_um):
    assert scale_to(0.65, plate_um) == 1
    assert scale_to(None, 4 * plate_um) == 1


@pytest.mark.parametrize("plate_um", [0.2, 0.32, 1.31, 6.5])
def test_a_pixel_size_out_of_range_is_refused(plate_um):
    with pytest.raises(ConfigError, match=rf"{plate_um:g} um .* 0.65 um; allowed: 0.325 to 1.3 um"):
        scale_to(0.65, plate_um)


def test_a_network_is_trained_on_plates_of_one_pixel_size():
    plates = [{"plate": "p1", "pixel_size_um": 0.65}, {"plate": "p2", "pixel_size_um": 0.67}]
    assert common_pixel_size(plates) == 0.65
    assert common_pixel_size(plates, 0.66) == 0.66
    plates.append({"plate": "p3", "pixel_size_um": 0.325})
    with pytest.raises(
        ConfigError, match=r"by more than 5%: 0.65 um, but p3 0.325 um; allowed: plates of one"
    ):
        common_pixel_size(plates)
    with pytest.raises(ConfigError, match=r"1.3 um, but p1 0.65 um, p2 0.67 um, p3 0.325 um"):
        common_pixel_size(plates, 1.3)
