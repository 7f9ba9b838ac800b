import numpy as np
import pandas as pd
import pytest

from livedead.plates.plate_maps import MapColumns
from livedead.statistics.controls import alarm
from livedead.tables import COUNTS
from livedead.wells import flags, summary
from livedead.wells.analysis import assess_plate

WELLS = [f"{row}{column:02d}" for row in "AB" for column in range(1, 11)]


def well_table(timepoints=(1,), **changes):
    """Twenty counted wells: the first row untreated controls, of B09 and B10 killed ones."""
    control = ["negative"] * 10 + [""] * 8 + ["positive"] * 2
    rows = [
        {
            "plate": "p",
            "well": well,
            "timepoint": timepoint,
            "hours": None,
            "control": kind,
            "status": "ok",
            "n_fields_expected": 2,
            "n_fields_used": 2,
            "n_live": 10 if kind == "positive" else 90,
            "n_dead": 90 if kind == "positive" else 10,
            "n_ambiguous": 0,
            "n_total": 100,
            "viability": 0.1 if kind == "positive" else 0.9,
            "qc_flags": "",
        }
        for timepoint in timepoints
        for well, kind in zip(WELLS, control, strict=True)
    ]
    return pd.DataFrame(rows).assign(**changes)


def field_table(failed=(), flags=None):
    """Two fields of each well; `failed` are (well, field), `flags` are the flags of (well, field)."""
    rows = []
    for well in WELLS:
        for field in (1, 2):
            is_failed = (well, field) in failed
            rows.append(
                {
                    "plate": "p",
                    "well": well,
                    "field": field,
                    "timepoint": 1,
                    "status": "failed" if is_failed else "ok",
                    "code": "truncated" if is_failed else "",
                    "message": f"{well}_{field}.tif: half of it; copy it again" if is_failed else "",
                    "qc_flags": (flags or {}).get((well, field), ""),
                }
            )
    return pd.DataFrame(rows)


def quality_table(alarms=("",), z_prime=0.8):
    rows = [
        {"plate": "p", "timepoint": timepoint, "measure": measure, "z_prime": z_prime, "alarm": alarm}
        for timepoint, alarm in enumerate(alarms, start=1)
        for measure in ("viability", "live_per_mm2")
    ]
    return pd.DataFrame(rows)


def described(wells=None, fields=None, quality=None, *, max_failed=0.05, min_z=None, notes=()):
    lines = summary.describe_plate(
        well_table() if wells is None else wells,
        field_table() if fields is None else fields,
        quality_table() if quality is None else quality,
        max_failed_fraction=max_failed,
        min_z_prime=min_z,
        notes=notes,
    )
    assert not any(line.startswith("  ") != (k > 0) for k, line in enumerate(lines))
    assert not any("nan" in line for line in lines)
    return [line.strip() for line in lines]


def test_a_plate_that_is_well_takes_three_lines():
    assert described() == [
        "plate p: 20 wells (20 ok), 2,000 cells",
        "negative controls: mean viability 0.900 (10 wells)",
        "positive controls: mean viability 0.100 (2 wells)",
    ]


@pytest.mark.parametrize(
    ("viabilities", "words"),
    [
        ((0.05, 0.95), "untreated controls are mostly dead and killed ones mostly alive"),
        ((0.05, 0.05), "untreated controls are mostly dead: did the cells die, or"),
        (
            (0.95, 0.95),
            "killed controls are mostly alive: is it early in a time course, did the killing fail, or",
        ),
    ],
)
def test_every_alarm_is_told_in_words(viabilities, words):
    raised = alarm(*viabilities)
    assert raised in summary.ALARMS
    lines = described(quality=quality_table([raised]))
    assert [line for line in lines if line.startswith(f"ALARM: {words}")] == [lines[1]]
    assert "swapped" in lines[1]


