"""What each choice of dyes can tell, from class maps through every table and picture: the rest is missing.

The seven logics see the same cells: ``L`` live, ``D`` dead, ``N`` a nucleus that neither a live nor a
dead dye stains.
"""

import numpy as np
import pandas as pd
import pytest
from assess_plate import assess_plate
from chain import Plate
from check_fields import check_fields
from check_quality import check_quality
from drawn_fields import drawn
from export_wells import export_wells
from fit_dose_response import fit_dose_response
from follow_wells import follow_wells
from gather_wells import gather_wells
from summarize_run import summarize_run
from tabulate_wells import tabulate_wells

from livedead import stores
from livedead.cells.rules import CountingRules
from livedead.cells.tables import FieldCounter, count_fields
from livedead.cells.tallies import check_cells
from livedead.errors import LivedeadError
from livedead.network.classes import Classes
from livedead.pictures import heat_map
from livedead.pictures.choice import choose_wells, heading
from livedead.pictures.figures import svg
from livedead.tables import (
    CELLS,
    COUNTS,
    CYTOMINING,
    DOSE_RESPONSE,
    DRC,
    FIELDS,
    GRMETRICS,
    PLATE_QUALITY,
    QUALITY,
    SHARD_FIELDS,
    TIME_COURSES,
    WELLS,
)

NA = None
SEEN = {
    "total + dead": "LDL",
    "live + dead": "LD.",
    "total + live": "LDD",
    "total + live + dead": "LDU",
    "dead alone": ".D.",
    "live alone": "L..",
    "total alone": "UUU",
}
"""Logic -> what it sees of L, D and N, in the letters of `drawn_fields`."""

TRUE = {
    "A01": "LLLLLLDN", "A02": "LLLLLLLD", "A03": "LLLLDDDN", "A04": "LDDDDDDN", "A05": "", "A06": None,
    "A11": "DDDDDDDN", "A12": "LDDDDDDD",
}  # fmt: skip
"""The cells of each well; A06 failed."""

A03 = {
    "total + dead": (5, 3, 0, 8),
    "live + dead": (4, 3, 0, 7),
    "total + live": (4, 4, 0, 8),
    "total + live + dead": (4, 3, 1, 8),
    "dead alone": (NA, 3, NA, NA),
    "live alone": (4, NA, NA, NA),
    "total alone": (NA, NA, NA, 8),
}
"""`COUNTS` of A03, by hand."""

LIVE_OF_CONTROLS = {"total + dead": 7, "live + dead": 6.5, "total + live": 6.5, "total + live + dead": 6.5}
LIVE_OF_CONTROLS |= {"live alone": 6.5}
"""Mean of the live cells of A01 and A02, by hand."""

MAP = (
    "well\ttreatment\tdose_um\tcontrol\nA01\tnone\t0\tnegative\nA02\tnone\t0\tnegative\nA03\tx\t1\t\n"
    "A04\tx\t10\t\nA05\tx\t100\t\nA06\tx\t1\t\nA11\tkill\t0\tpositive\nA12\tkill\t0\tpositive\nH12\tx\t1\t\n"
)
WIDTH_PX = 20
AREA_MM2 = 20
"""Of a field: a row of pixels of 1 mm."""

SAYS = {
    "dead alone": ("50 dead cells", "no viability: the reading knows dead cells alone"),
    "live alone": ("38 live cells", "no viability: the reading knows live cells alone"),
    "total alone": (
        "96 cells",
        "no viability: the reading counts all cells, but does not tell live from dead",
    ),
}


def classes_of(logic):
    numbers = {role: (number,) if letter in SEEN[logic] else () for role, letter, number in (
        ("live", "L", 1), ("dead", "D", 2), ("unknown", "U", 4)
    )}  # fmt: skip
    return Classes(background=(0,), boundary=(3,), **numbers)


