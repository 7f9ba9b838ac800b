"""The methods in words, which change with the configuration and with what was found."""

import copy
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import yaml

from livedead.configuration.keys import complete, read_schema
from livedead.tables import AUDIT, DOSE_RESPONSE, DYES, FIELDS, PLATE_QUALITY, WELLS
from livedead.wells.methods.run import Run
from livedead.wells.methods.text import PARAGRAPHS, write_methods

CITATION = {
    "title": "livedead",
    "date-released": "2026-11-21",
    "authors": [{"name": "The authors"}, {"family-names": "Curie", "given-names": "Marie"}],
}
NETWORK = {
    "model_sha256": "feed",
    "classes_verified": True,
    "architecture": {"alpha": 0.35},
    "experience": {"pixel_size_um": 0.65},
}


@pytest.fixture(scope="module")
def run(repository):
    """One plate of two wells with two fields each, one of which failed."""
    config = yaml.safe_load((repository / "config/demo/config.yaml").read_text())
    complete(config, read_schema(repository / "workflow/schemas/config.schema.yaml"))
    wells = [
        {"plate": "p1", "well": well, "row": "A", "column": k, "timepoint": 1, "status": "ok",
         "n_fields_expected": 2, "n_fields_used": 2, "viability": 0.5,
         "viability_interval": "wilson_icc_fields", "n_by_hand": 0}
        for k, well in enumerate(["A01", "A02"], 1)
    ]  # fmt: skip
    fields = [
        {"plate": "p1", "well": well, "field": field, "timepoint": 1, "status": "ok"}
        for well in ("A01", "A02")
        for field in (1, 2)
    ]
    fields[3] |= {"status": "failed", "code": "truncated"}
    quality = {"plate": "p1", "timepoint": 1, "measure": "viability", "n_negative": 8, "n_positive": 6,
               "z_prime": 0.84, "z_prime_low": 0.7, "z_prime_high": 0.9}  # fmt: skip
    return Run(
        provenance={
            "version": "1.2.3",
            "config": config,
            "packages": {"snakemake": "9.1", "python": "3.11", "numpy": "2.0"},
            "models": {"feed": NETWORK},
            "plates": {"p1": {"sheet": {"pixel_size_um": 0.65}, "shards": {"1-of-1": {"torch": "2.5"}}}},
        },
        wells=WELLS.rows(wells),
        fields=FIELDS.rows(fields),
        quality=PLATE_QUALITY.rows([quality]),
        curves=DOSE_RESPONSE.rows([]),
        dyes=DYES.rows([]),
        audits=AUDIT.rows([]),
        citation=CITATION,
    )


def sentences(run):
    """Text of each sentence, by the name of its function."""
    return {
        sentence.__name__.strip("_"): sentence(run)
        for of_paragraph in PARAGRAPHS.values()
        for sentence in of_paragraph
    }


def changed(run, other):
    before, after = sentences(run), sentences(other)
    return {name: after[name] for name in after if after[name] != before[name]}


def configured(run, **sections):
    """The run with other settings: section -> key -> value."""
    provenance = copy.deepcopy(dict(run.provenance))
    for section, keys in sections.items():
        provenance["config"][section].update(keys)
    return replace(run, provenance=provenance)


CHANGES = [
    ("normalization", "flat_fields", 0, "illumination", None),
    ("normalization", "flat_fields", 12, "illumination", "pixelwise median of up to 12 fields"),
    ("normalization", "own_light", 8, "own_light", "a polynomial of degree 8"),
    ("normalization", "fluorescence", ["hoechst"], "background", "The background of hoechst"),
    ("normalization", "contrast", 0.4, "counts_range", "between 0.6 and 1.4 times the median"),
    ("normalization", "high_percentile", 99, "counts_range", "the 0.1th and the 99th percentile"),
    ("segmentation", "precision", "bfloat16", "network", "in bfloat16."),
    ("counting", "min_area_um2", 33, "areas", "smaller than 33 µm² or larger than 100,000 µm²"),
    ("counting", "max_area_um2", 5000, "areas", "or larger than 5,000 µm² were not counted"),
    ("counting", "min_area_px", 7, "areas", "smaller than 7 px"),
    ("counting", "max_area_px", 900, "areas", "or larger than 900 px"),
    ("counting", "max_aspect_ratio", 3, "areas", "or longer than 3 times their width"),
    ("counting", "ambiguous_margin", 0.2, "ambiguous", "differed by less than 0.2"),
    ("counting", "split_depth_um", 1.5, "splitting", "h = 1.5 µm."),
    ("counting", "cell_area_um2", 80, "clumps", "80 µm²"),
    ("counting", "min_context_fraction", 0.25, "context", "at least 25% of their outline"),
    ("counting", "edge_rule", "counting_frame", "edge", "(Gundersen 1977)"),
    ("counting", "edge_margin_um", 5, "edge", "was within 5 µm of the field's edge"),
    ("qc", "exclude_flags", ["dark", "suspect"], "excluded", "dark (max_dark_fraction 0.3) or suspect"),
]
"""Section, key, another value, the sentence that changes, and what it then says; None if it is gone."""

