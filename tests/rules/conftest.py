"""The rules of the workflow, as Snakemake reads them."""

import pytest
from snakemake.api import SnakemakeApi
from snakemake.settings.types import ConfigSettings, OutputSettings, Quietness, ResourceSettings


@pytest.fixture(scope="session")
def rules(repository, tmp_path_factory):
    """Every rule that has a script, by name."""
    settings = ConfigSettings(configfiles=[repository / "config/demo/train.yaml"])
    folder = tmp_path_factory.mktemp("rules")
    (folder / "config").symlink_to(repository / "config")
    with SnakemakeApi(OutputSettings(quiet={Quietness.ALL})) as api:
        workflow = api.workflow(
            ResourceSettings(cores=1), settings, snakefile=repository / "workflow/Snakefile", workdir=folder
        )
        return {rule.name: rule for rule in workflow._workflow.rules if rule.script}
