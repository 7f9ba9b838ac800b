"""What counts as a cell, and as live: the roles of classes, and the rules.

Apart from `livedead.cells.counting`, as every start of Snakemake checks them and should not load SciPy.
"""

from dataclasses import dataclass, replace
from typing import Any

from livedead.errors import ConfigError

ROLES = ("background", "context", "boundary", "live", "dead")
EDGE_RULES = ("keep", "exclude", "counting_frame")


@dataclass(frozen=True)
class Classes:
    """The classes that a network tells apart, as numbers in a class map, by their role.

    Attributes
    ----------
    background, live, dead, context, boundary : tuple of int
    """

    background: tuple[int, ...]
    live: tuple[int, ...]
    dead: tuple[int, ...]
    context: tuple[int, ...] = ()
    boundary: tuple[int, ...] = ()

    @classmethod
    def from_config(cls, entries: list[dict[str, str]]) -> "Classes":
        """Classes from their list in the configuration, where each has a ``name`` and a ``role``.

        Raises
        ------
        ConfigError
            If live, dead or background is missing, a role is unknown, or a name is given twice.
        """
        names = [entry["name"] for entry in entries]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ConfigError(f"classes: {', '.join(twice)} is given twice; each class has a name of its own")
        numbers: dict[str, list[int]] = {role: [] for role in ROLES}
        for number, entry in enumerate(entries):
            if entry["role"] not in ROLES:
                raise ConfigError(
                    f"class {entry['name']!r}: role {entry['role']!r}; allowed: {', '.join(ROLES)}"
                )
            numbers[entry["role"]].append(number)
        missing = sorted(role for role in ("background", "live", "dead") if not numbers[role])
        if missing:
            raise ConfigError(f"classes: no class of role {', '.join(missing)}")
        return cls(**{role: tuple(found) for role, found in numbers.items()})

    @property
    def nuclei(self) -> tuple[int, ...]:
        """Classes that cells are made of."""
        return self.live + self.dead

    def of(self, role: str) -> tuple[int, ...]:
        """Classes of one of `ROLES`."""
        found: tuple[int, ...] = getattr(self, role)
        return found

    def only(self, state: str) -> "Classes":
        """The classes of one state alone, taken as live."""
        return replace(self, live=self.of(state), dead=())


@dataclass(frozen=True)
class CountingRules:
    """What counts as a cell, and as live.

    Attributes
    ----------
    min_area_um2, max_area_um2 : float
        Smaller and larger cells are not counted.
    min_area_px, max_area_px : float
        The same in pixels; both limits hold. None is no limit.
    max_aspect_ratio : float, optional
        Cells longer than this times their width are not counted; the axes are those of the
        ellipse with the same second moments. None is no limit.
    ambiguous_margin : float
        A cell is ambiguous if the shares of its live and dead pixels differ by less than this,
        0 to 1; exact ties are always ambiguous.
    split_depth_um : float
        Touching cells are cut where the distance from the edge dips by more than this between
        two centres; 0 leaves them joined.
    cell_area_um2 : float
        Area of one cell, where all cells are nearly equally large: what has n times that area,
        rounded, counts as n cells, see `livedead.cells.counting.divide_by_area`. 0 counts it as one.
    min_context_fraction : float
        A nucleus is counted only if at least this share of its outline borders on a context
        class, 0 to 1; outline towards other nuclei and towards the field's edge does not vote.
    edge_rule : str
        Cells at the field's edge: ``keep`` counts all of them; ``exclude`` none; the
        ``counting_frame`` those of the upper and left side that do not touch the lower or right
        one, so that fields side by side would count each cell once (Gundersen 1977, J. Microsc.
        111:219, https://doi.org/10.1111/j.1365-2818.1977.tb00062.x).
    shape_descriptors : bool
        Also measure `livedead.cells.counting.SHAPES`, which takes ten times as long as all else.
    """

    min_area_um2: float = 15.0
    max_area_um2: float = float("inf")
    min_area_px: float = 0
    max_area_px: float | None = None
    max_aspect_ratio: float | None = None
    ambiguous_margin: float = 0.0
    split_depth_um: float = 0.0
    cell_area_um2: float = 0.0
    min_context_fraction: float = 0.0
    edge_rule: str = "keep"
    shape_descriptors: bool = False

    def __post_init__(self) -> None:
        if self.edge_rule not in EDGE_RULES:
            raise ConfigError(f"edge_rule {self.edge_rule!r}; allowed: {', '.join(EDGE_RULES)}")

    @classmethod
    def from_config(cls, counting: dict[str, Any]) -> "CountingRules":
        """Rules from what `livedead.configuration.counting_rules` gives."""
        return cls(**counting)

    def counted_area_mm2(self, shape: tuple[int, ...], pixel_size_um: float) -> float:
        """Area that the counted cells of a field of `shape` stand for.

        A cell is left to the next field if it touches the last row or column; so the
        counting frame tiles the plane in steps of (H - 1, W - 1) pixels, not (H, W).
        """
        margin = 1 if self.edge_rule == "counting_frame" else 0
        return (shape[0] - margin) * (shape[1] - margin) * pixel_size_um**2 / 1e6


def check_rules(classes: Classes, rules: CountingRules) -> None:
    """Raise `ConfigError` if the rules need a context class and there is none."""
    if rules.min_context_fraction > 0 and not classes.context:
        raise ConfigError("min_context_fraction needs a class of role context; there is none in 'classes'")
