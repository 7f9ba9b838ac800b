"""The fields of a plate, finished: the quality of each, its QC flags, and whether it is left out."""

from collections.abc import Iterable, Mapping

import pandas as pd

from livedead.cells.tallies import check_same_fields
from livedead.tables import COUNTED, FIELD_KEY, QUALITY
from livedead.wells.flags import FIELD, exclude_flagged, flag_counted, flag_fields

OF_PLATE = [*QUALITY, "qc_flags", "drift", "duplicate_of"]
"""Columns of a field that normalization and the plate's other fields give, not its own counting."""


def judge_fields(
    counted: pd.DataFrame, quality: pd.DataFrame, thresholds: Mapping[str, float | None], what: str
) -> pd.DataFrame:
    """Join the quality of each field, and its QC flags among the fields of its plate.

    Parameters
    ----------
    counted : DataFrame
        `livedead.tables.SHARD_FIELDS` of all fields of the plate.
    quality : DataFrame
        A field and channel, from `livedead.stores.read_normalization`.
    thresholds : mapping
        See `livedead.wells.flags.flag_fields`; and ``max_unfamiliarity``, see `flag_counted` there.
    what : str
        The files that both come from, for the message.

    Returns
    -------
    DataFrame
        `FIELD_KEY` and `OF_PLATE`; quality and drift are those of the first channel.

    Raises
    ------
    CountError
        If both do not list the same fields.
    """
    first = quality[quality["channel"] == quality["channel"].iloc[0]]
    check_same_fields(counted, first, what)
    judged = counted.merge(first[[*FIELD, *QUALITY]], on=FIELD, validate="one_to_one")
    judged = judged.merge(flag_fields(quality, thresholds), on=FIELD, validate="one_to_one")
    return flag_counted(judged, thresholds["max_unfamiliarity"])[[*FIELD_KEY, *OF_PLATE]]


def finish_fields(
    counted: pd.DataFrame, cells: pd.DataFrame, judged: pd.DataFrame, exclude_flags: Iterable[str]
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Fields with all of their columns, and the cells of those that are not left out.

    Parameters
    ----------
    counted : DataFrame
        `livedead.tables.SHARD_FIELDS`.
    cells : DataFrame
        `livedead.tables.CELLS` of these fields.
    judged : DataFrame
        From `judge_fields`; may list more fields.
    exclude_flags : iterable of str
        QC flags whose fields fail.

    Returns
    -------
    fields : DataFrame
        `livedead.tables.FIELDS`.
    cells : DataFrame
    """
    joined = counted.merge(judged[[*FIELD_KEY, *OF_PLATE]], on=FIELD_KEY, validate="one_to_one")
    return exclude_flagged(joined, cells, exclude_flags, COUNTED)
