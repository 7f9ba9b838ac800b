"""The rule that writes the page of a plate, and what its corrections need to be accepted."""

import json
import re

import pytest
from assess_plate import assess_plate
from fit_dose_response import fit_dose_response
from gather_wells import gather_wells
from write_page import write_page

from livedead import stores
from livedead.errors import CorrectionError
from livedead.tables import CELLS, SHARD_FIELDS


@pytest.fixture(scope="module")
def page(flow, tmp_path_factory):
    """The page of the plate, and what it holds."""
    folder = tmp_path_factory.mktemp("page")
    files = {"curves": folder / "dose_response.csv", "page": folder / "report.html"}
    files |= {"quality": folder / "quality.csv", "residuals": folder / "residuals.csv"}
    flow.call(assess_plate, **files)
    all_wells = {"wells": folder / "wells.csv", "plate_wells": [flow.folder / "wells.csv"]}
    flow.call(
        gather_wells, plate_fields=[flow.folder / "fields.csv"], platemaps=[flow.folder / "map.tsv"],
        has_map=[True], **{**all_wells, "n_wells": [96]},
    )  # fmt: skip
    flow.call(fit_dose_response, wells=all_wells["wells"], **files)
    shards = [flow.folder / f"{k}-of-2/classes.h5" for k in (1, 2)]
    settings = {"fields_per_well": 2, "side_px": 100, "quality": 60, "pictures": 400}
    flow.call(write_page, class_maps=shards, settings=settings, **files)
    text = files["page"].read_text()
    return json.loads(re.search(r' id="data">(.*?)</script>', text, re.DOTALL)[1])


def test_every_usable_field_is_shown_with_the_cells_that_were_counted(flow, page):
    cells = stores.read_table(flow.folder / "cells.csv.gz", CELLS)
    shown = {(one["well"], one["field"]): one for one in page["pictures"]}
    assert set(shown) == {("A01", 1), ("A01", 2), ("A12", 1), ("B06", 1), ("B06", 2)}, "A12/2 is cut off"
    states_of = cells.sort_values("cell").groupby(["well", "field"])["state"]
    for key, picture in shown.items():
        states = states_of.get_group(key)
        assert picture["states"] == "".join(state[0] for state in states)
        assert len(picture["outlines"]) == len(states)
    assert sum(len(one["states"]) for one in page["pictures"]) == len(cells) > 0
    failed = [row for row in page["fields"]["rows"] if "failed" in row]
    assert len(failed) == 1
    assert "truncated" in failed[0]


def test_corrections_of_the_page_are_those_of_the_counted_cells(flow, page, tmp_path):
    """The hash on the page is the one that counting asks for; another is refused."""
    picture = next(one for one in page["pictures"] if one["well"] == "A01" and len(one["states"]) > 1)
    changed = "dead" if picture["states"][0] == "l" else "live"
    actions = [{"action": "state", "cell": 1, "state": changed}, {"action": "delete", "cell": 2}]
    field = {name: picture[name] for name in ("well", "field", "timepoint", "cells_sha256")}
    record = {"livedead": "corrections", "version": 1, "plate": "p", "reviewer": "", "fields": []}
    file = tmp_path / page["corrections_file"]
    assert file.name == "p-corrections.json"

    def count(**given):
        (tmp_path / "1-of-2").mkdir(exist_ok=True)
        file.write_text(
            json.dumps({**record, "fields": [{**field, "usable": True, "actions": actions, **given}]})
        )
        flow.count_shard(
            tmp_path / "1-of-2", class_maps=flow.folder / "1-of-2/classes.h5", corrections=[file]
        )
        fields = stores.read_table(tmp_path / "1-of-2/fields.csv", SHARD_FIELDS)
        return fields.set_index(["well", "field"]).loc[("A01", picture["field"])]

    corrected = count()
    assert corrected["n_total"] == len(picture["states"]) - 1
    assert corrected["n_by_hand"] == 2
    with pytest.raises(CorrectionError, match="other cells than were counted"):
        count(cells_sha256="0" * 64)
