import pytest
import torch

from livedead.errors import ConfigError
from livedead.network.plan import Plan, bytes_per_pixel, choose_pass
from livedead.network.resampling import OwnGrid, grid_of
from livedead.network.unet import Architecture
from livedead.network.windows import HALO_PX


def test_the_plan_chooses_a_pass_by_memory():
    architecture = Architecture(n_classes=5)
    assert bytes_per_pixel(architecture) == pytest.approx(400, rel=0.1)
    assert bytes_per_pixel(architecture, banded=True) == pytest.approx(198, rel=0.1)
    field, large = OwnGrid((2048, 2048)), OwnGrid((20_000, 20_000))
    assert choose_pass(architecture, field, Plan(memory_mb=4000))[0] == "whole"
    assert choose_pass(architecture, field, Plan(memory_mb=2500))[0] == "banded"
    name, core = choose_pass(architecture, large, Plan(memory_mb=4000))
    assert name == "tiled"
    assert core % 32 == 0
    # Raw counts of 2 bytes and a class map of 1 leave 2.8 GB to the rest, activations of a window.
    assert (core + 2 * HALO_PX) ** 2 * bytes_per_pixel(architecture) <= 2.8e9
    assert choose_pass(architecture, OwnGrid((8, 8)), Plan(tile_px=64)) == ("tiled", 64)
    with pytest.raises(ConfigError, match="memory_mb"):
        choose_pass(architecture, large, Plan(memory_mb=1800))


def test_the_plan_knows_how_large_a_field_becomes():
    """At half the pixel size the network reads a quarter of the pixels, at twice the size four times."""
    architecture, plan = Architecture(n_classes=5), Plan(memory_mb=4000)
    passes = {
        scale: choose_pass(architecture, grid_of((2048, 2048), scale, torch.device("cpu")), plan)[0]
        for scale in (0.5, 1.0, 1.4, 2.0)
    }
    # 420 or 210 bytes for each of 1.0, 4.2, 8.2 and 16.8 million pixels.
    assert passes == {0.5: "whole", 1.0: "whole", 1.4: "banded", 2.0: "tiled"}


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