def test_swapped_roles_are_told_from_the_tables_themselves():
    swapped = well_table().replace({"control": {"negative": "positive", "positive": "negative"}})
    swapped["n_live"], swapped["n_dead"] = swapped["viability"] * 100, 100 - swapped["viability"] * 100
    swapped["live_per_mm2"] = swapped["n_live"]
    quality, _ = assess_plate(swapped, MapColumns(), 96)
    assert any(line.startswith("ALARM: untreated controls") for line in described(swapped, quality=quality))


def test_an_alarm_names_its_timepoints():
    dead = "negative_controls_dead"
    lines = described(quality=quality_table(["", dead, dead, dead, "", dead]))
    assert [line for line in lines if "ALARM" in line] == [
        f"ALARM: {summary.ALARMS[dead]} (timepoints 2-4, 6)"
    ]


@pytest.mark.parametrize("flag", [*flags.FLAGS, "a_flag_of_tomorrow"])
@pytest.mark.parametrize(("n_fields", "told"), [(4, False), (5, True)])
def test_a_flag_of_more_than_a_tenth_of_the_fields_is_told(flag, n_fields, told):
    bearing = {(well, 1): f"{flag};other" for well in WELLS[:n_fields]}
    lines = [line for line in described(fields=field_table(flags=bearing)) if line.startswith(flag)]
    assert len(lines) == (told or flag in summary.ALWAYS_TOLD)
    if told:
        assert lines[0].startswith(f"{flag}, 5 of 40 imaged fields (12.5%), A01-A05")
        assert (": " in lines[0]) == (flag in flags.FLAGS), "each of ours has its words"


@pytest.mark.parametrize("flag", ["suspect", "duplicate_image"])
def test_flags_that_no_count_survives_are_always_told(flag):
    lines = described(fields=field_table(flags={("A03", 1): flag, ("B07", 2): f"drift;{flag}"}))
    assert lines[-1] == f"{flag}, 2 of 40 imaged fields (5.0%), A03, B07: {summary.FLAGS[flag]}"


def test_a_flag_of_wells_alone_is_told_and_one_of_fields_once():
    of_wells = ["of_wells;drift"] * 3 + ["drift;fields_missing"] * 17
    lines = described(
        well_table(qc_flags=of_wells), field_table(flags={(well, 1): "drift" for well in WELLS})
    )
    assert lines[3:] == [
        f"drift, 20 of 40 imaged fields (50.0%), A01-B10: {summary.FLAGS['drift']}",
        "of_wells, 3 of 20 wells (15.0%), A01-A03",
    ]


def test_wells_that_lack_something_are_named_by_ranges():
    status = ["partial"] * 3 + ["ok"] * 7 + ["no_images"] * 9 + ["failed"]
    used = [1, 1, 0] + [2] * 7 + [0] * 10
    lines = described(well_table(status=status, n_fields_used=used))
    assert lines[0] == "plate p: 20 wells (9 no_images, 7 ok, 3 partial, 1 failed), 2,000 cells"
    assert lines[3:] == [
        "partial (fewer fields than expected): A01-A02 (1 of 2 fields), A03 (0 of 2 fields)",
        "failed (imaged, but not one field can be used): B10",
        "no_images (in the plate map, but not imaged): B01-B09",
    ]


def test_scattered_wells_are_not_all_listed():
    wells = well_table().assign(well=[f"{row}{column:02d}" for row in "ACEGIKMOQS" for column in (1, 3)])
    line = described(wells.assign(status="no_images"))[-1]
    assert line.endswith("A01, A03, C01, C03, E01, E03, G01, G03, I01, I03, K01, K03, and 8 more")


def test_a_plate_imaged_in_part_has_no_nan_and_no_long_line():
    """The case of a user: controls that were never imaged, and 46 wells in one line."""
    absent = well_table()["control"] != ""
    wells = well_table()
    wells.loc[absent, ["status", "n_fields_used", "n_total", "viability"]] = ["no_images", 0, np.nan, np.nan]
    lines = described(wells)
    assert lines == [
        "plate p: 20 wells (12 no_images, 8 ok), 800 cells",
        "negative controls: no control imaged (10 wells)",
        "positive controls: no control imaged (2 wells)",
        "no_images (in the plate map, but not imaged): A01-A10, B09-B10",
    ]
    wells.loc[0, ["status", "n_fields_used", "n_total", "viability"]] = ["ok", 2, 100, 0.8]
    assert described(wells)[1] == "negative controls: mean viability 0.800 (1 of 10 wells)"


