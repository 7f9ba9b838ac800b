"""The classes that a reading tells apart, by their role."""

from dataclasses import dataclass, replace

from livedead.errors import ConfigError
from livedead.tables import COUNTS

ROLES = ("background", "context", "boundary", "live", "dead")
"""Roles that the classes of a network may have; those of dyes may be `unknown` besides."""


@dataclass(frozen=True)
class Classes:
    """Numbers of the classes in a class map, by their role.

    Attributes
    ----------
    background : tuple of int
    live, dead : tuple of int
        Either may be empty where dyes are read, both if the classes are `unknown`.
    context : tuple of int
        What surrounds nuclei: the rest of the cell.
    boundary : tuple of int
        Outlines, which part cells that touch.
    unknown : tuple of int
        Cells whose pixels do not say whether they are live or dead, as where a dye stains all cells alike.
    """

    background: tuple[int, ...]
    live: tuple[int, ...]
    dead: tuple[int, ...]
    context: tuple[int, ...] = ()
    boundary: tuple[int, ...] = ()
    unknown: tuple[int, ...] = ()

    @classmethod
    def from_config(cls, entries: list[dict[str, str]]) -> "Classes":
        """A network's classes from their list in the configuration: each has a ``name`` and a ``role``.

        Raises
        ------
        ConfigError
            If live, dead or background is missing, a role is unknown, or a name is given twice.

        Examples
        --------
        >>> roles = {"medium": "background", "healthy": "live", "rounded": "live", "lysed": "dead"}
        >>> classes = Classes.from_config([{"name": name, "role": role} for name, role in roles.items()])
        >>> classes.live, classes.nuclei
        ((1, 2), (1, 2, 3))
        """
        names = [entry["name"] for entry in entries]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ConfigError(f"classes: {', '.join(twice)} is given twice; each class needs its own name")
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
        return self.live + self.dead + self.unknown

    @property
    def known(self) -> tuple[str, ...]:
        """Those of `livedead.tables.COUNTS` that a class map of these classes tells.

        Examples
        --------
        >>> Classes(background=(0,), live=(), dead=(3,)).known
        ('n_dead',)
        >>> Classes(background=(0,), live=(2,), dead=(3,)).known
        ('n_live', 'n_dead', 'n_ambiguous', 'n_total')
        """
        if self.live and self.dead:
            return tuple(COUNTS)
        told = {"n_live": self.live, "n_dead": self.dead, "n_total": self.unknown}
        return tuple(name for name, numbers in told.items() if numbers)

    @property
    def states(self) -> tuple[str, ...]:
        """States that the cells of such a class map may have.

        Examples
        --------
        >>> Classes(background=(0,), live=(2,), dead=(3,)).states
        ('live', 'dead', 'ambiguous')
        >>> Classes(background=(0,), live=(), dead=(), unknown=(1,)).states
        ('unknown',)
        """
        told = (name.removeprefix("n_") for name in self.known if name != "n_total")
        return (*told, *(["unknown"] if self.unknown else []))

    def of(self, role: str) -> tuple[int, ...]:
        """Classes of one of `ROLES`, or of role ``unknown``."""
        found: tuple[int, ...] = getattr(self, role)
        return found

    def only(self, state: str) -> "Classes":
        """The classes of one state alone, taken as live."""
        return replace(self, live=self.of(state), dead=())