def segmented(logic):
    """Two timepoints of each well, every cell a pixel."""
    nothing = np.empty(0, np.int64)
    for well, cells in TRUE.items():
        for timepoint in (1, 2):
            row = {"plate": "p", "well": well, "field": 1, "timepoint": timepoint, "status": "ok"}
            row |= {"code": "", "message": "", "pixels_sha256": f"{well}-{timepoint}"}
            if cells is None:
                yield row | {"status": "failed", "code": "truncated", "pixels_sha256": ""}, {}
                continue
            seen = ".".join(cells.translate(str.maketrans("LDN", SEEN[logic]))).ljust(WIDTH_PX, ".")
            yield row, {"maps": drawn(seen), "unstable": nothing, "runners_up": nothing.astype(np.uint8)}


def write_inputs(folder, logic):
    """What `gather_fields` and all after it read."""
    rules = CountingRules(min_area_um2=0)
    counter = FieldCounter(lambda *_: {}, [], classes_of(logic), rules, 1000.0)
    fields, cells = count_fields(segmented(logic), counter)
    check_cells(cells, fields, "cells and fields")
    stores.write_table(folder / "1-of-1/fields.csv", fields, SHARD_FIELDS)
    stores.write_table(folder / "1-of-1/cells.csv.gz", cells, CELLS)
    quality = fields[["well", "field", "timepoint"]].assign(channel="dye", status="ok", min_range=1)
    quality = quality.assign(**dict.fromkeys(QUALITY, 1.0))
    stores.write_normalization(folder / "normalization.h5", {"dye": {"black": 0.0}}, quality)
    stores.write_json(folder / "unet.certificate.json", {"model_sha256": "m", "classes_verified": True})
    stores.write_json(folder / "export.json", {"expected": {}})
    (folder / "map.tsv").write_text(MAP)


@pytest.fixture(scope="module", params=SEEN)
def read(request, tmp_path_factory):
    """A logic, and the folder of its tables."""
    logic, folder = request.param, tmp_path_factory.mktemp("plate")
    write_inputs(folder, logic)
    plate = Plate(folder, treatment_columns=["treatment", "dose_um"])
    plate.gather(folder / "1-of-1")
    plate.call(tabulate_wells)
    wells = {"wells": folder / "all.csv"}
    of_plate = {"plate_wells": folder / "wells.csv", "plate_fields": folder / "fields.csv"}
    maps = {"platemaps": folder / "map.tsv", "has_map": [True], "n_wells": [96]}
    plate.call(gather_wells, **of_plate, **maps, **wells)
    plate.call(assess_plate)
    plate.call(fit_dose_response, **wells, curves=folder / "curves.csv")
    plate.call(follow_wells, **wells, courses=folder / "courses.csv")
    files = {"cytomining": "cytomining.csv", "drc": "drc.csv", "grmetrics": "grmetrics.tsv"}
    plate.call(export_wells, **{name: folder / file for name, file in files.items()})
    limits = {"max_failed_fraction": 0.5, "min_z_prime": None}
    plate.call(
        summarize_run, **wells, exports=folder / "export.json", summary=folder / "summary.txt",
        sheet="plates.tsv", plates=["p"], pixel_size_um=[1000.0], **limits,
    )  # fmt: skip
    return logic, plate


def table_of(plate, file, kind):
    return stores.read_table(plate.folder / file, kind)


def of_well(table, well):
    return table[(table["well"] == well) & (table["timepoint"] == 1)].iloc[0]


def test_fields_and_wells_tell_what_the_reading_can(read):
    logic, plate = read
    expected = [pd.NA if n is NA else n for n in A03[logic]]
    for file, kind in (("1-of-1/fields.csv", SHARD_FIELDS), ("fields.csv", FIELDS), ("all.csv", WELLS)):
        assert of_well(table_of(plate, file, kind), "A03")[COUNTS].tolist() == expected
    wells = table_of(plate, "all.csv", WELLS)
    untold = [name for name, n in zip(COUNTS, A03[logic], strict=True) if n is NA]
    assert wells[untold].isna().all(axis=None)
    n_live, n_dead, *_ = A03[logic]
    row = of_well(wells, "A03")
    for column, value in {
        "viability": NA if untold else n_live / (n_live + n_dead),
        "live_per_mm2": NA if n_live is NA else n_live / AREA_MM2,
        "dead_per_mm2": NA if n_dead is NA else n_dead / AREA_MM2,
        "live_vs_control": NA if n_live is NA else n_live / LIVE_OF_CONTROLS[logic],
        "median_area_um2_live": NA if n_live is NA else 1e6,
        "median_area_um2_dead": NA if n_dead is NA else 1e6,
        "n_split": 0,
        "area_mm2": AREA_MM2,
    }.items():
        assert row[column] == pytest.approx(np.nan if value is NA else value, rel=1e-5, nan_ok=True), column
    for column in ("viability", "viability_low", "viability_high"):
        assert wells[column].isna().all() == bool(untold), column
    assert table_of(plate, "fields.csv", FIELDS)["viability_alt"].isna().all() == bool(untold)


