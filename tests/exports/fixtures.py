"""The experiment, its network and its table in the first format, which those of others must equal."""

import pytest
from chain import Plate
from convert_weights import convert_weights
from exports import imagexpress
from exports.counting import counted
from exports.experiment import WELLS, simulate


@pytest.fixture(scope="session")
def experiment():
    return simulate()


@pytest.fixture(scope="session")
def unet(tmp_path_factory, repository):
    """The demo's network, by the names that rules have for its files."""
    plate = Plate(tmp_path_factory.mktemp("weights"))
    plate.call(convert_weights, source=repository / "config/demo/unet.h5")
    return {"unet": plate.folder / "unet.safetensors", "model": plate.folder / "unet.certificate.json"}


@pytest.fixture(scope="session")
def first(tmp_path_factory, unet, experiment):
    """The table of the first format, whose counts agree with the truth."""
    images, truth = experiment
    table = counted(tmp_path_factory.mktemp("first"), unet, imagexpress, images)
    for well, n_cells in truth.items():
        assert table.at[well, "n_total"] == pytest.approx(n_cells, rel=0.15)
        assert table.at[well, "viability"] == pytest.approx(WELLS[well], abs=0.15)
    return table
