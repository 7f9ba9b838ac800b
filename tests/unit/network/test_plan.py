import pytest

from livedead.errors import ConfigError
from livedead.network.plan import Plan, bytes_per_pixel, choose_pass
from livedead.network.unet import Architecture
from livedead.network.windows import HALO_PX


def test_the_plan_chooses_a_pass_by_memory():
    architecture = Architecture(n_classes=5)
    assert bytes_per_pixel(architecture) == pytest.approx(400, rel=0.1)
    assert bytes_per_pixel(architecture, banded=True) == pytest.approx(198, rel=0.1)
    size = 2048**2
    assert choose_pass(architecture, size, Plan(memory_mb=4000))[0] == "whole"
    assert choose_pass(architecture, size, Plan(memory_mb=2500))[0] == "banded"
    name, core = choose_pass(architecture, 20_000**2, Plan(memory_mb=4000))
    assert name == "tiled"
    assert core % 32 == 0
    # Raw counts of 2 bytes and a class map of 1 leave 2.8 GB to the rest, activations of a window.
    assert (core + 2 * HALO_PX) ** 2 * bytes_per_pixel(architecture) <= 2.8e9
    assert choose_pass(architecture, 64, Plan(tile_px=64)) == ("tiled", 64)
    with pytest.raises(ConfigError, match="memory_mb"):
        choose_pass(architecture, 20_000**2, Plan(memory_mb=1800))


def test_what_a_plan_refuses():
    with pytest.raises(ConfigError, match="multiples of 32"):
        Plan(tile_px=100)
    with pytest.raises(ConfigError, match="device"):
        Plan(device="tpu")
    with pytest.raises(ConfigError, match="precision"):
        Plan(precision="fp16")


def test_the_plan_of_the_configuration():
    segmentation = {"device": "cpu", "precision": "bfloat16", "threads": 3, "seam": {"checks": 2}}
    assert Plan.from_config(segmentation) == Plan("cpu", "bfloat16", threads=3)
