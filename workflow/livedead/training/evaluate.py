"""How good the readings are, against a truth that neither the network nor the chain has seen."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pandas as pd
from scipy.ndimage import find_objects

from livedead.cells.confidence import confidence_of
from livedead.cells.counting import count_states
from livedead.cells.labels import label_cells, of_classes
from livedead.cells.measures import measure_cells
from livedead.cells.rules import CountingRules
from livedead.errors import ConfigError
from livedead.logs import progress
from livedead.network.calibration import Calibration, decode_log_odds
from livedead.network.classes import ROLES, Classes
from livedead.network.segmenter import Segmentation
from livedead.statistics.agreement import N_WORST, STATES, worst_fields
from livedead.statistics.detection import pair_cells
from livedead.tables import FIELD_KEY
from livedead.training.labelled_fields import LabelledFields

MOSTLY_LIVE = 0.9
"""Wells in which at least this share of the cells live are asked for dead cells that are not there."""


def compare_counts(fields: pd.DataFrame, truth_cells: pd.DataFrame) -> tuple[pd.DataFrame, dict[str, Any]]:
    """Compare counted with true cells, on the fields that were counted.

    Parameters
    ----------
    fields : DataFrame
        The chain's fields; counts that the reading does not know are missing.
    truth_cells : DataFrame
        A true cell: ``well, field, state``.

    Returns
    -------
    wells : DataFrame
        A well: counted and true ``n_live``, ``n_dead``, ``n_total``, ``viability``. A count that is
        missing in one of its fields is missing.
    errors : dict
        Over the plate ``total_relative_error``, ``live_relative_error`` and ``dead_relative_error``;
        over wells ``viability_mean_absolute_error`` and ``viability_largest_error``; and
        ``false_dead_in_live_wells``: where at least `MOSTLY_LIVE` of the cells live, the dead cells
        counted beyond the true ones, as a share of all true cells. None for what is not known.
    """
    used = fields[fields["status"] == "ok"]
    key = ["well", "field"]
    true = truth_cells.groupby(key)["state"].value_counts().unstack(fill_value=0)
    true = true.reindex(pd.MultiIndex.from_frame(used[key]), fill_value=0)
    true = true.reindex(columns=list(STATES), fill_value=0).groupby("well").sum()
    counts = used[["n_live", "n_dead", "n_total"]].astype("Int64")
    is_known = counts.notna().groupby(used["well"]).all()
    wells = counts.groupby(used["well"]).sum().where(is_known)
    wells = wells.assign(true_live=true["live"], true_dead=true["dead"], true_total=true.sum(axis=1))
    wells["viability"] = _viability(wells["n_live"], wells["n_dead"])
    wells["true_viability"] = _viability(wells["true_live"], wells["true_dead"])
    return wells.reset_index(), _errors(wells)


def _errors(wells: pd.DataFrame) -> dict[str, Any]:
    """The errors that `compare_counts` describes, of its wells."""
    counted = {name: wells[f"n_{name}"].sum(skipna=False) for name in ("total", *STATES)}
    true = {name: wells[f"true_{name}"].sum() for name in counted}
    relative = {
        f"{name}_relative_error": n / true[name] - 1 if true[name] else None for name, n in counted.items()
    }
    viability = (wells["viability"] - wells["true_viability"]).abs()
    mostly_live = wells[wells["true_viability"] >= MOSTLY_LIVE]
    excess = (mostly_live["n_dead"] - mostly_live["true_dead"]).sum(skipna=False)
    errors = {
        "n_wells": len(wells),
        "n_cells_true": true["total"],
        "n_cells_counted": counted["total"],
        **relative,
        "viability_mean_absolute_error": viability.mean(),
        "viability_largest_error": viability.max(),
        "false_dead_in_live_wells": excess / mostly_live["true_total"].sum() if len(mostly_live) else None,
    }
    return {name: None if pd.isna(value) else np.asarray(value).item() for name, value in errors.items()}


def read_unseen(
    fields: LabelledFields,
    chosen: list[int],
    segment: Callable[[int], Segmentation],
    classes: Classes,
    rules: CountingRules,
    pixel_size_um: list[float],
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Judge fields one after another, holding one in memory.

    Parameters
    ----------
    fields : LabelledFields
    chosen : list of int
        Numbers of the fields to judge.
    segment : callable
        Number of a field -> how the network segments it.
    classes, rules
        See `judge_cells`.
    pixel_size_um : list of float
        Of each of the plates of `fields`.

    Returns
    -------
    cells : DataFrame
        A cell: the key of its field, the columns of `judge_cells`, and `cross_fitted_confidence`.
    counts : DataFrame
        A field: its key, counts of the network (``n_live, ...``) and of the dye (``true_live, ...``):
        drawn cells where there are any, or else what the same rules count in the dye's class map.
    detected : DataFrame
        A drawn or counted cell: the key of its field, and the columns of `detect_cells`.

    Raises
    ------
    ConfigError
        If there is no field to judge.
    """
    if not chosen:
        raise ConfigError(
            "all labelled wells were used for training; none is left to evaluate on: set "
            "training.tiles.validation_fraction, or ask for the target cross_validation"
        )
    cells, counts, detected = [], [], []
    for k in progress(chosen, len(chosen), "fields"):
        key, size = fields.key(k), pixel_size_um[fields.places[k].source]
        found, truth, instances = segment(k), fields.class_map(k), fields.instances(k)
        judged = judge_cells(found, truth, classes, rules, size, instances)
        true = judged[judged["true"] != "none"].rename(columns={"true": "state"})
        if instances is None:
            true = measure_cells(truth, classes, rules, size)
        counted = measure_cells(found.class_map, classes, rules, size)
        states = count_states(counted)
        of_dye = {name.replace("n_", "true_"): n for name, n in count_states(true).items()}
        cells.append(judged.assign(**key))
        counts.append({**key, **states, **of_dye})
        drawn = drawn_cells(truth, classes, rules, size, instances, fields.boxes(k))
        detected.append(detect_cells(*drawn, counted).assign(**key))
    table = pd.concat(cells, ignore_index=True)
    table["confidence"] = cross_fitted_confidence(table)
    table = table[[*FIELD_KEY, *table.columns.drop(FIELD_KEY)]]
    return table, pd.DataFrame(counts), pd.concat(detected, ignore_index=True)


