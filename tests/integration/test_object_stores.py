"""A plate in an object store, where nothing reads one; `tests/cloud` reads them."""

import importlib.util

import pytest
from working_folder import TINY, Folder, write_config


@pytest.mark.skipif(
    importlib.util.find_spec("snakemake_storage_plugin_s3") is not None, reason="the plugin is installed"
)
def test_a_missing_plugin_is_told_with_the_line_that_installs_it(repository, tmp_path):
    write_config(tmp_path, repository, TINY)
    sheet = tmp_path / "config/plates.tsv"
    sheet.write_text(sheet.read_text().replace("results/simulated/small/raw", "s3://screens/small"))
    run = Folder(tmp_path, repository).snakemake("--dry-run")
    assert run.returncode == 1
    assert "config/plates.tsv: plate small lies in an object store" in run.stdout
    assert "pip install snakemake-storage-plugin-s3" in run.stdout
