"""What a run says of all its plates: replicates, the page, the methods in words."""

from assess_plate import assess_plate
from fit_dose_response import fit_dose_response
from join_replicates import join_replicates
from write_experiment import write_experiment
from write_methods import write_methods

from livedead import stores
from livedead.tables import REPLICATES, WELLS

CITATION = {"title": "livedead", "date-released": "2026-11-21", "authors": [{"name": "The authors"}]}


def test_one_plate_is_joined_shown_and_told(flow, tmp_path):
    made = {name: tmp_path / f"{name}.csv" for name in ("quality", "residuals", "curves", "replicates")}
    for step in (assess_plate, fit_dose_response, join_replicates):
        flow.call(step, **made)
    wells = stores.read_table(flow.folder / "wells.csv", WELLS)
    joined = stores.read_table(made["replicates"], REPLICATES)
    known = wells[wells["viability"].notna() & (wells["drug"] != "")]
    assert list(joined["agent"]) == sorted(known["drug"]) * 2
    assert set(joined["level"]) == {"treatment", "plates"}
    of_plate = {"plate_wells": flow.folder / "wells.csv", "plate_fields": flow.folder / "fields.csv", **made}
    limits = {"max_failed_fraction": 0.1, "min_z_prime": None}
    flow.call(write_experiment, **of_plate, **limits, plates=["p"], n_wells=[96], page=tmp_path / "page.html")
    page = (tmp_path / "page.html").read_text()
    # One of six fields is cut off.
    assert "1 of 6 imaged fields failed (16.7%, allowed 10.0%)" in page
    assert "1 truncated" in page


def test_methods_are_told_from_the_record_of_the_run(flow, tmp_path):
    made = {name: tmp_path / f"{name}.csv" for name in ("quality", "residuals", "curves")}
    for step in (assess_plate, fit_dose_response):
        flow.call(step, **made)
    counting = {
        **flow.settings["counting"], "min_area_px": 0, "max_area_px": None, "max_aspect_ratio": None,
        "cell_area_um2": 0, "min_context_fraction": 0, "edge_rule": "exclude", "edge_margin_um": 0,
    }  # fmt: skip
    record = {
        "version": "1.2.3",
        "config": {
            "reading": "network",
            "classes": flow.settings["classes"],
            "input_channels": ["brightfield"],
            "counting": counting,
            "normalization": {**flow.settings["settings"], "scope": "plate", "contrast": None, "own_light": 0,
                              "fluorescence": []},
            "segmentation": flow.settings["segmentation"],
            "qc": flow.settings["qc"],
        },
        "packages": {"snakemake": "9", "python": "3.11", "numpy": "2"},
        "models": {"m": stores.read_json(flow.folder / "unet.certificate.json")},
        "plates": {"p": {"sheet": {"pixel_size_um": 0.65}, "shards": {"1-of-1": {"torch": "2.5"}}}},
    }  # fmt: skip
    stores.write_json(tmp_path / "provenance.json", record)
    files = {"provenance": tmp_path / "provenance.json", "methods": tmp_path / "methods.md"}
    of_plate = {"plate_wells": flow.folder / "wells.csv", "plate_fields": flow.folder / "fields.csv", **made}
    flow.call(write_methods, **files, **of_plate, citation=CITATION)
    text = files["methods"].read_text()
    assert "Images of 1 plate (3 imaged wells, 6 fields) were analysed" in text
    assert "5 were used and 1 failed (1 truncated)." in text
    assert "Cells that touched the edge of a field were not counted." in text
    assert "- The authors (2026). livedead. Version 1.2.3" in text
