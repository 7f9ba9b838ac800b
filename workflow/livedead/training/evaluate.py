"""How good the readings are, against a truth that the network or the chain never saw."""

from collections.abc import Callable, Collection, Iterator
from typing import Any

import numpy as np
import pandas as pd

from livedead.cells.counting import count_states, label_cells, measure_cells
from livedead.errors import ConfigError
from livedead.logs import progress
from livedead.network.classes import ROLES, Classes, CountingRules
from livedead.statistics.agreement import FIELD, N_WORST, worst_fields
from livedead.training.tiles import LabelledFields

CELL = ["area_um2", "true", "found", "live_share"]


def compare_counts(fields: pd.DataFrame, truth_cells: pd.DataFrame) -> tuple[pd.DataFrame, dict[str, Any]]:
    """Compare counted with true cells, on the fields that were counted.

    Parameters
    ----------
    fields : DataFrame
        The chain's fields.
    truth_cells : DataFrame
        A true cell: ``well, field, state``.

    Returns
    -------
    wells : DataFrame
        A well: counted and true ``n_live``, ``n_dead``, ``n_total``, ``viability``.
    errors : dict
        ``total_relative_error`` over the plate, ``viability_mean_absolute_error`` over wells.
    """
    used = fields[fields["status"] == "ok"]
    key = ["well", "field"]
    true = truth_cells.groupby(key)["state"].value_counts().unstack(fill_value=0)
    true = true.reindex(pd.MultiIndex.from_frame(used[key]), fill_value=0)
    for state in ("live", "dead"):
        if state not in true:
            true[state] = 0
    true = true.groupby("well")[["live", "dead"]].sum()
    found = used.groupby("well")[["n_live", "n_dead", "n_total"]].sum()
    wells = found.assign(
        true_live=true["live"], true_dead=true["dead"], true_total=true["live"] + true["dead"]
    )
    decided = wells["n_live"] + wells["n_dead"]
    wells["viability"] = wells["n_live"] / decided.replace(0, np.nan)
    wells["true_viability"] = wells["true_live"] / wells["true_total"].replace(0, np.nan)
    error = (wells["viability"] - wells["true_viability"]).abs()
    total = float(wells["true_total"].sum())
    errors = {
        "n_wells": len(wells),
        "n_cells_true": int(total),
        "n_cells_counted": int(wells["n_total"].sum()),
        "total_relative_error": float(wells["n_total"].sum() / total - 1),
        "viability_mean_absolute_error": float(error.mean()),
        "viability_largest_error": float(error.max()),
    }
    return wells.reset_index(), errors


