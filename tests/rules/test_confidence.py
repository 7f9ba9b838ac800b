"""A plate counted with a network whose calibration is known: what that adds, and what it leaves alone."""

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit
from skimage.measure import label, regionprops_table
from tabulate_wells import tabulate_wells

from livedead import stores
from livedead.tables import CELLS, EXPECTED, FIELDS, WELLS

CALIBRATION = {"slope": 0.5, "offset": 0.3, "n_live": 40, "n_dead": 30}
ADDED = [*EXPECTED, "viability_expected"]


@pytest.fixture(scope="module")
def calibrated(flow, tmp_path_factory):
    """The folder of a plate's tables, made with a certificate that has a calibration."""
    folder = tmp_path_factory.mktemp("calibrated")
    model = stores.read_json(flow.folder / "unet.certificate.json")
    stores.write_json(folder / "model.json", {**model, "experience": {"calibration": CALIBRATION}})
    for shard in ("1-of-2", "2-of-2"):
        maps = flow.folder / shard / "classes.h5"
        flow.count_shard(folder / shard, class_maps=maps, model=folder / "model.json")
    flow.gather(folder / "1-of-2", folder / "2-of-2", **tables(folder))
    flow.call(tabulate_wells, **tables(folder))
    return folder


def tables(folder):
    files = {"fields": "fields.csv", "cells": "cells.csv.gz", "wells": "wells.csv"}
    return {name: folder / file for name, file in files.items()}


def read(folder, *names):
    kinds = {"fields": FIELDS, "cells": CELLS, "wells": WELLS}
    return [stores.read_table(tables(folder)[name], kinds[name]) for name in names]


def test_all_other_numbers_are_the_same(flow, calibrated):
    names = ("fields", "cells", "wells")
    for without, table in zip(read(flow.folder, *names), read(calibrated, *names), strict=True):
        added = [name for name in ("confidence", *ADDED) if name in table]
        assert without[added].isna().all(axis=None)
        gone = [*added, "row_sha256"]
        kept = [name for name in table if name not in gone]
        pd.testing.assert_frame_equal(table[kept], without[kept], check_exact=True)


def test_confidence_is_the_sigmoid_of_the_mean_log_odds_of_a_cell(flow, calibrated):
    _, cells = read(calibrated, "fields", "cells")
    [arrays] = [
        arrays
        for row, arrays in stores.read_segmentations(flow.folder / "1-of-2/classes.h5")
        if (row["well"], row["field"]) == ("A01", 1)
    ]
    nuclei = np.isin(arrays["maps"], [3, 4])
    log_odds = np.zeros(nuclei.shape)
    log_odds[nuclei] = arrays["log_odds"] / 8
    found = regionprops_table(label(nuclei, connectivity=2), log_odds, ("centroid", "mean_intensity"))
    theirs = {
        (round(y, 4), round(x, 4)): expit(0.5 * mean + 0.3)
        for y, x, mean in zip(*found.values(), strict=True)
    }
    ours = cells[(cells["well"] == "A01") & (cells["field"] == 1) & (cells["state"] != "ambiguous")]
    assert len(ours) > 0
    for cell in ours.itertuples():
        p_live = theirs[round(cell.y_px, 4), round(cell.x_px, 4)]
        expected = p_live if cell.state == "live" else 1 - p_live
        assert cell.confidence == pytest.approx(expected, abs=6e-5)


def test_expected_counts_add_up(calibrated):
    fields, cells, wells = read(calibrated, "fields", "cells", "wells")
    p_live = cells["confidence"].where(cells["state"] == "live", 1 - cells["confidence"])
    key = ["well", "field"]
    sums = p_live.groupby([cells[name] for name in key]).sum()
    used = fields[fields["status"] == "ok"].set_index(key)
    np.testing.assert_allclose(used["n_live_expected"], sums.reindex(used.index).fillna(0), atol=0.011)
    np.testing.assert_allclose(used[EXPECTED].sum(axis=1), used["n_live"] + used["n_dead"], atol=0.011)
    assert fields.loc[fields["status"] != "ok", ADDED].isna().all(axis=None)
    wells = wells.set_index("well")
    of_wells = used.groupby("well")[EXPECTED].sum()
    np.testing.assert_allclose(wells.loc[of_wells.index, EXPECTED], of_wells, rtol=1e-5)
    viability = of_wells["n_live_expected"] / of_wells.sum(axis=1)
    np.testing.assert_allclose(wells.loc[of_wells.index, "viability_expected"], viability, rtol=1e-5)
    # C01 of the map was not imaged.
    assert wells.loc["C01", ADDED].isna().all()


def test_rows_with_expected_counts_are_verified(flow, calibrated, tmp_path):
    given = {**tables(calibrated), "model": calibrated / "model.json", "sample": 96}
    report = flow.verify(tmp_path, **given)
    assert [line.split()[1] for line in report.splitlines()] == ["A01", "A12", "B06"]
