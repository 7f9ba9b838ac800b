"""8-bit images of two sizes whose cells were drawn as boxes: labelled, trained on, read and verified."""

import subprocess

import numpy as np
import pandas as pd
import pytest
import tifffile
import yaml
from working_folder import Folder

SIZES = {"A01": (96, 112), "A02": (80, 100), "B01": (96, 112)}
"""(H, W) of the fields of each well, two a well; the second of B01 is empty."""

SIDE_PX = 12
CONFIG = {
    "plates": "config/plates.tsv",
    "weights": "results/training/unet.h5",
    "channels": {"brightfield": "bf"},
    "input_channels": ["brightfield"],
    "file_pattern": "{well}_f{field}_{channel}",
    "gate": {"accept": ["uint8", "sizes"]},
    "classes": [{"name": role, "role": role} for role in ("background", "live", "dead", "boundary")],
    "normalization": {"min_range": 30, "flat_fields": 0, "scope": "field"},
    "segmentation": {"device": "cpu"},
    "labels": {"boxes": {"unlisted": "empty"}},
    "training": {
        "decoder_widths": [16, 12, 8, 8],
        "tiles": {"tile_px": 64, "tiles_per_field": 16, "batch_size": 4, "validation_fraction": 0.3},
        "fit": {"epochs": 8, "frozen_epochs": 0, "learning_rate": 0.005, "encoder_learning_rate": 0.005},
    },
}


def draw(folder):
    """Write bright (live) and dark (dead) discs on grey, and their boxes as a person would draw them."""
    rng = np.random.default_rng(4)
    (folder / "raw").mkdir(parents=True)
    rows = []
    for well, shape in SIZES.items():
        for field in (1, 2):
            image = rng.normal(120, 4, shape)
            corners = [(y, x) for y in range(4, shape[0] - 16, 26) for x in range(4, shape[1] - 16, 30)]
            for number, (top, left) in enumerate([] if (well, field) == ("B01", 2) else corners):
                y, x = np.mgrid[: shape[0], : shape[1]] + 0.5
                disc = np.hypot(y - top - SIDE_PX / 2, x - left - SIDE_PX / 2) <= SIDE_PX / 2
                image[disc] += 60 if number % 3 else -60
                box = top, left, top + SIDE_PX, left + SIDE_PX
                rows.append((f"{well}_f{field}_bf.tif", *box, "live" if number % 3 else "dead"))
            tifffile.imwrite(folder / f"raw/{well}_f{field}_bf.tif", np.clip(image, 0, 255).astype(np.uint8))
    boxes = pd.DataFrame(rows, columns=["image", "y_min", "x_min", "y_max", "x_max", "state"])
    boxes.to_csv(folder / "boxes.csv", index=False)
    return boxes


@pytest.fixture(scope="module")
def done(tmp_path_factory, repository) -> tuple[Folder, pd.DataFrame]:
    path = tmp_path_factory.mktemp("boxes")
    boxes = draw(path)
    (path / "config").mkdir()
    (path / "config/config.yaml").write_text(yaml.safe_dump(CONFIG))
    (path / "config/plates.tsv").write_text(
        "plate\traw\tformat\tpixel_size_um\tbit_depth\tdyed_wells\tboxes\n"
        "p\traw\tpattern\t0.5\t8\tA01,A02,B01\tboxes.csv\n"
    )
    folder = Folder(path, repository)
    run: subprocess.CompletedProcess = folder.snakemake(
        "--configfile", "config/config.yaml", "--", "training", "all", "verify", "normalized", "inventory"
    )
    assert run.returncode == 0, run.stdout + run.stderr
    return folder, boxes


def test_every_box_is_a_labelled_cell(done):
    folder, boxes = done
    page = (folder.path / "results/p/labels_review.html").read_text()
    states = boxes.groupby("image")["state"].value_counts().unstack(fill_value=0)
    for image, n in states.iterrows():
        well, field = image.split("_")[:2]
        assert f"p/{well}/{field[1:]}: {n['live']} live, {n['dead']} dead cells" in page
    assert "p/B01/2: 0 live, 0 dead cells" in page


def test_the_evaluation_counts_the_boxes_of_the_well_that_was_held_out(done):
    folder, boxes = done
    found = pd.read_csv(folder.path / "results/training/wells.csv")
    [well] = found["well"]
    drawn = boxes[boxes["image"].str.startswith(well)]
    assert found["true_total"].tolist() == [len(drawn)]
    assert found["true_dead"].tolist() == [(drawn["state"] == "dead").sum()]
    evaluation = pd.read_csv(folder.path / "results/training/evaluation.csv")
    assert evaluation["n_drawn"].tolist() == [len(drawn)]
    # Bright and dark discs are easy to tell, and the page of a reading without a mistake has no worst field.
    assert evaluation[["detection_f1", "state_of_detected"]].to_numpy().tolist() == [[1.0, 1.0]]
    assert (folder.path / "results/training/evaluation.html").stat().st_size


def test_fields_of_both_sizes_are_counted_each_on_its_area(done):
    folder, boxes = done
    fields = pd.read_csv(folder.path / "results/p/fields.csv")
    n_drawn = boxes["image"].value_counts()
    images = fields["well"] + "_f" + fields["field"].astype(str) + "_bf.tif"
    assert fields["n_total"].tolist() == images.map(n_drawn).fillna(0).tolist()
    assert fields["status"].tolist() == ["ok"] * 6
    areas = [SIZES[well][0] * SIZES[well][1] * 0.5**2 / 1e6 for well in fields["well"]]
    assert fields["area_mm2"].tolist() == pytest.approx(areas, rel=1e-5)
    assert fields[["focus", "median_counts"]].notna().all(axis=None)


def test_what_else_is_made_of_fields_copes_with_both_sizes(done):
    folder, _ = done
    results = folder.path / "results/p"
    assert "4 of 96 x 112 px, 2 of 80 x 100 px" in (results / "inventory.txt").read_text()
    assert (results / "report/fields.png").read_bytes().startswith(b"\x89PNG")
    for well, shape in SIZES.items():
        with tifffile.TiffFile(results / f"normalized/{well}.ome.tiff") as file:
            assert [series.shape for series in file.series] == [shape, shape]
    assert (results / "verified/well.txt").stat().st_size
