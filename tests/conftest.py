"""What several kinds of tests need: places, small plates, small networks."""

from pathlib import Path

import pytest
import torch

from livedead.network.unet import Architecture, UNet

REPOSITORY = Path(__file__).resolve().parents[1]
SHARED = REPOSITORY.parent / "shared" / "data"

CLASSES = [
    {"name": "background", "role": "background"},
    {"name": "cell", "role": "context"},
    {"name": "outline", "role": "boundary"},
    {"name": "live nucleus", "role": "live"},
    {"name": "dead nucleus", "role": "dead"},
]


def pytest_ignore_collect(collection_path: Path) -> bool | None:
    """Examples are looked for in the library, not in what tests import, record or start."""
    is_other = collection_path.suffix == ".py" and not collection_path.name.startswith("test_")
    return True if is_other else None


@pytest.fixture(scope="session")
def repository() -> Path:
    return REPOSITORY


@pytest.fixture(scope="session")
def shared() -> Path:
    """Real data that is not part of the repository."""
    if not SHARED.is_dir():
        pytest.skip("needs the real data sets in ../shared/data, which are not in the repository")
    return SHARED


@pytest.fixture
def write(tmp_path):
    """Writes a text into a new folder, byte for byte, and gives its path."""

    def to_file(name: str, text: str, encoding: str = "utf-8") -> Path:
        (tmp_path / name).write_bytes(text.encode(encoding))
        return tmp_path / name

    return to_file


def randomized(architecture: Architecture, seed: int = 0) -> UNet:
    """A network with random weights and random BatchNorm statistics, in evaluation mode."""
    torch.manual_seed(seed)
    network = UNet(architecture)
    generator = torch.Generator().manual_seed(seed)
    for module in network.modules():
        if isinstance(module, torch.nn.Conv2d | torch.nn.ConvTranspose2d):
            # He's scale keeps signals alive through all layers, so that errors show.
            torch.nn.init.kaiming_normal_(module.weight, generator=generator)
        if isinstance(module, torch.nn.BatchNorm2d):
            module.weight.data.uniform_(0.5, 1.5, generator=generator)
            module.bias.data.normal_(0, 0.3, generator=generator)
            module.running_mean.normal_(0, 0.3, generator=generator)
            module.running_var.uniform_(0.5, 2.0, generator=generator)
    return network.eval()


@pytest.fixture(scope="session")
def small_architecture() -> Architecture:
    return Architecture(n_classes=5, alpha=0.35, decoder_widths=(16, 12, 8, 8))


@pytest.fixture(scope="session")
def small_network(small_architecture: Architecture) -> UNet:
    return randomized(small_architecture)
