"""Settings of dyes that contradict each other, or lack what they need."""

from collections.abc import Iterator, Mapping
from typing import Any

from livedead.cells.rules import CountingRules
from livedead.configuration.written import Contradiction
from livedead.dyes.settings import ROLES
from livedead.errors import ConfigError

STATES = ("live", "dead")
"""Dyes that tell a state; the total dye tells none."""


def contradicting_dyes(config: Mapping[str, Any]) -> Iterator[Contradiction]:
    """The contradictions in the section ``dyes``, and with it."""
    dyes, reads = config["dyes"], config["reading"] == "dyes"
    given = [role for role in ROLES if dyes[role] is not None]
    if reads and not given:
        yield [("dyes",)], f"no dye to read; name the channel of at least one: {', '.join(ROLES)}"
    for number, role in enumerate(given):
        for other in given[:number]:
            if dyes[role] == dyes[other]:
                yield [("dyes", role), ("dyes", other)], f"{dyes[role]!r} is dyes.{other}, too"
    for role in ROLES:
        threshold = dyes["threshold"][role]
        if role not in given and threshold != "auto":
            yield [("dyes", "threshold", role)], f"{threshold!r}, but dyes.{role} is null; name its channel"
    telling = [role for role in STATES if role in given]
    if dyes["both"] != "dead" and telling != ["live", "dead"]:
        yield [("dyes", "both")], f"{dyes['both']!r} needs dyes.live and dyes.dead; name both channels"
    if not (telling and len(given) > 1):
        needed = "a live or a dead dye beside another one, to tell live from dead cells"
        if dyes["dead_by"] != "fraction":
            yield [("dyes", "dead_by")], f"{dyes['dead_by']!r} needs {needed}"
        if dyes["stained_fraction"] is not None:
            yield [("dyes", "stained_fraction")], f"{dyes['stained_fraction']} needs {needed}"
    elif dyes["dead_by"] == "mean" and dyes["stained_fraction"] is not None:
        yield [("dyes", "stained_fraction")], "not used, as dyes.dead_by is 'mean'; remove one of them"
    if reads:
        yield from _counting(config["counting"], dyes["stained_fraction"])


def _counting(counting: Mapping[str, Any], stained_fraction: float | None) -> Iterator[Contradiction]:
    """Rules of counting that dyes rule out."""
    context, margin = counting["min_context_fraction"], counting["ambiguous_margin"]
    if context > 0:
        yield (
            [("counting", "min_context_fraction")],
            f"{context} needs a class of role context, which dyes do not give; remove it",
        )
    if stained_fraction is not None:
        try:
            CountingRules(ambiguous_margin=margin, dead_fraction=stained_fraction)
        except ConfigError as error:
            yield [("counting", "ambiguous_margin"), ("dyes", "stained_fraction")], str(error)


def missing_dyes(dyes: Mapping[str, Any], drawn: bool, what: str = "training") -> list[str]:
    """What is missing of the section ``dyes`` to tell states by; `drawn` objects need a dead dye alone.

    Parameters
    ----------
    what : str
        What needs them, for the message.
    """
    if drawn:
        return [] if dyes["dead"] else [f"dyes.dead: null; {what} needs the dye inside the drawn objects"]
    given = [role for role in ROLES if dyes[role]]
    if len(given) < 2:
        named = ", ".join(given) or "none"
        return [f"dyes: {named}; {what} needs two of them, to tell live from dead cells: {', '.join(ROLES)}"]
    return []