NOT_TOLD = {"intensity_channels", "shape_descriptors", "corrections"}
"""Keys of ``counting`` that change no count by themselves."""


@pytest.mark.parametrize(("section", "key", "value", "sentence", "expected"), CHANGES)
def test_a_setting_changes_its_sentence_and_no_other(run, section, key, value, sentence, expected):
    found = changed(run, configured(run, **{section: {key: value}}))
    assert list(found) == [sentence]
    assert found[sentence] == "" if expected is None else expected in found[sentence]


def test_every_counting_rule_is_told(run):
    told = {key for section, key, *_ in CHANGES if section == "counting"}
    assert told | NOT_TOLD == set(run.config["counting"])


@pytest.mark.parametrize(
    ("section", "key", "value"),
    [("segmentation", "threads", 7), ("training", "folds", 5), ("labels", "dead_dye", "draq7")],
)
def test_a_setting_that_changes_no_number_changes_no_sentence(run, section, key, value):
    assert changed(run, configured(run, **{section: {key: value}})) == {}


@pytest.mark.parametrize(
    ("hours", "told"),
    [
        ((0, 6, 12), "over 12 h (every 6 h)"),
        ((1, 7.1, 12.9), "over 11.9 h (every 5.95 h)"),
        ((0, 3, 12), "over 12 h (3 h to 9 h apart)"),
    ],
)
def test_how_long_and_how_often_was_imaged_is_told_where_it_is_known(run, hours, told):
    def text(*hours):
        over_time = [run.wells.assign(timepoint=t, hours=at) for t, at in enumerate(hours, start=1)]
        return sentences(replace(run, wells=pd.concat(over_time, ignore_index=True)))["images"]

    assert f", 4 fields, at 3 timepoints {told}) were analysed" in text(*hours)
    assert ", 4 fields, at 3 timepoints) were analysed" in text(*hours[:2], np.nan)


def test_the_numbers_of_images_are_those_of_the_tables(run):
    told = sentences(run)
    assert (
        told["images"]
        == "Images of 1 plate (2 imaged wells, 4 fields) were analysed; pixels measured 0.65 µm."
    )
    assert told["failed"] == "Of these fields, 3 were used and 1 failed (1 truncated)."
    fine = replace(run, fields=run.fields.assign(status="ok", code=""))
    assert changed(run, fine) == {"failed": "Of these fields, 4 were used."}


def test_cells_that_people_corrected_are_told(run):
    corrected = replace(run, wells=run.wells.assign(n_by_hand=[0, 7]))
    assert changed(run, corrected) == {
        "by_hand": "The state or outline of 7 cells in 1 well was corrected by hand."
    }


def test_what_the_weights_know_is_told(run):
    model = {**NETWORK, "experience": {"pixel_size_um": 1.3, "calibration": {"n_live": 1200, "n_dead": 340}}}
    found = changed(run, replace(run, provenance={**run.provenance, "models": {"feed": model}}))
    assert found["resampled"] == "Fields of p1 were resampled to pixels of 1.3 µm (Keys 1981)."
    assert "(Platt 1999) on 1,200 live and 340 dead cells" in found["calibration"]
    assert set(found) == {"resampled", "calibration"}


