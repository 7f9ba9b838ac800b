"""Dyed plates with something amiss, from raw images to the well table: clear, isolated, nothing lost."""

import numpy as np
import pytest
import tifffile
from assess_plate import assess_plate
from chain import DYES, Plate

from livedead import stores
from livedead.plates.plate_maps import MapColumns
from livedead.simulation.plate import simulate_plate
from livedead.simulation.stained import Staining
from livedead.tables import FIELDS, PLATE_QUALITY, WELLS

IMAGED = ["A01", "A02", "A06", "A11", "A12"]
COUNTS = ["n_live", "n_dead", "n_total"]
HOECHST, DRAQ7 = "w2", "w3"


def simulated(folder, channels, imaged=None, **staining):
    """A dyed plate in `folder`, a field a well; A01 is untreated and A12 killed."""
    plate = Plate(
        folder,
        imaged=imaged or channels,
        channels=list(channels),
        intensity_channels=[],
        counting={"min_area_um2": 15, "max_area_um2": 1e5, "split_depth_um": None},
        treatment_columns=["drug"],
    )
    (folder / "map.tsv").write_text("well\tdrug\tcontrol\nA01\twater\tnegative\nA12\tsoap\tpositive\n")
    stain = Staining(channels=tuple(channels), **staining)
    size = {"n_fields": 1, "side_px": 224}
    simulate_plate(folder / "raw", 5, dyed_wells=IMAGED, wells=IMAGED, staining=stain, **size)
    return plate


def read(plate, folder, **dyes):
    """Fields and wells of a plate, read by `dyes` into `folder`."""
    plate.prepare()
    settings = {**DYES, "total": None, "dead": None, **dyes}
    folder.mkdir()
    plate.fit_dyes(folder, settings, controls={"negative": ["A01"], "positive": ["A12"]})
    plate.read_dyes(folder)
    fields = stores.read_table(folder / "fields.csv", FIELDS).set_index("well")
    return fields, stores.read_table(folder / "wells.csv", WELLS).set_index("well")


def image_of(plate, well, suffix):
    return next((plate.folder / "raw").rglob(f"*_{well}_s1_{suffix}.TIF"))


@pytest.fixture
def plate(tmp_path):
    return simulated(tmp_path, {"hoechst": HOECHST, "draq7": DRAQ7})


