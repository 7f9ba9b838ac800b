"""Wells of the table, recomputed from their raw images."""

import pytest

from livedead import stores
from livedead.errors import LivedeadError
from livedead.tables import WELLS


def verify(flow, folder, **given):
    """The wells that the report lists."""
    return [line.split()[1] for line in flow.verify(folder, **given).splitlines()]


def test_every_well_gives_its_row_again(flow, tmp_path):
    seen = [verify(flow, tmp_path, seed=seed) for seed in range(12)]
    assert {tuple(wells) for wells in seen} == {("A01",), ("A12",), ("B06",)}


def test_a_sample_of_wells_gives_its_rows_again(flow, tmp_path):
    assert len(set(verify(flow, tmp_path, sample=2))) == 2
    assert verify(flow, tmp_path, sample=96) == ["A01", "A12", "B06"]


def test_what_was_verified_is_what_the_plate_has(flow, tmp_path):
    verify(flow, tmp_path, sample=96)
    for name in ("fields.csv", "cells.csv.gz"):
        assert (tmp_path / name).read_bytes() == (flow.folder / name).read_bytes()


def test_a_field_that_failed_in_the_network_fails_again(flow, broken_levels, tmp_path):
    assert "B06" in verify(flow, tmp_path, sample=96, **broken_levels)


def test_a_row_that_was_touched_is_found(flow, tmp_path):
    table = stores.read_table(flow.folder / "wells.csv", WELLS)
    stores.write_table(tmp_path / "wells.csv", table.assign(area_mm2=1.0), WELLS)
    with pytest.raises(LivedeadError, match="is not what its raw images give"):
        verify(flow, tmp_path, wells=tmp_path / "wells.csv")
    with pytest.raises(LivedeadError, match="is not what its raw images give"):
        verify(flow, tmp_path, counting={**flow.settings["counting"], "min_area_um2": 30})
    assert not (tmp_path / "well.txt").exists()
