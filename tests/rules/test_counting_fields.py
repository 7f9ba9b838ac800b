"""From class maps to the fields and cells of a plate."""

import hashlib

import pytest
import tifffile
from tabulate_wells import tabulate_wells

from livedead import stores
from livedead.errors import LivedeadError
from livedead.tables import CELLS, FIELDS, SHARD_FIELDS, WELLS


def of_plate(flow):
    fields = stores.read_table(flow.folder / "fields.csv", FIELDS)
    return fields, stores.read_table(flow.folder / "cells.csv.gz", CELLS)


def test_counts_add_up(flow):
    fields, cells = of_plate(flow)
    assert len(fields) == 6
    used = fields[fields["status"] == "ok"]
    assert (used["n_live"] + used["n_dead"] + used["n_ambiguous"] == used["n_total"]).all()
    assert used["n_total"].sum() == len(cells) > 0
    assert fields.loc[fields["status"] == "failed", "n_total"].isna().all()
    assert fields["focus"].notna().sum() == 5


def test_fields_name_the_pixels_they_were_made_of(flow):
    fields = of_plate(flow)[0].set_index(["well", "field"])
    raw = tifffile.imread(next((flow.folder / "raw").rglob("demo_B06_s1_w1.TIF")))
    assert fields.at[("B06", 1), "pixels_sha256"] == hashlib.sha256(raw.tobytes()).hexdigest()
    assert fields.at[("A12", 2), "pixels_sha256"] == ""


def test_mean_intensities_are_those_of_the_channels_a_well_has(flow):
    _, cells = of_plate(flow)
    assert cells["mean_brightfield"].notna().all()
    assert cells["mean_draq7"].notna().all()
    raw = tifffile.imread(flow.folder / "raw/TimePoint_1/demo_A01_s1_w1.TIF")
    assert raw.min() <= cells["mean_brightfield"].min()


def files(folder):
    """Where the tables of the plate go, if a test makes them anew."""
    return {"fields": folder / "all.csv", "cells": folder / "all.csv.gz", "wells": folder / "wells.csv"}


def test_a_shard_without_cells(flow, tmp_path):
    shard = tmp_path / "2-of-2"
    counting = {**flow.settings["counting"], "min_area_um2": 1e5}
    flow.count_shard(shard, class_maps=flow.folder / "2-of-2/classes.h5", counting=counting)
    flow.gather(flow.folder / "1-of-2", shard, **files(tmp_path))
    cells = stores.read_table(tmp_path / "all.csv.gz", CELLS)
    assert set(cells["well"]) == {"A01"}
    assert list(cells) == list(of_plate(flow)[1])
    fields = stores.read_table(tmp_path / "all.csv", FIELDS).set_index(["well", "field"])
    assert fields.at[("B06", 1), "n_total"] == 0
    assert fields["n_total"].isna().to_dict() == {key: key == ("A12", 2) for key in fields.index}


def test_the_same_pixels_in_two_wells_are_marked_from_fields_to_wells(flow, tmp_path):
    shard, other = tmp_path / "1-of-2", flow.folder / "2-of-2"
    fields = stores.read_table(flow.folder / "1-of-2/fields.csv", SHARD_FIELDS)
    hashes = stores.read_table(other / "fields.csv", SHARD_FIELDS).set_index(["well", "field"])
    fields.loc[0, "pixels_sha256"] = hashes.at[("B06", 2), "pixels_sha256"]
    stores.write_table(shard / "fields.csv", fields, SHARD_FIELDS)
    cells = [flow.folder / "1-of-2/cells.csv.gz", other / "cells.csv.gz"]
    flow.gather(shard, other, shard_cells=cells, **files(tmp_path))
    found = stores.read_table(tmp_path / "all.csv", FIELDS).set_index(["well", "field"])
    assert found["duplicate_of"].to_dict() == {
        ("A01", 1): "B06 field 2 timepoint 1",
        ("A01", 2): "",
        ("B06", 1): "",
        ("B06", 2): "A01 field 1 timepoint 1",
        ("A12", 1): "",
        ("A12", 2): "",
    }
    flow.call(tabulate_wells, platemap=None, **files(tmp_path))
    wells = stores.read_table(tmp_path / "wells.csv", WELLS).set_index("well")
    carried = wells["qc_flags"].str.contains("duplicate_image")
    assert carried.to_dict() == {"A01": True, "A12": False, "B06": True}


def test_cells_that_vanish_between_two_tables_are_an_error(flow, tmp_path):
    cells = stores.read_table(flow.folder / "1-of-2/cells.csv.gz", CELLS)
    stores.write_table(tmp_path / "cells.csv.gz", cells[1:], CELLS)
    shards = flow.folder / "1-of-2", flow.folder / "2-of-2"
    with pytest.raises(LivedeadError, match="do not agree in 1 place"):
        flow.gather(
            *shards, shard_cells=[tmp_path / "cells.csv.gz", shards[1] / "cells.csv.gz"], **files(tmp_path)
        )
    assert not (tmp_path / "all.csv").exists()


def test_fields_that_normalization_does_not_know_are_an_error(flow, tmp_path):
    channels, quality = stores.read_normalization(flow.folder / "normalization.h5")
    stores.write_normalization(tmp_path / "normalization.h5", channels, quality[1:])
    shards = flow.folder / "1-of-2", flow.folder / "2-of-2"
    with pytest.raises(LivedeadError, match=r"normalization.h5 do not list the same fields: 1 in one only"):
        flow.gather(*shards, normalization=tmp_path / "normalization.h5", **files(tmp_path))
    assert not (tmp_path / "all.csv").exists()
