"""Planning opens as many files for many plates as for few, and a job none of another plate."""

from pathlib import Path

import pytest
from working_folder import Folder, write_plates

AS_ON_A_NODE = [
    *("--target-jobs", "segment_fields:plate=p000,scatteritem=1-of-1", "--allowed-rules", "segment_fields"),
    *("--force", "--nolock", "--ignore-incomplete", "--mode", "remote"),
]
"""How an executor starts a job on a node."""


def opened(path, repository, n_plates, *arguments):
    """What a dry run opens in its working folder, of plates with three images each."""
    write_plates(path, repository, n_plates)
    for raw in (path / "raw").iterdir():
        for name in ("x_A01_s1_w1.TIF", "x_A02_s1_w1.TIF", "x_A03_s1_w1.TIF"):
            (raw / name).touch()
    for name in ("p000/images.tsv", "p000/normalization.h5", "weights/unet.safetensors"):
        (path / "results" / name).parent.mkdir(parents=True, exist_ok=True)
        (path / "results" / name).touch()
    processes = Folder(path, repository).recorded("--dry-run", *arguments)
    found = {Path(name) for process in processes for name in process["opened"]}
    return {str(name.relative_to(path)) for name in found}


@pytest.mark.parametrize("arguments", [[], AS_ON_A_NODE], ids=["plan", "job"])
def test_no_plate_is_opened_and_many_cost_as_few(repository, tmp_path, arguments):
    few = opened(tmp_path / "few", repository, 2, *arguments)
    many = opened(tmp_path / "many", repository, 12, *arguments)
    assert {"config/config.yaml", "config/plates.tsv"} <= few
    # The plan reads the maps, so that their mistakes are told; a job believes it.
    assert ("config/map.tsv" in few) == (arguments == [])
    for name in few | many:
        assert not name.startswith(("raw/p", "results/p001", "results/p011")), name
    assert few == many
