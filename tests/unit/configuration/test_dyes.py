"""Settings of dyes that do not go together, and the keys of earlier releases."""

import pytest

READ = "plates: plates.tsv\nchannels: {brightfield: w1, hoechst: w2, draq7: w3}\nreading: dyes\n"
GIVEN = "total: hoechst, dead: draq7"

# Settings of the section dyes, the key that is named, what is said.
CONTRADICTIONS = [
    ("total: null", "dyes", "no dye to read; name the channel of at least one: total, live, dead"),
    ("total: hoechst, dead: hoechst", "dyes.dead", "'hoechst' is dyes.total, too"),
    ("total: hoechst, dead: dapi", "dyes.dead", "no channel 'dapi'"),
    (f"{GIVEN}, threshold: {{live: 300}}", "dyes.threshold.live", "300, but dyes.live is null"),
    (f"{GIVEN}, both: live", "dyes.both", "'live' needs dyes.live and dyes.dead"),
    ("dead: draq7, dead_by: mean", "dyes.dead_by", "'mean' needs a live or a dead dye beside another one"),
    ("total: hoechst, stained_fraction: 0.3", "dyes.stained_fraction", "0.3 needs a live or a dead dye"),
    (f"{GIVEN}, dead_by: mean, stained_fraction: 0.3", "dyes.stained_fraction", "dead_by is 'mean'"),
    (f"{GIVEN}, stained_fraction: 1", "dyes.stained_fraction", "allowed: a number, above 0, below 1"),
    (
        f"{GIVEN}, threshold: {{dead: otsus}}",
        "dyes.threshold.dead",
        "auto, controls, otsu, sigma, or a number",
    ),
    (f"{GIVEN}, threshold: {{dead: 0}}", "dyes.threshold.dead", "above 0"),
    (f"{GIVEN}, threshold: otsu", "dyes.threshold", "a section with the keys total, live, dead"),
    (f"{GIVEN}, sigmas: 0", "dyes.sigmas", "above 0"),
    (f"{GIVEN}, seeds: 1", "dyes.seeds", "did you mean 'seed'?"),
]


@pytest.mark.parametrize(("text", "key", "said"), CONTRADICTIONS, ids=[text for text, _, _ in CONTRADICTIONS])
def test_dyes_that_do_not_go_together_are_refused(mistakes, text, key, said):
    (found,) = mistakes(f"dyes: {{{text}}}\n", READ)
    assert found.startswith(f"config.yaml: line 4, {key}: ")
    assert said in found


@pytest.mark.parametrize(
    "dyes",
    [
        GIVEN,
        "live: hoechst, dead: draq7, both: live, dead_by: mean",
        "total: hoechst, live: draq7, stained_fraction: 0.3",
        "dead: draq7",
        "live: hoechst",
        "total: hoechst",
        # As written out in full, with every default.
        f"{GIVEN}, live: null, threshold: {{live: auto, dead: 9.5}}, both: dead, dead_by: fraction",
    ],
)
def test_every_logic_of_dyes_needs_neither_weights_nor_classes(mistakes, dyes):
    assert mistakes(f"dyes: {{{dyes}}}\n", READ) == []


def test_what_the_network_would_need_is_not_looked_at_where_dyes_are_read(mistakes):
    assert mistakes(f"dyes: {{{GIVEN}}}\ninput_channels: [phase]\n", READ) == []
    text = f"dyes: {{{GIVEN}, stained_fraction: 0.2}}\ncounting: {{ambiguous_margin: 0.5}}\n"
    (found,) = mistakes(text, READ)
    assert found.startswith("config.yaml: line 5, counting.ambiguous_margin: ambiguous_margin 0.5 is so wide")
    (found,) = mistakes(f"dyes: {{{GIVEN}}}\ncounting: {{min_context_fraction: 0.2}}\n", READ)
    assert found.startswith(
        "config.yaml: line 5, counting.min_context_fraction: 0.2 needs a class of role context"
    )


def test_a_reading_that_does_not_exist_is_refused_alone(mistakes):
    (found,) = mistakes(f"dyes: {{{GIVEN}}}\n", READ.replace("reading: dyes", "reading: dye"))
    assert found == "config.yaml: line 3, reading: 'dye'; allowed: network, dyes (did you mean 'dyes'?)"


@pytest.mark.parametrize(
    ("text", "key", "instead"),
    [
        ("live_dye: hoechst", "labels.live_dye", "dyes.total"),
        ("dead_dye: draq7", "labels.dead_dye", "dyes.dead"),
        ("dyes: {threshold: otsu}", "labels.dyes.threshold", "dyes.threshold.total and dyes.threshold.dead"),
        ("dyes: {live_offset: 300}", "labels.dyes.live_offset", "dyes.threshold.total, which takes a number"),
        ("dyes: {dead_offset: 300}", "labels.dyes.dead_offset", "dyes.threshold.dead, which takes a number"),
        ("dyes: {min_area_px: 25}", "labels.dyes.min_area_px", "counting.min_area_px"),
    ],
)
def test_a_key_of_an_earlier_release_says_what_to_write(mistakes, lines, text, key, instead):
    (found,) = mistakes(f"labels: {{{text}}}\n")
    assert found.startswith(f"config.yaml: line {lines + 1}, {key}: this key was replaced; write {instead}")