def test_wells_of_several_timepoints_are_counted_once():
    wells = well_table(timepoints=(1, 2, 3))
    gone = wells["well"].isin(["A01", "A02"]) & (wells["timepoint"] > 1)
    wells.loc[gone, "status"] = "no_images"
    wells["viability"] -= 0.05 * wells["timepoint"]
    lines = described(wells)
    assert lines[0] == "plate p: 20 wells at 3 timepoints (56 ok, 4 no_images), 6,000 cells"
    assert (
        lines[1] == "negative controls: mean viability 0.850 at timepoint 1, 0.750 at timepoint 3 (10 wells)"
    )
    assert lines[3] == "no_images (in the plate map, but not imaged): A01-A02 (timepoints 2-3)"


@pytest.mark.parametrize(("n_empty", "told"), [(2, False), (3, True)])
def test_wells_without_a_cell_are_told_if_they_are_many(n_empty, told):
    wells = well_table(status=["no_cells"] * n_empty + ["ok"] * (20 - n_empty))
    assert any(line.startswith("no_cells (") for line in described(wells)) == told


def test_failed_fields_are_told_by_reason_with_an_example():
    failed = {(well, field) for well in WELLS[:3] for field in (1, 2)} | {("B04", 2)}
    fields = field_table(failed)
    fields.loc[fields["well"] == "B04", "code"] = "blank"
    lines, too_many = summary.failed_fields(fields, 0.2)
    assert not too_many
    assert [line.strip() for line in lines] == [
        "7 of 40 imaged fields failed (17.5%, allowed 20.0%)",
        "truncated, 6 fields of A01-A03, such as A01 field 1 timepoint 1: "
        "A01_1.tif: half of it; copy it again",
        "blank, 1 field of B04, such as B04 field 2 timepoint 1: B04_2.tif: half of it; copy it again",
    ]
    assert not summary.failed_fields(fields, 0.175)[1]
    assert summary.failed_fields(fields, 0.174)[1]
    assert len(summary.list_failed(fields)) == 7
    assert described(fields=fields, max_failed=0.1)[3].endswith("allowed 10.0%); the run ends with an error")
    assert described(fields=fields, max_failed=0.2)[3].endswith("allowed 20.0%)")


def test_a_plate_below_the_z_prime_asked_for_is_told():
    lines, short = summary.failed_quality(quality_table(z_prime=0.3), 0.5)
    assert short == ["timepoint 1: Z' of viability 0.300, below the 0.5 that is required"]
    assert lines == short
    assert summary.failed_quality(quality_table(z_prime=0.5), 0.5)[1] == []
    assert summary.failed_quality(quality_table(z_prime=np.nan), None)[1] == []
    assert "unknown" in summary.failed_quality(quality_table(z_prime=np.nan), 0.5)[1][0]
    assert f"{short[0]}; the run ends with an error" in described(
        quality=quality_table(z_prime=0.3), min_z=0.5
    )
    many = summary.failed_quality(quality_table([""] * 70, z_prime=0.3), 0.5)
    assert (len(many[0]), len(many[1]), many[1][-1]) == (70, 13, "and 58 more")


def run_of(wells, plates=(), notes=()):
    return summary.describe_run(wells, "results/wells.csv", plates, notes)


def test_a_run_ends_with_its_notes_and_its_table():
    text = run_of(well_table(), [["plate p: fine"], ["plate q: too"]], ["a note"])
    *lines, page, table = text.splitlines()
    assert lines == ["plate p: fine", "plate q: too", "a note"]
    assert page.startswith("results/report.html: ")
    assert table == "results/wells.csv: 20 rows, one per plate, well and timepoint"
    assert described(notes=["of the plate"])[-1] == "of the plate"


