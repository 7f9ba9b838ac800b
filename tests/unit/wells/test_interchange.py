"""Exports against tables written by hand."""

import numpy as np
import pandas as pd
import pytest

from livedead.plates.plate_maps import MapColumns
from livedead.tables import CYTOMINING, DRC, GRMETRICS, KEYS, RESULTS, as_text
from livedead.wells import interchange


def row(well, timepoint, treatment, dose, control, n_live, n_dead, **more):
    return {
        **dict.fromkeys(RESULTS, 0),
        "plate": "p1",
        "well": well,
        "row": well[0],
        "column": int(well[1:]),
        "timepoint": timepoint,
        "hours": 2 + 24 * timepoint + int(well[1:]) / 10,
        "treatment": treatment,
        "dose_um": dose,
        "control": control,
        "status": "ok",
        "qc_flags": "",
        "row_sha256": f"hash-{well}-{timepoint}",
        "n_live": n_live,
        "n_dead": n_dead,
        "n_total": n_live + n_dead,
        "viability": n_live / (n_live + n_dead) if n_live + n_dead else None,
        "viability_corrected": None,
        "live_per_mm2": n_live / 2,
        "dead_per_mm2": n_dead / 2,
        **more,
    }


TABLE = pd.DataFrame(
    [
        row("A01", 0, "none", 0, "negative", 20, 0),
        row("A02", 0, "x", 1.5, "", 22, 2),
        row("A01", 1, "none", 0, "negative", 40, 10),
        row("A02", 1, "x", 1.5, "", 30, 10),
        row("A03", 1, "y", 3, "", 0, 0),
        row("A04", 1, "y", 0, "", 9, 1),
        row("A05", 1, "y", 6, "", 2, 8),
        row("A12", 1, "kill", 0, "positive", 1, 49),
    ]
)[[*KEYS, "hours", "treatment", "dose_um", "control", *RESULTS]]


def test_cytomining():
    found = interchange.cytomining(TABLE)
    assert as_text(found.iloc[[3]], CYTOMINING) == (
        "Metadata_Plate,Metadata_Well,Metadata_Timepoint,Metadata_Hours,Metadata_treatment,Metadata_dose_um,"
        "Metadata_control,Metadata_Status,Metadata_QC_Flags,Metadata_Fields_Used,Metadata_Row_SHA256,"
        "Cells_Count_Live,Cells_Count_Dead,Cells_Count_Ambiguous,Cells_Count_Total,Cells_Viability,"
        "Cells_ViabilityCorrected,Cells_Density_Live,Cells_Density_Dead,Cells_AreaShape_MedianLive,Cells_AreaShape_MedianDead,"
        "Cells_ClumpFraction\n"
        "p1,A02,1,26.2,x,1.5,,ok,,0,hash-A02-1,30,10,0,40,0.75,NA,15,5,0,0,0\n"
    )
    assert len(found) == len(TABLE)
    # A map may have a column that is called as one of ours.
    clashing = interchange.cytomining(TABLE.rename(columns={"treatment": "Status"}))
    assert set(clashing["Metadata_Status"]) == {"ok"}
    assert set(clashing["Metadata_Map_Status"]) == set(TABLE["treatment"])


def test_drc():
    # The negative control of timepoint 1 serves x and y; y's own dose 0 serves y; the empty
    # well and the positive control are no part of a curve.
    assert as_text(interchange.drc(TABLE, MapColumns()), DRC) == (
        "plate,well,timepoint,hours,agent,cell_line,dose,n_live,n_total,dose_unit\n"
        "p1,A01,0,2.1,x,,0,20,20,uM\n"
        "p1,A02,0,2.2,x,,1.5,22,24,uM\n"
        "p1,A01,1,26.1,x,,0,40,50,uM\n"
        "p1,A02,1,26.2,x,,1.5,30,40,uM\n"
        "p1,A01,1,26.1,y,,0,40,50,uM\n"
        "p1,A04,1,26.4,y,,0,9,10,uM\n"
        "p1,A05,1,26.5,y,,6,2,10,uM\n"
    )


def test_grmetrics():
    # Per mm²: 20 / 2 at time 0 and 40 / 2 at time 1 in the control. One time for all wells of a timepoint,
    # as GRmetrics groups by it: the medians are 2.15 h, and 26.35 h of A01 to A05 and A12.
    found = interchange.grmetrics(TABLE, MapColumns())
    assert as_text(found, GRMETRICS, "\t") == (
        "cell_line\tagent\tplate\twell\ttime\tconcentration\tcell_count\tcell_count__ctrl\tcell_count__time0\n"
        "\tx\tp1\tA02\t24.2\t1.5\t15\t20\t10\n"
        "\ty\tp1\tA03\t24.2\t3\t0\t20\t10\n"
        "\ty\tp1\tA05\t24.2\t6\t1\t20\t10\n"
    )
    untimed = interchange.grmetrics(TABLE.assign(hours=np.nan), MapColumns())
    assert set(untimed["time"]) == {1}
    one_time = TABLE[TABLE["timepoint"] == 1]
    assert as_text(interchange.grmetrics(one_time, MapColumns()), GRMETRICS).count("\n") == 1
    assert interchange.grmetrics(TABLE.assign(control=""), MapColumns()).empty


@pytest.mark.parametrize("export", [interchange.drc, interchange.grmetrics])
def test_a_plate_without_a_map_has_nothing_to_export(export):
    assert export(TABLE.drop(columns=["treatment", "dose_um", "control"]), MapColumns()).empty
