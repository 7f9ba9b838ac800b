"""What a plate map says is what every table says, byte for byte."""

import csv
import tempfile
from pathlib import Path

import pandas as pd
import pytest
from assess_plate import assess_plate
from chain import Plate
from export_wells import export_wells
from fit_dose_response import fit_dose_response
from follow_wells import follow_wells
from gather_wells import gather_wells
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from tabulate_wells import tabulate_wells

from livedead import stores
from livedead.plates.plate_maps import MapColumns
from livedead.tables import CELLS, FIELDS

WELLS = ["A01", "A02", "A03", "A04", "A05"]
COLUMNS = MapColumns()
LOOK_LIKE_NUMBERS = ["007", "0042", "42", "1E5", "2E10", "1.10", "00", "5280961", "5280963", "20240131", "-1"]
LOOK_LIKE_NOTHING = ["NA", "nan", "NaN", "None", "null", "TRUE", "T", "inf", "-", "."]
printable = st.text(st.characters(categories=["L", "M", "N", "P", "S", "Zs"]), min_size=1, max_size=9)
# Sheets trim the space around a value, and refuse a spreadsheet's errors such as #NAME?.
texts = (printable | st.sampled_from(LOOK_LIKE_NUMBERS + LOOK_LIKE_NOTHING)).filter(
    lambda text: text.strip() == text and not text.startswith("#")
)


def rows_of(path, separator=","):
    with open(path, newline="", encoding="utf-8") as stream:
        header, *rows = csv.reader(stream, delimiter=separator)
    return [dict(zip(header, row, strict=True)) for row in rows]


def write_plate(folder, plate, mapped):
    """A plate of five wells with cells enough for a curve, tabulated."""
    fields = [
        {
            "plate": plate, "well": well, "field": 1, "timepoint": 1, "status": "ok", "area_mm2": 1.0,
            "n_live": 10 - k, "n_dead": k, "n_ambiguous": 0, "n_total": 10, "edge_rule": "keep",
            "n_by_hand": 0, "pixels_sha256": f"{plate}{well}", "focus": 1.0, "saturated_fraction": 0.0,
        }
        for k, well in enumerate(WELLS)
    ]  # fmt: skip
    cells = [
        {
            **{key: row[key] for key in ("plate", "well", "field", "timepoint")}, "cell": n,
            "state": "live" if n < row["n_live"] else "dead", "touches_edge": False, "touches_cell": False,
            "area_px": 9, "area_um2": 9.0, "component_area_um2": 9.0,
        }
        for row in fields
        for n in range(10)
    ]  # fmt: skip
    stores.write_table(folder / "fields.csv", FIELDS.rows(fields), FIELDS)
    stores.write_table(folder / "cells.csv.gz", CELLS.rows(cells), CELLS)
    stores.write_json(folder / "unet.certificate.json", {"model_sha256": "m"})
    if mapped:
        with open(folder / "map.csv", "w", newline="", encoding="utf-8") as stream:
            writer = csv.writer(stream)
            writer.writerow(["well", "treatment", "dose_um", "lot", "cell_line", "control"])
            for well, (agent, lot, line) in mapped.items():
                writer.writerow([well, agent, WELLS.index(well), lot, line, ""])
    columns = ["treatment", "dose_um", "cell_line"]
    tabulated = Plate(folder, fields_per_well=1, treatment_columns=columns)
    tabulated.call(tabulate_wells, platemap=folder / "map.csv" if mapped else None)
    return tabulated


@pytest.mark.parametrize("n_mapped", [5, 4, 0])
@pytest.mark.parametrize("n_plates", [1, 2])
@settings(
    max_examples=8, deadline=None, derandomize=True, phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)  # fmt: skip
@given(drawn=st.lists(st.tuples(texts, texts, texts), min_size=5, max_size=5))
def test_texts_of_a_map_reach_every_table_as_written(n_plates, n_mapped, drawn):
    mapped = dict(zip(WELLS[:n_mapped], drawn, strict=False))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        plates = [write_plate(folder / "p", "p", mapped)]
        if n_plates == 2:
            plates.append(write_plate(folder / "q", "q", {}))
        plate, run = plates[0], {"wells": folder / "wells.csv"}
        plate.call(
            gather_wells,
            plate_wells=[one.folder / "wells.csv" for one in plates],
            plate_fields=[one.folder / "fields.csv" for one in plates],
            platemaps=[folder / "p/map.csv"] if mapped else [],
            has_map=[bool(mapped), False][:n_plates],
            n_wells=[96] * n_plates,
            **run,
        )
        for path in (folder / "p/wells.csv", folder / "wells.csv"):
            for row in rows_of(path):
                agent, lot, line = mapped.get(row["well"], ("", "", "")) if row["plate"] == "p" else ("",) * 3
                if mapped:
                    assert (row["treatment"], row["lot"], row["cell_line"]) == (agent, lot, line)
        names = {"cytomining": "cytomining.csv", "drc": "drc.csv", "grmetrics": "grmetrics.tsv"}
        plate.call(export_wells, **{name: folder / file for name, file in names.items()})
        for row in rows_of(folder / "cytomining.csv") if mapped else []:
            found = tuple(row[f"Metadata_{column}"] for column in ("treatment", "lot", "cell_line"))
            assert found == mapped.get(row["Metadata_Well"], ("", "", ""))
        dosed = [(agent, line) for well, (agent, _, line) in mapped.items() if well != "A01"]
        assert {(row["agent"], row["cell_line"]) for row in rows_of(folder / "drc.csv")} >= set(dosed)
        plate.call(fit_dose_response, **run, curves=folder / "curves.csv")
        curves = [(row["agent"], row["cell_line"]) for row in rows_of(folder / "curves.csv")]
        assert sorted(curves) == sorted(set(dosed))
        plate.call(follow_wells, **run, courses=folder / "courses.csv")
        followed = {row["agent"] for row in rows_of(folder / "courses.csv") if row["plate"] == "p"}
        assert followed == {mapped.get(well, ("",))[0] for well in WELLS}
        plate.call(assess_plate, quality=folder / "quality.csv", residuals=folder / "residuals.csv")
        # Wells of one agent, dose and line are one treatment: each differs from its own median by 0.
        residuals = pd.read_csv(folder / "residuals.csv")
        assert (residuals["deviation"] == 0).all() or n_mapped < 5