def test_a_run_that_counts_nothing_is_a_likely_mistake():
    assert "NOT ONE" not in run_of(well_table())
    text = run_of(well_table(**dict.fromkeys(COUNTS, 0)))
    for place in ("input_channels", "focus", "classes", "weights", "pixel_size_um", "min_area_um2"):
        assert place in text.split("NOT ONE CELL")[1]
    unused = run_of(well_table(**dict.fromkeys(COUNTS), n_fields_used=0))
    assert "NOT ONE FIELD" in unused
    assert "NOT ONE CELL" not in unused


def untold(**told):
    """The well table of a reading that tells nothing but one count."""
    return well_table(**dict.fromkeys([*COUNTS, "viability"], np.nan)).assign(**told)


@pytest.mark.parametrize(
    ("told", "counted", "why"),
    [
        ("n_live", "60 live cells", "no viability: the reading knows live cells alone"),
        ("n_dead", "60 dead cells", "no viability: the reading knows dead cells alone"),
        (
            "n_total",
            "60 cells",
            "no viability: the reading counts all cells, but does not tell live from dead",
        ),
    ],
)
def test_a_plate_without_viability_says_why(told, counted, why):
    wells = untold(**{told: 3})
    assert described(wells) == [f"plate p: 20 wells (20 ok), {counted}", why]
    assert "NOT ONE CELL" not in run_of(wells)
    assert "NOT ONE CELL" in run_of(untold(**{told: 0}))


def test_a_run_counted_a_cell_if_one_of_its_plates_did():
    plates = pd.concat([untold(n_total=0), untold(n_dead=0), untold(n_live=0)], ignore_index=True)
    assert "NOT ONE CELL" in run_of(plates)
    plates.loc[25, "n_dead"] = 1
    assert "NOT ONE CELL" not in run_of(plates)


def test_plates_that_share_images_are_named_and_others_are_not():
    def plate(*hashes):
        rows = [(f"A{k:02d}", 1, 1, sha256) for k, sha256 in enumerate(hashes, start=1)]
        return pd.DataFrame(rows, columns=["well", "field", "timepoint", "pixels_sha256"])

    # Failed fields have no hash; what one plate has twice is marked in its own table.
    fields = {"p": plate("a", "b", ""), "copy": plate("c", "a", "b"), "other": plate("d", "d", "")}
    assert summary.shared_images(fields) == [
        "THE SAME IMAGES in plates p and copy: 2 field(s), such as A01 field 1 timepoint 1 and "
        "A02 field 1 timepoint 1: was a folder copied?"
    ]
    assert summary.shared_images({"p": plate("a", ""), "other": plate("b", "")}) == []


def model(pixel_size_um, **changes):
    seen = {"pixel_size_um": pixel_size_um, "familiarity": {}}
    return {"classes_verified": True, "experience": seen, **changes}


def test_fields_that_were_resampled_are_told():
    by_dyes = {"model_sha256": "d"}
    for silent in ([model(None)], [model(0.65)], [model(1.3, experience=None)], [by_dyes]):
        assert summary.resampled(silent, 0.66) == []
    (line,) = summary.resampled([model(0.65)], 1.3)
    assert line == "fields are resampled for the network, from pixels of 1.3 um to 0.65 um"


def test_what_weights_do_not_say_is_told():
    unknown = "the pixel size that the network was trained at is not known"
    assert summary.unknown_of([model(0.65)]) == []
    assert summary.unknown_of([{"model_sha256": "d"}]) == []
    (line,) = summary.unknown_of([model(None)])
    assert line.startswith(unknown)
    (line,) = summary.unknown_of([model(0.65, experience={"pixel_size_um": 0.65})])
    assert line == summary.FAMILIARITY_UNKNOWN
    classes, size, familiarity = summary.unknown_of([model(None, classes_verified=False, experience=None)])
    assert classes == summary.CLASSES_NOT_VERIFIED
    assert size.startswith(unknown)
    assert familiarity == summary.FAMILIARITY_UNKNOWN
