"""One experiment, exported by every kind of software, must give one table."""

import numpy as np
import pandas as pd
import pytest
import yaml
from exports import (
    acquifer,
    cellomics,
    cellvoyager,
    cq1,
    cytation,
    evos,
    fractal,
    hdf5,
    imagexpress,
    incell,
    incucyte,
    metamorph,
    nd2,
    ome,
    operetta,
    scanr,
)
from exports.counting import COUNTS, counted
from exports.experiment import FIELDS, OVERLAP_PX, PIXEL_UM, SIDE_PX
from working_folder import Folder

from livedead import stores

WRITERS = [
    acquifer,
    cellomics,
    cellvoyager,
    cq1,
    cytation,
    evos,
    fractal,
    hdf5,
    imagexpress,
    incell,
    incucyte,
    metamorph,
    nd2,
    ome,
    operetta,
    scanr,
]


def write_folder(path, repository, writer, images, plates, **changes):
    """A folder with plates of `images`, as the `writer` exports them; `plates` are rows of plates.tsv."""
    config = yaml.safe_load((repository / "config/demo/config.yaml").read_text())
    config |= {"plates": "config/plates.tsv", "weights": str(repository / "config/demo/unet.h5")}
    config |= {"channels": {"brightfield": "C01"}, **changes}
    del config["simulation"]
    (path / "config").mkdir(parents=True)
    (path / "config/config.yaml").write_text(yaml.safe_dump(config))
    table = pd.DataFrame(plates).assign(raw=lambda t: "data/" + t["plate"], wells=96, pixel_size_um=PIXEL_UM)
    table.to_csv(path / "config/plates.tsv", sep="\t", index=False)
    for name, of_plate in images.items():
        (path / "data" / name).mkdir(parents=True)
        writer(path / "data" / name, of_plate)
    return Folder(path, repository)


@pytest.mark.parametrize("writer", WRITERS, ids=lambda writer: writer.__name__.rpartition(".")[2])
def test_one_experiment_gives_one_table_in_every_format(tmp_path, unet, experiment, first, writer):
    table = counted(tmp_path, unet, writer, experiment[0])
    pd.testing.assert_frame_equal(table[COUNTS], first[COUNTS])
    assert (table["n_fields_used"] == len(FIELDS)).all()


@pytest.fixture(scope="module")
def configured(tmp_path_factory, repository, experiment):
    """A run with an overlap, a glare and a range for each well, and a plate of half the light."""
    images = dict(experiment[0])
    overexposed = images["B02", 2].copy()
    y, x = np.indices(overexposed.shape)
    overexposed[np.hypot(y - 100, x - 100) < 80] = 65535  # a glare; whole rows would be lost data
    images["B02", 2] = overexposed
    folder = write_folder(
        tmp_path_factory.mktemp("configured"),
        repository,
        operetta.write,
        {"bright": images, "dim": {key: image // 2 for key, image in experiment[0].items()}},
        [
            {"plate": "bright", "format": "operetta", "control_plate": ""},
            {"plate": "dim", "format": "auto", "control_plate": "bright"},
        ],
        overlap="crop",
        normalization={"scope": "well"},
        qc={"exclude_flags": ["saturated"]},
        max_failed_fraction=0.3,
    )
    run = folder.snakemake("results/bright/wells.csv", "results/dim/normalization.h5")
    assert run.returncode == 0, run.stderr
    return folder.path / "results"


def test_overlap_is_cropped_flags_exclude_and_wells_have_their_own_range(configured):
    wells = pd.read_csv(configured / "bright/wells.csv").set_index("well")
    # Half of the overlap is cut on both sides of both fields: each cell is seen once.
    field_mm2 = (SIDE_PX - OVERLAP_PX) * SIDE_PX * PIXEL_UM**2 / 1e6
    assert wells["area_mm2"].to_dict() == pytest.approx({"A01": 2 * field_mm2, "B02": field_mm2}, rel=1e-5)
    assert wells["status"].to_dict() == {"A01": "ok", "B02": "partial"}
    fields = pd.read_csv(configured / "bright/fields.csv")
    excluded = fields[fields["status"] == "failed"]
    assert excluded[["well", "field", "code"]].to_numpy().tolist() == [["B02", 2, "excluded_qc"]]
    assert "saturated" in wells.at["B02", "qc_flags"]
    stored = stores.read_normalization(configured / "bright/normalization.h5")[0]["brightfield"]
    levels = dict(zip(stored["local_wells"], map(tuple, stored["local_levels"]), strict=True))
    assert set(levels) == {b"A01", b"B02"}
    assert levels[b"A01"] != levels[b"B02"]


def test_a_control_plate_lends_its_normalization(configured):
    own, lent = (
        stores.read_normalization(configured / f"{name}/normalization.h5")[0]["brightfield"]
        for name in ("bright", "dim")
    )
    assert (lent["black"], lent["white"]) == (own["black"], own["white"])
    np.testing.assert_array_equal(lent["gain"], own["gain"])
    assert np.median(np.repeat(np.arange(65536), lent["histogram"])) < 0.6 * own["white"]


def test_braces_in_a_pattern_and_mistakes_in_maps_before_anything_is_computed(
    tmp_path, repository, experiment
):
    folder = write_folder(
        tmp_path,
        repository,
        imagexpress.write,
        {"a": experiment[0], "b": experiment[0]},
        [{"plate": name, "format": "pattern", "platemap": f"config/{name}.csv"} for name in "ab"],
        channels={"brightfield": "w1"},
        file_pattern="p_{well}_s{field}_{channel}.TIF",
    )
    for name, well in (("a", "I9"), ("b", "A 1")):
        (tmp_path / f"config/{name}.csv").write_text(f"well,drug\n{well},x\n")
    run = folder.snakemake("inventory")
    assert run.returncode != 0
    assert "config/a.csv: line 2, column 'well': well 'I9' is not on a 96-well plate" in run.stderr
    assert "config/b.csv: line 2, column 'well': 'A 1' is not a well name" in run.stderr
    assert not (tmp_path / "results").exists()
    for name in "ab":
        (tmp_path / f"config/{name}.csv").write_text("well,drug\nA1,x\n")
    run = folder.snakemake("inventory")
    assert run.returncode == 0, run.stderr
    assert run.stdout.count("imaged, not mapped: B02") == 2