def test_an_empty_well_is_empty_only_where_all_cells_are_told(read):
    logic, plate = read
    wells = table_of(plate, "all.csv", WELLS)
    told = [name for name, n in zip(COUNTS, A03[logic], strict=True) if n is not NA]
    assert of_well(wells, "A05")["status"] == ("no_cells" if "n_total" in told else "ok")
    assert set(of_well(wells, "A05")[told]) == {0}
    assert [of_well(wells, well)["status"] for well in ("A03", "A06", "H12")] == ["ok", "failed", "no_images"]
    assert wells.loc[wells["well"].isin(["A06", "H12"]), COUNTS].isna().all(axis=None)


def test_analyses_without_viability_are_empty_or_missing(read):
    logic, plate = read
    has_viability = NA not in A03[logic]
    quality = table_of(plate, "quality.csv", PLATE_QUALITY).set_index(["measure", "timepoint"])
    assert quality.loc["viability", "z_prime"].notna().all() == has_viability
    assert quality.loc["live_per_mm2", "z_prime"].notna().all() == (A03[logic][0] is not NA)
    assert set(quality["alarm"]) == {""}
    assert table_of(plate, "curves.csv", DOSE_RESPONSE).empty != has_viability
    courses = table_of(plate, "courses.csv", TIME_COURSES)
    followed = courses[(courses["level"] == "well") & (courses["well"] == "A03")].iloc[0]
    assert followed["n_timepoints"] == (2 if has_viability else 0)
    assert table_of(plate, "drc.csv", DRC).empty != has_viability
    assert table_of(plate, "grmetrics.tsv", GRMETRICS).empty == (A03[logic][0] is NA)
    profile = table_of(plate, "cytomining.csv", CYTOMINING).iloc[4]
    names = [f"Cells_Count_{name}" for name in ("Live", "Dead", "Ambiguous", "Total")]
    assert profile["Metadata_Well"] == "A03"
    assert profile[names].tolist() == [pd.NA if n is NA else n for n in A03[logic]]


def test_checks_at_the_end_of_a_run(read, tmp_path):
    logic, plate = read
    fields = {"plates": ["p"], "max_failed_fraction": 0.5}
    plate.call(check_fields, report=tmp_path / "fields.txt", **fields)
    if NA not in A03[logic]:
        plate.call(check_quality, report=tmp_path / "quality.txt", plates=["p"], min_z_prime=0.0)
        return
    with pytest.raises(LivedeadError, match=r"unknown \(needs the viability of 2 wells.*below the 0.0"):
        plate.call(check_quality, report=tmp_path / "quality.txt", plates=["p"], min_z_prime=0.0)


def test_pictures_and_the_summary_show_what_is_told(read):
    logic, plate = read
    wells = table_of(plate, "all.csv", WELLS)
    heat = svg(heat_map.draw(wells, 96)).decode()
    assert (">viability<" in heat) == (NA not in A03[logic])
    counted = {"dead alone": "dead cells", "live alone": "live cells"}.get(logic, "cells")
    assert f">{counted} per mm²<" in heat
    chosen = choose_wells(wells)
    said = [heading(row, 1).split("\n")[1] for _, row in chosen.iterrows()]
    assert len(said) == 3
    assert ["viability" in words for words in said] == [NA not in A03[logic]] * 3
    text = (plate.folder / "summary.txt").read_text()
    assert "NOT ONE" not in text
    for words in SAYS.get(logic, ("negative controls: mean viability",)):
        assert words in text
    assert ("no viability" in text) == (NA in A03[logic])
