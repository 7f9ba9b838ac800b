"""Paths that are named and lead nowhere, and results that no longer stand."""

import json

import pytest

from livedead.configuration.paths import changed_since, missing_paths, missing_raw


def test_every_named_path_that_is_not_there_is_told(sheet, folder, lines):
    (folder / "masks").mkdir()
    text = "training: {encoder: data/encoder.h5, start: start.h5}\n"
    config, table, written = sheet(text, "\tmasks\tplatemap", "\tmasks/{well}_{field:02d}.png\tmap.csv")

    def missing():
        there = missing_paths(config, table, lambda path: (folder / path).exists(), written)
        return [problem.split(": no ")[0] for problem in there]

    assert missing() == [
        "config.yaml: line 2, weights: unet.h5",
        f"config.yaml: line {lines + 1}, training.encoder: data/encoder.h5",
        f"config.yaml: line {lines + 1}, training.start: start.h5",
        "plates.tsv: plate map map.csv of plates p1, p2",
        "plates.tsv: plate p1, column 'masks': masks/{well}_{field:02d}.png",
    ]
    for name in ("unet.h5", "data/encoder.h5", "start.h5", "map.csv", "masks/B01_02.png"):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).touch()
    assert missing() == []


@pytest.mark.parametrize(
    ("columns", "values", "told"),
    [("\tboxes", "\tlost.csv", "boxes"), ("\tmasks\tstates", "\t{well}.png\tlost.csv", "states")],
)
def test_sheets_of_cells_that_are_not_there_are_told(sheet, folder, columns, values, told):
    (folder / "A01.png").touch()
    config, table, written = sheet("", columns, values)
    table["dyed_wells"] = [[], []]
    missing = missing_paths(config, table, lambda path: path != "lost.csv", written)
    assert [problem.split(": no ")[0] for problem in missing] == [
        f"plates.tsv: plate {plate}, column {told!r}: lost.csv" for plate in ("p1", "p2")
    ]


def test_a_lost_raw_folder_is_an_error_unless_its_results_stand(sheet):
    _, table, _ = sheet("")
    problems, warnings = missing_raw(table, lambda raw: False, lambda plate: plate == "p1", lambda plate: "")
    assert [line.split(":")[0] for line in problems] == ["plate p2, column 'raw'"]
    assert "not all of its results" in problems[0]
    assert warnings == [
        "plate p1, column 'raw': raw1: no such folder; its results are kept as they are, "
        "and none of them can be made again"
    ]
    problems, warnings = missing_raw(
        table, lambda raw: raw == "raw2", lambda plate: True, lambda plate: "made with other settings"
    )
    assert warnings == []
    assert len(problems) == 1
    assert "made with other settings" in problems[0]


def test_results_stand_only_for_the_settings_weights_and_code_that_made_them(tmp_path):
    weights = tmp_path / "unet.h5"
    weights.write_bytes(b"abc")
    # SHA-256 of "abc", FIPS 180-2, appendix B.1.
    source = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    row_of_p1 = {"raw": "raw1", "format": "auto", "wells": 96}
    row_of_p1 |= {"files": "", "file_pattern": None, "well_numbers": ""}
    made = {
        "wells": "plate,model_sha256,config_sha256\np1,m,c\n",
        "model": json.dumps({"source": {"sha256": source}, "model_sha256": "m"}),
        "provenance": json.dumps(
            {
                "code_sha256": {"index_plate": "i", "tabulate_wells": "t"},
                "plates": {"p1": {"sheet": row_of_p1}},
            }
        ),
    }
    files = {"weights": str(weights), **{name: str(tmp_path / name) for name in made}}

    def changed(config_sha256="c", code="i", row=(), **contents):
        for name, text in {**made, **contents}.items():
            (tmp_path / name).write_text(text)
        return changed_since(
            files,
            plate="p1",
            sheet={**row_of_p1, **dict(row)},
            config_sha256=config_sha256,
            code_sha256={"index_plate": code},
        )

    assert changed() == ""
    assert "other settings" in changed(config_sha256="d")
    assert "another release" in changed(code="j")
    assert "made from raw1" in changed(row={"raw": "rwa1"})
    # What says which image is which field changes no setting that is hashed.
    assert "made with format 'auto' instead of 'pattern'" in changed(row={"format": "pattern"})
    assert "made with wells 96 instead of 384" in changed(row={"wells": 384})
    assert "made with file_pattern None instead of '{well}'" in changed(row={"file_pattern": "{well}"})
    assert "made with files '' instead of 'A*'" in changed(row={"files": "A*"})
    assert "made with well_numbers '' instead of 'rows'" in changed(row={"well_numbers": "rows"})
    assert "other weights" in changed(wells=made["wells"].replace("m,c", "n,c"))
    assert changed(model=json.dumps({"source": {}, "model_sha256": "m"})) == ""
    weights.write_bytes(b"abd")
    assert "other weights" in changed()