def calibrate(cells: pd.DataFrame) -> Calibration | None:
    """The calibration of a network by cells that it was not trained on, as `judge_cells` judged them."""
    known = cells[cells["true"].isin(STATES) & cells["log_odds"].notna()]
    return Calibration.fit(known["log_odds"].to_numpy(), (known["true"] == "live").to_numpy())


def cross_fitted_confidence(cells: pd.DataFrame) -> np.ndarray:
    """Probability that each cell's found state is right, by a calibration of the cells of all other wells.

    NaN for cells that were missed, and where the other wells have too few cells of a state.

    Parameters
    ----------
    cells : DataFrame
        A cell: ``plate, well``, and the columns of `judge_cells`.
    """
    confidence = np.full(len(cells), np.nan)
    for rows in cells.groupby(["plate", "well"]).indices.values():
        calibration = calibrate(cells.drop(cells.index[rows]))
        if calibration is not None:
            well = cells.iloc[rows]
            found, log_odds = well["found"].to_numpy(), well["log_odds"].to_numpy()
            confidence[rows] = confidence_of(found, log_odds, calibration)
    return confidence


def read_worst(
    fields: LabelledFields,
    chosen: list[int],
    judged: pd.DataFrame,
    segment: Callable[[int], Segmentation],
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
        k = numbers[tuple(row[name] for name in FIELD_KEY)]
        (field, *_), truth = fields.read(k)
        yield row, {"field": field, "truth": truth, "maps": segment(k).class_map}


def judge_cells(
    found: Segmentation,
    truth: np.ndarray,
    classes: Classes,
    rules: CountingRules,
    pixel_size_um: float,
    instances: np.ndarray | None = None,
) -> pd.DataFrame:
    """What the network says of every cell that the dye shows, and which cells only the network sees.

    Parameters
    ----------
    found : Segmentation
        By the network.
    truth : ndarray, (H, W), uint8
        Class map of the dye.
    classes : Classes
    rules : CountingRules
        Cells outside its limits of area are left out, unless they were drawn.
    pixel_size_um : float
    instances : ndarray, (H, W), int, optional
        The cells, where masks were given: 0 outside, then a number each.

    Returns
    -------
    DataFrame
        A drawn cell, or else a connected component of the dye's live and dead pixels:
        ``area_um2``, ``true`` (the state of most of its pixels), ``found`` (``live`` or ``dead`` if
        most of its pixels have a class of that role in the network's class map, else ``missed``),
        ``live_share`` (live of its live and dead pixels there), ``log_odds`` (mean over those pixels of
        the network's log odds of live over dead). Then each component of the network's that touches no
        cell of the dye: its ``true`` is ``none``.
    """
    cells = label_cells(truth, classes) if instances is None else instances.astype(np.int32)
    alone = label_cells(found.class_map, classes)
    alone = np.where(np.isin(alone, np.unique(alone[cells > 0])), 0, alone)
    limits = rules.min_area_um2, rules.max_area_um2
    known = _read_cells(cells, truth, found, classes, pixel_size_um)
    if instances is None:
        known = known[known["area_um2"].between(*limits)]
    extra = _read_cells(alone, found.class_map, found, classes, pixel_size_um).assign(true="none")
    extra = extra[extra["area_um2"].between(*limits)]
    return pd.concat([table for table in (known, extra) if len(table)] or [known], ignore_index=True)


def _read_cells(
    labels: np.ndarray, truth: np.ndarray, found: Segmentation, classes: Classes, pixel_size_um: float
) -> pd.DataFrame:
    """The columns of `judge_cells` of every labelled cell that has a pixel."""
    own, seen = (_pixels_by_role(labels, map_, classes) for map_ in (truth, found.class_map))
    most = seen.idxmax(axis=1)
    cells = pd.DataFrame(
        {
            "area_um2": own.sum(axis=1) * pixel_size_um**2,
            "true": np.where(own["live"] > own["dead"], "live", "dead"),
            "found": most.where(most.isin(STATES), "missed"),
            "live_share": _viability(seen["live"], seen["dead"]),
            "log_odds": _mean_log_odds(labels, found, classes),
        }
    )
    # Numbers without pixels: fully occluded worms, and components that touch a cell of the dye.
    return cells[cells["area_um2"] > 0]


def _mean_log_odds(labels: np.ndarray, found: Segmentation, classes: Classes) -> np.ndarray:
    """Mean log odds of the live and dead pixels in each label, (n_labels,); NaN without any."""
    owner = labels[of_classes(found.class_map, classes.nuclei)]
    n_labels = int(labels.max())
    sums, n_pixels = (
        np.bincount(owner, weights, minlength=n_labels + 1)[1:]
        for weights in (decode_log_odds(found.log_odds), None)
    )
    return sums / np.where(n_pixels > 0, n_pixels, np.nan)


def _pixels_by_role(labels: np.ndarray, class_map: np.ndarray, classes: Classes) -> pd.DataFrame:
    """Pixels of every label in the classes of each role, a column per role."""
    inside = labels > 0
    n_labels, n_classes = int(labels.max()), 1 + max(max(classes.of(role), default=0) for role in ROLES)
    pair = (labels[inside] - 1) * n_classes + class_map[inside]
    counts = np.bincount(pair, minlength=n_labels * n_classes).reshape(n_labels, n_classes)
    return pd.DataFrame({role: counts[:, list(classes.of(role))].sum(axis=1) for role in ROLES})


def drawn_cells(
    truth: np.ndarray,
    classes: Classes,
    rules: CountingRules,
    pixel_size_um: float,
    instances: np.ndarray | None = None,
    boxes: np.ndarray | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Boxes and states of the true cells of a field.

    Parameters
    ----------
    truth, classes, rules, pixel_size_um, instances
        See `judge_cells`.
    boxes : ndarray, (n, 4), optional
        Of `instances`, where the cells were drawn as boxes; otherwise those that hold their pixels.

    Returns
    -------
    boxes : ndarray, (n, 4)
        Upper, left, lower and right side in px.
    is_dead : ndarray, (n,), bool
        State of most of a cell's pixels.
    """
    cells = label_cells(truth, classes) if instances is None else instances.astype(np.int32)
    own = _pixels_by_role(cells, truth, classes)
    n_pixels = own.sum(axis=1)
    seen = n_pixels > 0
    if instances is None:
        seen &= (n_pixels * pixel_size_um**2).between(rules.min_area_um2, rules.max_area_um2)
    if boxes is None:
        places = [place or (slice(0, 0), slice(0, 0)) for place in find_objects(cells)]
        boxes = np.array([(y.start, x.start, y.stop, x.stop) for y, x in places]).reshape(-1, 4)
    chosen = np.flatnonzero(seen)
    return boxes[chosen], (own["dead"] >= own["live"]).to_numpy()[chosen]


def detect_cells(boxes: np.ndarray, is_dead: np.ndarray, counted: pd.DataFrame) -> pd.DataFrame:
    """Which drawn cells were counted, and as what.

    Parameters
    ----------
    boxes, is_dead
        From `drawn_cells`.
    counted : DataFrame
        From `livedead.cells.measures.measure_cells`.

    Returns
    -------
    DataFrame
        A drawn cell: ``y_px, x_px`` (middle of its box; the centre of the first pixel is 0), ``true``
        (its state), ``found`` (the state of the counted cell whose centre lies in its box, see
        `livedead.statistics.detection.pair_cells`, or ``missed``). Then each other counted cell, its
        ``true`` being ``none``.
    """
    centres = counted[["y_px", "x_px"]].to_numpy(float)
    # The sides of boxes are counted from the field's edge, centres from that of the first pixel.
    paired = pair_cells(boxes, centres + 0.5)
    states = counted["state"].to_numpy()
    middles = (boxes[:, :2] + boxes[:, 2:]) / 2 - 0.5
    alone = np.setdiff1d(np.arange(len(counted)), paired)
    found = [states[k] if k >= 0 else "missed" for k in paired]
    return pd.DataFrame(
        {
            "y_px": np.append(middles[:, 0], centres[alone, 0]),
            "x_px": np.append(middles[:, 1], centres[alone, 1]),
            "true": [*np.where(is_dead, "dead", "live"), *["none"] * len(alone)],
            "found": [*found, *states[alone]],
        }
    )


def sum_wells(fields: pd.DataFrame, plate_maps: list[pd.DataFrame]) -> pd.DataFrame:
    """Wells from fields, both readouts side by side.

    Parameters
    ----------
    fields : DataFrame
        A field: ``plate, well, timepoint``, counts of the network and, as ``true_live``,
        ``true_dead``, ``true_total``, of the dye.
    plate_maps : list of DataFrame
        Each names its ``plate``; the column ``control`` is taken over, empty where a map has none.
    """
    names = [f"{kind}_{of}" for kind in ("n", "true") for of in ("live", "dead", "total")]
    wells = fields.groupby(["plate", "well", "timepoint"], as_index=False)[names].sum()
    wells["viability"] = _viability(wells["n_live"], wells["n_dead"])
    wells["true_viability"] = _viability(wells["true_live"], wells["true_dead"])
    controls = [table[["plate", "well", "control"]] for table in plate_maps if "control" in table]
    if not controls:
        return wells.assign(control="")
    return wells.merge(pd.concat(controls), on=["plate", "well"], how="left", validate="many_to_one")


def _viability(n_live: pd.Series, n_dead: pd.Series) -> pd.Series:
    n_judged = n_live + n_dead
    return n_live / n_judged.where(n_judged > 0)
