import pytest
from conftest import CLASSES

from livedead.errors import ConfigError
from livedead.network.classes import Classes


def test_numbers_by_role():
    classes = Classes.from_config(CLASSES)
    assert classes == Classes(background=(0,), context=(1,), boundary=(2,), live=(3,), dead=(4,))
    assert classes.nuclei == (3, 4)
    assert classes.of("boundary") == (2,)


def test_several_classes_of_one_role_and_roles_that_an_assay_lacks():
    roles = ["dead", "background", "live", "dead"]
    classes = Classes.from_config([{"name": f"class {k}", "role": role} for k, role in enumerate(roles)])
    assert (classes.live, classes.dead, classes.context, classes.boundary) == ((2,), (0, 3), (), ())


def test_one_state_alone_is_taken_as_live():
    dead = Classes.from_config(CLASSES).only("dead")
    assert (dead.live, dead.dead, dead.nuclei, dead.background) == ((4,), (), (4,), (0,))


def test_roles_and_names_are_checked():
    with pytest.raises(ConfigError, match="no class of role dead"):
        Classes.from_config(CLASSES[:4])
    with pytest.raises(ConfigError, match="'nucleus'"):
        Classes.from_config([*CLASSES, {"name": "x", "role": "nucleus"}])
    with pytest.raises(ConfigError, match="classes: background is given twice"):
        Classes.from_config([*CLASSES, {"name": "background", "role": "context"}])


@pytest.mark.parametrize(
    ("live", "dead", "unknown", "known"),
    [
        ((2,), (3,), (), ("n_live", "n_dead", "n_ambiguous", "n_total")),
        ((2,), (3,), (4,), ("n_live", "n_dead", "n_ambiguous", "n_total")),
        ((2,), (), (), ("n_live",)),
        ((), (3,), (), ("n_dead",)),
        ((), (), (4,), ("n_total",)),
    ],
)
def test_counts_that_classes_tell(live, dead, unknown, known):
    classes = Classes(background=(0,), live=live, dead=dead, unknown=unknown)
    assert classes.known == known
    assert classes.nuclei == live + dead + unknown == classes.of("live") + classes.of("dead") + unknown


def test_a_network_has_no_unknown_class():
    with pytest.raises(ConfigError, match="role 'unknown'"):
        Classes.from_config([*CLASSES, {"name": "cell of either state", "role": "unknown"}])