def test_a_network_of_another_family_is_called_no_u_net(run):
    model = {**NETWORK, "architecture": None}
    found = changed(run, replace(run, provenance={**run.provenance, "models": {"feed": model}}))
    assert list(found) == ["network"]
    assert "by a convolutional network, SHA-256 of the weights feed" in found["network"]


def test_statistics_are_told_where_there_are_any(run):
    assert sentences(run)["z_prime"] == (
        "Z' of viability (Zhang et al. 1999), with bootstrap intervals: plate p1, 0.84 (0.70 to 0.90), "
        "8 negative and 6 positive control wells."
    )  # fmt: skip
    audit = {"plate": "p1", "timepoint": 1, "level": "plate", "n_wells": 6, "sensitivity": 0.9,
             "sensitivity_low": 0.8, "sensitivity_high": 0.95, "specificity": 0.7}  # fmt: skip
    found = changed(run, replace(run, audits=AUDIT.rows([audit])))
    assert list(found) == ["audit"]
    assert "plate p1, 6 wells, sensitivity 0.90 (0.80 to 0.95), specificity 0.70." in found["audit"]
    assert changed(run, replace(run, audits=AUDIT.rows([audit | {"reason": "too few cells"}]))) == {}
    curve = {"plate": "p1", "timepoint": 1, "n_wells": 9, "n_doses": 3}
    assert list(changed(run, replace(run, curves=DOSE_RESPONSE.rows([curve])))) == ["doses"]
    independent = run.wells.assign(viability_interval="wilson_independent_cells")
    assert list(changed(run, replace(run, wells=independent))) == ["intervals"]


def test_dyes_are_told_with_their_thresholds(run):
    dyed = configured(run, dyes={"total": "hoechst", "dead": "draq7"})
    dyed.provenance["config"]["reading"] = "dyes"
    dyed.provenance["plates"]["p1"]["shards"] = {"1-of-1": {}}
    dyed.provenance["models"] = {"d": {"split_depth_um": 0.2798}}
    thresholds = [
        {
            "plate": "p1",
            "dye": "total",
            "channel": "hoechst",
            "method": "otsu",
            "threshold": 464.4,
            "n_signals": 9,
        },
        {
            "plate": "p1",
            "dye": "dead",
            "channel": "draq7",
            "method": "given",
            "threshold": 410.0,
            "n_signals": 9,
        },
    ]
    dyed = replace(dyed, dyes=DYES.rows(thresholds))
    text = write_methods(dyed)
    assert "Cells were read by their dyes: hoechst (all cells) and draq7 (dead cells)." in text
    assert "Thresholds of signals (Otsu 1979), in counts over the background" in text
    assert "plate p1, hoechst 464 (otsu), draq7 410 (given)." in text
    assert "h = 0.28 µm, which follows from the diameter of nuclei." in text
    for network in ("PyTorch", "U-Net", "percentile", "SHA-256 of the weights"):
        assert network not in text


def test_what_is_cited_is_listed_once_and_nothing_else(run):
    text = write_methods(run)
    told, listed = text.split("## References\n\n")
    assert listed.splitlines()[0] == "- The authors, Curie M (2026). livedead. Version 1.2.3"
    names = {line.split(" ")[1] for line in listed.splitlines()[1:]}
    assert names == {"Donner", "Harris", "Mölder", "Paszke", "Ronneberger", "Sandler", "Wilson", "Zhang"}
    assert (
        "Gundersen"
        in write_methods(configured(run, counting={"edge_rule": "counting_frame"})).split("## ")[1]
    )
    assert "livedead 1.2.3 ran with Snakemake 9.1" in told


def test_nothing_is_told_of_viability_where_there_is_none(run):
    without = replace(run, wells=run.wells.assign(viability=np.nan, viability_interval=""))
    assert changed(run, without) == {"viability": "", "intervals": ""}
    assert write_methods(run).count("Viability was") == 1


def test_several_plates_are_joined(run):
    shards = {"1-of-1": {"torch": "2.5"}}
    two = {f"p{k}": {"sheet": {"pixel_size_um": 0.64 + k / 100}, "shards": shards} for k in (1, 2)}
    found = changed(run, replace(run, provenance={**run.provenance, "plates": two}))
    assert set(found) == {"images", "replicates"}
    assert "pixels measured 0.65 and 0.66 µm" in found["images"]
