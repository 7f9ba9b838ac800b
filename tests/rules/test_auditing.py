"""The audited cells of a plate, against the simulation's truth."""

import numpy as np
import pandas as pd
import pytest
from audit_cells import audit_cells

from livedead import stores
from livedead.errors import LivedeadError
from livedead.tables import AUDIT_CELLS, CELLS, FIELDS, IMAGES

SIDE_PX = 160
COUNTING = {"min_area_um2": 5, "max_area_um2": 1e5, "ambiguous_margin": 0.0, "split_depth_um": None}
TABLES = {"fields": FIELDS, "cells": CELLS, "images": IMAGES}


@pytest.fixture(scope="module")
def fitted(flow, tmp_path_factory):
    folder = tmp_path_factory.mktemp("fitted")
    flow.fit_dyes(folder)
    return folder / "dyes.h5"


@pytest.fixture
def audited(flow, fitted, tmp_path):
    """Audits wells of the plate, some of whose tables may be other ones."""

    def audit(wells=("A01", "A12", "B06"), **tables):
        files = {}
        for name, table in tables.items():
            files[name] = tmp_path / {"images": "images.tsv"}.get(name, f"{name}.csv")
            stores.write_table(files[name], table, TABLES[name])
        given = {"dyes": fitted, "audit_wells": list(wells), "counting": COUNTING}
        flow.call(audit_cells, **given, **files, audit=tmp_path / "audit_cells.csv")
        return stores.read_table(tmp_path / "audit_cells.csv", AUDIT_CELLS)

    return audit


def test_the_dyes_show_the_true_cells_in_the_fields_that_the_network_could_read(flow, audited):
    table = audited()
    truth = pd.read_csv(flow.folder / "truth_cells.csv")
    key = ["well", "field"]
    # The brightfield of A12 field 2 is cut off.
    places = set(table[key].itertuples(index=False, name=None))
    assert places == {(well, field) for well in ("A01", "A12", "B06") for field in (1, 2)} - {("A12", 2)}
    # Well inside, where no margin of the audit decides.
    inside = truth[["y_px", "x_px"]].apply(lambda at: at.between(25, SIDE_PX - 25)).all(axis=1)
    true = truth[inside].merge(pd.DataFrame(places, columns=key))
    shown = true.merge(table[table["dyed"] != "none"], on=key, suffixes=("_true", ""))
    apart = np.hypot(shown["dyed_y_px"] - shown["y_px_true"], shown["dyed_x_px"] - shown["x_px_true"])
    found = shown[(apart < 3) & (shown["state"] == shown["dyed"])]
    assert len(true) >= 8
    assert len(found) >= len(true) - 1


def test_the_network_s_cells_are_those_of_its_table_each_of_them_once(flow, audited):
    read = audited().query("read != 'none'").rename(columns={"read": "state"})
    place = ["well", "field", "state", "y_px", "x_px"]
    assert len(read) > 5
    assert not read.duplicated(place).any()
    assert len(read.merge(stores.read_table(flow.folder / "cells.csv.gz", CELLS), on=place)) == len(read)


def test_wells_that_are_not_audited_and_wells_without_dyes_take_no_part(flow, audited):
    assert set(audited(["B06"])["well"]) == {"B06"}
    images = stores.read_table(flow.folder / "images.tsv", IMAGES)
    undyed = images[~((images["well"] == "B06") & (images["channel"] == "draq7"))]
    assert set(audited(images=undyed)["well"]) == {"A01", "A12"}
    assert audited(["B06"], images=undyed).empty


def test_fields_that_were_corrected_by_hand_take_no_part(flow, audited, caplog):
    fields = stores.read_table(flow.folder / "fields.csv", FIELDS)
    fields.loc[(fields["well"] == "B06") & (fields["field"] == 2), "n_by_hand"] = 1
    table = audited(fields=fields)
    assert set(table.loc[table["well"] == "B06", "field"]) == {1}
    assert set(table.loc[table["well"] == "A01", "field"]) == {1, 2}
    assert "B06 field 2 timepoint 1 takes no part: its cells were corrected by hand" in caplog.text


def test_dyes_of_another_size_than_the_network_read_are_refused(flow, audited):
    fields = stores.read_table(flow.folder / "fields.csv", FIELDS)
    with pytest.raises(
        LivedeadError, match=r"plate p well A01 field 1: the dyes show .* same camera and binning"
    ):
        audited(fields=fields.assign(area_mm2=4 * fields["area_mm2"]))