def test_bad_fields_fail_alone_with_their_reasons(plate, tmp_path):
    _, before = read(plate, tmp_path / "before", total="hoechst", dead="draq7")
    image_of(plate, "A02", DRAQ7).unlink()
    cut = image_of(plate, "A06", HOECHST)
    cut.write_bytes(cut.read_bytes()[: cut.stat().st_size // 2])
    other = np.random.default_rng(0).normal(300, 15, (100, 224)).astype(np.uint16)
    tifffile.imwrite(image_of(plate, "A11", HOECHST), other)
    fields, after = read(plate, tmp_path / "after", total="hoechst", dead="draq7")
    assert fields["code"].dropna().replace("", None).dropna().to_dict() == {
        "A02": "missing_channel",
        "A06": "truncated",
        "A11": "wrong_shape",
    }
    assert all(fields.loc[["A02", "A06", "A11"], "message"].str.len() > 20)
    assert after["status"].to_dict() == {
        "A01": "ok", "A12": "ok", "A02": "failed", "A06": "failed", "A11": "failed"
    }  # fmt: skip
    assert after.loc[["A02", "A06", "A11"], COUNTS].isna().all(axis=None)
    # Thresholds come of fewer fields: of some 50 cells, at most one is told otherwise.
    assert (before["status"] == "ok").all()
    for well in ("A01", "A12"):
        for name in COUNTS:
            assert after.at[well, name] == pytest.approx(before.at[well, name], abs=1)


def test_an_empty_well_is_empty_and_an_empty_plate_too(plate, tmp_path):
    rng = np.random.default_rng(0)
    for suffix in (HOECHST, DRAQ7):
        empty = rng.normal(350, 15, (224, 224)).astype(np.uint16)
        tifffile.imwrite(image_of(plate, "A06", suffix), empty)
    _, wells = read(plate, tmp_path / "one", total="hoechst", dead="draq7")
    assert wells.at["A06", "status"] == "no_cells"
    assert wells.loc["A06", COUNTS].to_list() == [0, 0, 0] and np.isnan(wells.at["A06", "viability"])
    assert (wells["status"] == "ok").sum() == 4
    for well in IMAGED:
        for suffix in (HOECHST, DRAQ7):
            tifffile.imwrite(image_of(plate, well, suffix), rng.normal(350, 15, (224, 224)).astype(np.uint16))
    _, wells = read(plate, tmp_path / "all", total="hoechst", dead="draq7")
    assert set(wells["status"]) == {"no_cells"}
    assert (wells[COUNTS] == 0).all(axis=None)
    assert wells["viability"].isna().all()


def test_black_and_saturated_wells_harm_no_other(plate, tmp_path):
    _, before = read(plate, tmp_path / "before", total="hoechst", dead="draq7")
    for well, level in (("A02", 0), ("A06", 65535)):
        for suffix in (HOECHST, DRAQ7):
            tifffile.imwrite(image_of(plate, well, suffix), np.full((224, 224), level, np.uint16))
    fields, after = read(plate, tmp_path / "after", total="hoechst", dead="draq7")
    assert (fields.at["A02", "status"], fields.at["A02", "code"]) == ("failed", "blank")
    assert fields.at["A06", "status"] == "failed" or fields.at["A06", "saturated_fraction"] > 0.99
    for name in COUNTS:
        assert after.at["A01", name] == pytest.approx(before.at["A01", name], abs=1)


def quality(plate, folder):
    found = folder / "quality.csv"
    files = {"wells": folder / "wells.csv", "quality": found, "residuals": folder / "residuals.csv"}
    plate.call(assess_plate, **files, plate_map=MapColumns(agent_column="drug").__dict__)
    return stores.read_table(found, PLATE_QUALITY)


@pytest.mark.parametrize("swapped", [False, True])
def test_a_swapped_pair_of_live_and_dead_raises_the_alarm(tmp_path, swapped):
    channels = {"calcein": "w4", "ethd": "w5"}
    imaged = dict(zip(channels, reversed(channels.values()), strict=True)) if swapped else channels
    plate = simulated(tmp_path, channels, imaged, touching=0)
    _, wells = read(plate, tmp_path / "read", live="calcein", dead="ethd")
    assert (wells.at["A01", "viability"] < 0.5) == swapped
    assert (quality(plate, tmp_path / "read")["alarm"].iloc[0] == "controls_reversed") == swapped


def test_a_swapped_pair_of_total_and_dead_tells_no_state_and_is_flagged(tmp_path):
    swapped = {"hoechst": DRAQ7, "draq7": HOECHST}
    plate = simulated(tmp_path, {"hoechst": HOECHST, "draq7": DRAQ7}, swapped, precipitates=0, specks=0)
    _, wells = read(plate, tmp_path / "read", total="hoechst", dead="draq7")
    assert wells[["n_live", "n_dead", "viability"]].isna().all(axis=None)
    assert wells["qc_flags"].str.contains("dead_not_separated").all()


def test_a_swapped_pair_whose_debris_passes_for_living_cells_raises_the_alarm(plate, tmp_path):
    plate.settings["imaged"] = {"hoechst": DRAQ7, "draq7": HOECHST}
    _, wells = read(plate, tmp_path / "read", total="hoechst", dead="draq7")
    # What should be the many living cells of the untreated well is crystals of dye.
    assert wells.at["A01", "n_total"] < 0.2 * wells.at["A12", "n_total"]
    assert quality(plate, tmp_path / "read")["alarm"].iloc[0] == "negative_controls_dead"
