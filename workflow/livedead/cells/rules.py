"""What counts as a cell, and as live.

Every start of Snakemake checks these rules, so this module must load quickly: no SciPy.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from livedead.errors import ConfigError
from livedead.network.classes import Classes

EDGE_RULES = ("keep", "exclude", "counting_frame")
DEAD_BY = ("fraction", "mean")
BOTH = ("dead", "live")

TIE = 1e-12
"""Shares that differ by less are equal: one pixel of the largest cell weighs more."""


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
        0 to 1; exact ties are always ambiguous. With another `dead_fraction` than 0.5: if its share of
        dead pixels is nearer to that than half of this.
    dead_fraction : float
        A cell is dead if a larger share of its pixels is dead, live if a smaller one is; more
        than 0, less than 1. Less than 0.5 suits a dead dye in the nucleus of a cell that a live dye fills.
    dead_by : {'fraction', 'mean'}
        What decides on a cell: the vote of its pixels, or, where dyes are read, its mean signals, see
        `livedead.cells.signals.states_by_mean`.
    both : {'dead', 'live'}
        State of a cell whose mean signals are both above their thresholds.
    split_depth_um : float
        Touching cells are cut where the distance from the edge dips by more than this between
        two centres; 0 leaves them joined.
    cell_area_um2 : float
        Area of one cell, where all cells are about equally large: an object of n times that area,
        rounded, counts as n cells, see `livedead.cells.splitting.divide_by_area`. 0 counts it as one.
    min_context_fraction : float
        A nucleus is counted only if at least this share of its outline borders on a context
        class, 0 to 1; outline towards other nuclei and towards the field's edge does not vote.
    edge_rule : {'keep', 'exclude', 'counting_frame'}
        Which cells at the field's edge are counted: all, none, or, with the counting frame, those
        at the upper and left side that do not touch the lower or right one, so that fields side by
        side would count each cell once (Gundersen 1977, J. Microsc. 111:219,
        https://doi.org/10.1111/j.1365-2818.1977.tb00062.x).
    edge_margin_um : float
        Cells whose centre is nearer to the field's edge are not counted, nor is the area there: of the cells
        that the edge cuts, too little may be seen to tell what they are. Needs `edge_rule` 'keep'.
    shape_descriptors : bool
        Also measure `livedead.cells.measures.SHAPES`, which takes ten times as long as all else.

    Examples
    --------
    >>> rules = CountingRules(min_area_um2=20, ambiguous_margin=0.25)
    >>> rules.vote(np.array([0.9, 0.6, 0.5, 0.1])).tolist()
    ['live', 'ambiguous', 'ambiguous', 'dead']
    >>> CountingRules(dead_fraction=0.2).vote(np.array([0.9, 0.8, 0.7])).tolist()
    ['live', 'ambiguous', 'dead']
    >>> rules.allow_area(np.array([10, 100]), pixel_size_um=0.5).tolist()
    [False, True]
    """

    min_area_um2: float = 15.0
    max_area_um2: float = float("inf")
    min_area_px: float = 0
    max_area_px: float | None = None
    max_aspect_ratio: float | None = None
    ambiguous_margin: float = 0.0
    dead_fraction: float = 0.5
    dead_by: str = "fraction"
    both: str = "dead"
    split_depth_um: float = 0.0
    cell_area_um2: float = 0.0
    min_context_fraction: float = 0.0
    edge_rule: str = "keep"
    edge_margin_um: float = 0.0
    shape_descriptors: bool = False

    def __post_init__(self) -> None:
        for name, allowed in (("edge_rule", EDGE_RULES), ("dead_by", DEAD_BY), ("both", BOTH)):
            if getattr(self, name) not in allowed:
                raise ConfigError(f"{name} {getattr(self, name)!r}; allowed: {', '.join(allowed)}")
        if self.edge_margin_um and self.edge_rule != "keep":
            raise ConfigError(
                f"edge_margin_um {self.edge_margin_um} needs edge_rule keep, not {self.edge_rule}"
            )
        if not 0 < self.dead_fraction < 1:
            raise ConfigError(f"dead_fraction {self.dead_fraction}; allowed: more than 0 and less than 1")
        if list(self.vote(np.array([1.0, 0.0]))) != ["live", "dead"]:
            raise ConfigError(
                f"ambiguous_margin {self.ambiguous_margin} is so wide around dead_fraction "
                f"{self.dead_fraction} that a cell of one class alone would be ambiguous; make it smaller"
            )

    @classmethod
    def from_config(cls, counting: dict[str, Any]) -> "CountingRules":
        """Rules from what `livedead.configuration.derived.counting_rules` gives."""
        return cls(**counting)

    def vote(
        self, live_share: np.ndarray, unknown_share: np.ndarray | float = 0.0, undecided: str = "ambiguous"
    ) -> np.ndarray:
        """State of each cell, from the shares of its pixels.

        Parameters
        ----------
        live_share, unknown_share : ndarray, (n_cells,)
            Of pixels that vote for live, and of those that do not vote; all others vote for dead.
        undecided : str
            State of a cell that is neither ``live`` nor ``dead``.

        Returns
        -------
        ndarray, (n_cells,), object
        """
        live_lead = 2 * (live_share - (1 - self.dead_fraction))
        dead_lead = -live_lead - 2 * unknown_share
        needed = max(self.ambiguous_margin, TIE)
        states = np.select([live_lead >= needed, dead_lead >= needed], ["live", "dead"], undecided)
        return states.astype(object)

    def allow_area(self, area_px: np.ndarray, pixel_size_um: float) -> np.ndarray:
        """Which cells are neither too small nor too large, (n_cells,) bool."""
        area_um2 = area_px * pixel_size_um**2
        allowed = (area_um2 >= self.min_area_um2) & (area_um2 <= self.max_area_um2)
        allowed &= area_px >= self.min_area_px
        return allowed if self.max_area_px is None else allowed & (area_px <= self.max_area_px)

    def allow_edge(self, near: np.ndarray, far: np.ndarray) -> np.ndarray:
        """Which cells may lie where they are, (n_cells,) bool.

        Parameters
        ----------
        near, far : ndarray, (n_cells,), bool
            Whether a cell touches the upper or left side of the field, and the lower or right one.
        """
        left_out = {"keep": np.zeros_like(far), "exclude": near | far, "counting_frame": far}
        return ~left_out[self.edge_rule]

    def within_margin(
        self, y_px: np.ndarray, x_px: np.ndarray, shape: tuple[int, ...], pixel_size_um: float
    ) -> np.ndarray:
        """Which cells have their centre `edge_margin_um` away from the edge of a field, (n_cells,) bool."""
        depths = [np.minimum(at + 0.5, side - at - 0.5) for at, side in zip((y_px, x_px), shape, strict=True)]
        return np.minimum(*depths) * pixel_size_um >= self.edge_margin_um

    def counted_area_mm2(self, shape: tuple[int, ...], pixel_size_um: float) -> float:
        """Area that the counted cells of a field of `shape` stand for.

        A cell that touches the last row or column is left to the next field; so the
        counting frame tiles the plane in steps of (H - 1, W - 1) pixels, not (H, W).
        """
        left_out_px = 1 if self.edge_rule == "counting_frame" else 2 * self.edge_margin_um / pixel_size_um
        height, width = (max(side - left_out_px, 0) for side in shape)
        return height * width * pixel_size_um**2 / 1e6


def check_rules(classes: Classes, rules: CountingRules) -> None:
    """Raise `ConfigError` if the rules need a context class and there is none."""
    if rules.min_context_fraction > 0 and not classes.context:
        raise ConfigError("min_context_fraction needs a class of role context; there is none in 'classes'")
