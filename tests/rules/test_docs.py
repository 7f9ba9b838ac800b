"""The worked examples of the documentation run."""

import re
import subprocess
import sys

import pandas as pd
import pytest

from livedead import stores
from livedead.plates.plate_maps import MapColumns
from livedead.tables import DOSE_RESPONSE, WELLS
from livedead.wells.analysis import fit_doses


@pytest.mark.parametrize("mark", [".", ","])
def test_the_python_example_draws_a_curve(repository, tmp_path, mark):
    text = (repository / "docs/analysis.md").read_text()
    example = re.search(r"```python\n(.*?)```", text, re.DOTALL)[1]
    wells = pd.DataFrame(
        {
            "plate": "007",
            "row": "A",
            "column": 1,
            "timepoint": 1,
            "status": "ok",
            "n_fields_expected": 1,
            "n_fields_used": 1,
            "n_ambiguous": 0,
            "well": [f"A{k:02d}" for k in range(1, 11)],
            "treatment": ["none"] * 3 + ["drug"] * 7,
            "dose_um": [
                d.replace(".", mark) for d in ["0", "0", "0", "0", "0.1", "0.3", "1", "3", "10", "30"]
            ],
            "control": ["negative"] * 3 + [""] * 7,
            "n_live": [95, 94, 96, 95, 94, 90, 70, 40, 12, 6],
        }
    )
    wells = wells.assign(n_dead=100 - wells["n_live"], n_total=100, viability=wells["n_live"] / 100)
    wells = wells.assign(viability_low=wells["viability"] - 0.03, viability_high=wells["viability"] + 0.03)
    wells = WELLS.rows(wells.to_dict("records"))
    stores.write_table(tmp_path / "results/wells.csv", wells, WELLS)
    stores.write_table(tmp_path / "results/dose_response.csv", fit_doses(wells, MapColumns()), DOSE_RESPONSE)
    (tmp_path / "example.py").write_text(example)
    subprocess.run(
        [sys.executable, "-W", "error", "example.py"],
        cwd=tmp_path,
        check=True,
        env={"MPLBACKEND": "agg", "MPLCONFIGDIR": str(tmp_path)},
    )
    assert (tmp_path / "curves.png").read_bytes().startswith(b"\x89PNG")
