import pytest
import torch

from livedead.errors import ConfigError
from livedead.network.devices import choose_device, full_float32


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has a GPU")
def test_a_gpu_that_is_not_there_is_said():
    with pytest.raises(ConfigError, match="device: cuda, but PyTorch"):
        choose_device("cuda")
    with pytest.raises(ConfigError, match="this job was given GPU 0, but PyTorch"):
        choose_device("auto", given_gpus="0")
    assert choose_device("auto").type == "cpu"
    assert choose_device("cpu", given_gpus="0").type == "cpu"


def test_what_makes_numbers_depend_on_the_driver_is_turned_off():
    torch.backends.cudnn.allow_tf32 = True
    torch.backends.cuda.matmul.allow_tf32 = True
    torch.backends.cudnn.benchmark = True
    torch.backends.cudnn.deterministic = False
    full_float32()
    assert not torch.backends.cudnn.allow_tf32
    assert not torch.backends.cuda.matmul.allow_tf32
    assert not torch.backends.cudnn.benchmark
    assert torch.backends.cudnn.deterministic
