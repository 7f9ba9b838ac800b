"""What an audit needs of the configuration, and what its numbers hang on."""

import pytest
import yaml

from livedead.configuration.derived import auditing_rules, config_sha256, counting_rules, wells_with_dyes
from livedead.configuration.keys import complete
from livedead.configuration.of_plates import check_sheet
from livedead.errors import ConfigError

DYES = "dyes: {total: hoechst, dead: draq7}\n"
OWN = "\taudit_wells", "\tC01"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "dyes: none; the audit needs two of them, to tell live from dead cells: total, live, dead"),
        ("dyes: {dead: draq7}\n", "dyes: dead; the audit needs two of them"),
        (
            DYES + "counting: {cell_area_um2: 100}\n",
            "counting.cell_area_um2 is 100: cells that are counted by",
        ),
        (DYES + "reading: dyes\n", "an audit compares a network with dyes, but here 'reading: dyes'"),
    ],
)
def test_what_leaves_nothing_to_audit_is_refused(sheet, text, said):
    with pytest.raises(ConfigError) as error:
        check_sheet(*sheet(text, *OWN))
    assert f"plates.tsv: plate p1, column 'audit_wells': {said}" in str(error.value)


@pytest.mark.parametrize("dyes", ["total: hoechst, dead: draq7", "live: hoechst, dead: draq7"])
def test_dyes_that_tell_states_can_audit(sheet, dyes):
    check_sheet(*sheet(f"dyes: {{{dyes}}}\n", *OWN))


def test_a_borrowed_audit_is_refused_where_dyes_read(sheet):
    columns, values = "\taudit_wells\taudit_plate", "\t\t"
    config, plates, written = sheet(DYES + "reading: dyes\n", columns, values)
    check_sheet(config, plates, written)
    plates.loc["p2", "audit_plate"] = "p1"
    with pytest.raises(ConfigError, match="plate p2, column 'audit_plate': an audit compares a network"):
        check_sheet(config, plates, written)


def test_audited_cells_are_counted_as_a_reading_by_dyes_counts(schema, needed):
    config = yaml.safe_load(needed + "counting: {min_area_um2: 9, min_context_fraction: 0.2}\n")
    complete(config, schema)
    of_network, of_dyes = counting_rules(config), auditing_rules(config)
    assert (of_network["split_depth_um"], of_dyes["split_depth_um"]) == (0, None)
    changed = {"split_depth_um": None, "min_context_fraction": 0}
    assert of_dyes == {**of_network, **changed}


def test_wells_with_dyes_are_those_to_train_on_and_those_to_audit_in_plate_order():
    assert wells_with_dyes({"dyed_wells": ["A02", "H01"], "audit_wells": ["B01", "A10"]}) == [
        "A02", "A10", "B01", "H01",
    ]  # fmt: skip
    assert wells_with_dyes({"dyed_wells": [], "audit_wells": []}) == []


def test_the_hash_covers_the_audit_and_its_dyes_only_where_there_is_one(schema, needed):
    def hashed(text=DYES, lent=True, **auditor):
        config = yaml.safe_load(needed + text)
        complete(config, schema)
        plate = {"pixel_size_um": 0.65, "bit_depth": 16, "control_plate": "", "dyed_wells": []}
        audited = {**plate, "audit_wells": ["A01", "A02"], **auditor}
        return config_sha256(config, plate, audited) if lent else config_sha256(config, plate)

    changed = [
        hashed(),
        hashed(lent=False),
        hashed(DYES.replace("draq7", "brightfield")),
        hashed(audit_wells=["A01"]),
        hashed(dyed_wells=["B01"]),
        hashed(pixel_size_um=0.66),
    ]
    assert len(set(changed)) == len(changed)
    assert hashed(lent=False) == hashed("", lent=False)


@pytest.mark.parametrize("plate", ["p2", "p"])
def test_a_plan_from_a_plate_without_an_audit_is_refused(sheet, plate, lines):
    with pytest.raises(ConfigError) as error:
        check_sheet(*sheet(f"audit: {{plate: {plate}}}\n" + DYES, "\taudit_wells", "\t"))
    assert f"config.yaml: line {lines + 1}, audit.plate: '{plate}' has no audit_wells" in str(error.value)
    check_sheet(*sheet("audit: {plate: p1}\n" + DYES, *OWN))