def read_unseen(
    fields: LabelledFields,
    chosen: list[int],
    segment: Callable[[int], np.ndarray],
    classes: Classes,
    rules: CountingRules,
    pixel_size_um: list[float],
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Judge fields one after another, one in memory.

    Parameters
    ----------
    fields : LabelledFields
    chosen : list of int
        Numbers of the fields to judge.
    segment : callable
        Number of a field -> the network's class map of it.
    classes, rules
        See `judge_cells`.
    pixel_size_um : list of float
        Of each plate.

    Returns
    -------
    cells : DataFrame
        `livedead.statistics.agreement.FIELD`, and the columns of `judge_cells`.
    counts : DataFrame
        A field: its key, counts of the network (``n_live, ...``) and of the dye (``true_live, ...``):
        of the given objects, or else by the same rules from the dye's class map.

    Raises
    ------
    ConfigError
        If there is no field to judge.
    """
    if not chosen:
        raise ConfigError(
            "every labelled well was trained on: nothing is left to judge by; set "
            "training.tiles.validation_fraction, or ask for the target cross_validation"
        )
    cells, counts = [], []
    for k in progress(chosen, len(chosen), "fields"):
        key, size = fields.key(k), pixel_size_um[fields.places[k][0]]
        found, truth, instances = segment(k), fields.class_map(k), fields.instances(k)
        judged = judge_cells(found, truth, classes, rules, size, instances)
        true = judged[judged["true"] != "none"].rename(columns={"true": "state"})
        if instances is None:
            true = measure_cells(truth, classes, rules, size)
        states = count_states(measure_cells(found, classes, rules, size))
        of_dye = {name.replace("n_", "true_"): n for name, n in count_states(true).items()}
        cells.append(judged.assign(**key))
        counts.append({**key, **states, **of_dye})
    return pd.concat(cells, ignore_index=True)[[*FIELD, *CELL]], pd.DataFrame(counts)


def read_worst(
    fields: LabelledFields,
    chosen: list[int],
    judged: pd.DataFrame,
    segment: Callable[[int], np.ndarray],
) -> Iterator[tuple[dict[str, Any], dict[str, np.ndarray]]]:
    """The fields that the network reads worst, the worst first, as `read_unseen` judged their cells.

    Yields
    ------
    row : dict
        The field, from `livedead.statistics.agreement.worst_fields`.
    arrays : dict
        ``field``: normalized first channel; ``truth`` and ``maps``: class maps of the dye and the network.
    """
    numbers = {tuple(fields.key(k).values()): k for k in chosen}
    for row in worst_fields(judged, N_WORST).to_dict("records"):
        k = numbers[tuple(row[name] for name in FIELD)]
        (field, *_), truth = fields.read(k)
        yield row, {"field": field, "truth": truth, "maps": segment(k)}


def judge_cells(
    found: np.ndarray,
    truth: np.ndarray,
    classes: Classes,
    rules: CountingRules,
    pixel_size_um: float,
    instances: np.ndarray | None = None,
) -> pd.DataFrame:
    """What the network says of every cell that the dye shows, and which cells only it sees.

    Parameters
    ----------
    found, truth : ndarray, (H, W), uint8
        Class maps: of the network, and of the dye.
    classes : Classes
    rules : CountingRules
        Smaller cells than these count are left out, unless they were given.
    pixel_size_um : float
    instances : ndarray, (H, W), int, optional
        The cells, where they were drawn: 0 outside, then a number each.

    Returns
    -------
    DataFrame
        A given cell, or else a connected component of the dye's live and dead pixels:
        ``area_um2``, ``true`` (its own majority), ``found`` (``live`` or ``dead`` if most of its
        pixels have a class of that role in the network's class map, else ``missed``),
        ``live_share`` (live of its live and dead pixels there). Then a component of the network's
        that meets no cell of the dye: ``true`` is ``none``.
    """
    cells = label_cells(truth, classes, 0)[0] if instances is None else instances.astype(np.int32)
    alone, _ = label_cells(found, classes, 0)
    alone = np.where(np.isin(alone, np.unique(alone[cells > 0])), 0, alone)
    tables = []
    for labels, states in ((cells, truth), (alone, found)):
        own, seen = _pixels_by_role(labels, states, classes), _pixels_by_role(labels, found, classes)
        area_um2 = own.sum(axis=1) * pixel_size_um**2
        nuclear = seen["live"] + seen["dead"]
        table = pd.DataFrame(
            {
                "area_um2": area_um2,
                "true": np.where(own["live"] > own["dead"], "live", "dead"),
                "found": seen.idxmax(axis=1).where(seen.idxmax(axis=1).isin(["live", "dead"]), "missed"),
                "live_share": seen["live"] / nuclear.replace(0, np.nan),
            }
        )
        given = labels is cells and instances is not None
        # Numbers without a pixel: worms that others cover wholly, and components struck out above.
        kept = area_um2 > 0 if given else area_um2.between(rules.min_area_um2, rules.max_area_um2)
        tables.append(table[kept & (area_um2 > 0)])
    tables[1] = tables[1].assign(true="none")
    return pd.concat([table for table in tables if len(table)] or tables[:1], ignore_index=True)


def sum_wells(fields: pd.DataFrame, plate_maps: list[pd.DataFrame]) -> pd.DataFrame:
    """Wells from fields, both readouts side by side.

    Parameters
    ----------
    fields : DataFrame
        A field: ``plate, well, timepoint``, counts of the network and, as ``true_live``,
        ``true_dead``, ``true_total``, of the dye.
    plate_maps : list of DataFrame
        Their ``control`` is taken over, empty where they have none; each names its ``plate``.
    """
    names = [f"{kind}_{of}" for kind in ("n", "true") for of in ("live", "dead", "total")]
    wells = fields.groupby(["plate", "well", "timepoint"], as_index=False)[names].sum()
    for kind, column in (("n", "viability"), ("true", "true_viability")):
        decided = wells[f"{kind}_live"] + wells[f"{kind}_dead"]
        wells[column] = wells[f"{kind}_live"] / decided.replace(0, np.nan)
    controls = [table[["plate", "well", "control"]] for table in plate_maps if "control" in table]
    if not controls:
        return wells.assign(control="")
    return wells.merge(pd.concat(controls), on=["plate", "well"], how="left", validate="many_to_one")


def _pixels_by_role(labels: np.ndarray, class_map: np.ndarray, classes: Classes) -> pd.DataFrame:
    """Pixels of every label in the classes of each role, a column a role."""
    inside = labels > 0
    n_labels, n_classes = int(labels.max()), 1 + max(max(classes.of(role), default=0) for role in ROLES)
    pair = (labels[inside] - 1) * n_classes + class_map[inside]
    counts = np.bincount(pair, minlength=n_labels * n_classes).reshape(n_labels, n_classes)
    return pd.DataFrame({role: counts[:, list(classes.of(role))].sum(axis=1) for role in ROLES})


def never_trained_on(certificate: dict[str, Any], wells: Collection[str]) -> list[str]:
    """Those of the labelled wells on which a network may be judged.

    Parameters
    ----------
    certificate : dict
        Of the weights; it says which wells took which part in training.
    wells : collection of str
        ``plate/well``.

    Returns
    -------
    list of str
        Wells held out of the training altogether; if there were none, those that chose its epoch;
        of a network that was not trained here, all.
    """
    split = certificate["source"].get("trained_on") or {}
    used = {*split.get("training", []), *split.get("validation", [])}
    unseen = sorted(set(wells) - used)
    return unseen or sorted(set(wells) - set(split.get("training", [])))
