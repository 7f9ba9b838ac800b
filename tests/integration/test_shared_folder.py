"""Two plates in one raw folder: neither runs again for the other, and no file is lost or of both."""

import shutil

import pytest
import yaml
from working_folder import TINY, Folder, write_config

from livedead.simulation.plate import simulate_plate

HEADER = "plate\traw\tfiles\tpixel_size_um\tbarcode\n"
FIRST, SECOND = "p1\traw\ts1_*\t0.65\t\n", "p2\traw\ts2_*\t0.65\t\n"


@pytest.fixture
def folder(tmp_path, repository):
    path = tmp_path / "run"
    write_config(path, repository, TINY)
    config = path / "config/config.yaml"
    config.write_text(yaml.safe_dump({**yaml.safe_load(config.read_text()), "simulation": {}}))
    (path / "raw").mkdir()
    for k in (1, 2, 3):
        simulate_plate(tmp_path / f"s{k}", k, dyed_wells=[], n_fields=1, side_px=96, wells=["A01", "B03"])
        for image in (tmp_path / f"s{k}").rglob("*.TIF"):
            shutil.move(image, path / "raw" / image.name.replace("demo", f"s{k}"))
    return Folder(path, repository)


def test_plates_share_a_folder_and_a_new_one_runs_no_other_again(folder):
    sheet = folder.path / "config/plates.tsv"
    sheet.write_text(HEADER + FIRST)
    alone = folder.snakemake("inventory")
    assert alone.returncode == 0, alone.stderr
    assert "images of no plate: s2_A01_s1_w1.TIF, s2_B03_s1_w1.TIF, s3_A01_s1_w1.TIF, s3_B03_s1_w1.TIF" in (
        folder.read("results/unclaimed.txt").decode()
    )
    index = folder.read("results/p1/images.tsv")
    assert b"\ts1_A01" in index and b"s2_" not in index

    # A new row that takes files of the first plate is refused, although that one was indexed before.
    sheet.write_text(HEADER + FIRST + SECOND.replace("s2_*", "s?_A*"))
    refused = folder.snakemake("inventory")
    assert refused.returncode != 0
    assert (
        "plate p2: s1_A01_s1_w1.TIF is of plate p1, too; make 'files' or" in refused.stdout + refused.stderr
    )

    # Nor does a barcode that is not in the names of files run the first plate again.
    sheet.write_text(HEADER + FIRST.replace("0.65\t", "0.65\tBC7") + SECOND)
    assert folder.jobs("results/p1/images.tsv", "results/p2/images.tsv") == {"index_plate": 1}
