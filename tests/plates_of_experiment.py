"""Plates of an experiment as their tables hold them, and the page of all of them."""

import numpy as np
import pandas as pd

from livedead.pictures.experiment_page import PlateTables, draw
from livedead.plates.plate_maps import MapColumns
from livedead.tables import DOSE_RESPONSE, FIELDS, WELLS
from livedead.wells.analysis import assess_plate, designed
from livedead.wells.replicates import join_replicates

NO_CURVES = DOSE_RESPONSE.rows([])


def plate_of(plate, viabilities, timepoint=1, agent="drug", failed=0, hours=np.nan):
    """A plate of two negative, two positive controls, and wells of one treatment each."""
    wells = ["A01", "A02", "A03", "A04", "B01", "B02"]
    control = ["negative", "negative", "positive", "positive", "", ""]
    rows = [
        {
            "plate": plate, "well": well, "row": well[0], "column": int(well[1:]), "timepoint": timepoint,
            "hours": hours, "status": "no_images" if np.isnan(viability) else "ok",
            "n_fields_expected": 1, "n_fields_used": 1,
            "n_live": round(100 * np.nan_to_num(viability)),
            "n_dead": 100 - round(100 * np.nan_to_num(viability)),
            "n_ambiguous": 0, "n_total": 100, "viability": viability, "area_mm2": 1.0, "n_by_hand": 0,
            "live_per_mm2": 1.0, "control": kind, "treatment": "" if kind else agent, "dose_um": "1",
        }
        for well, kind, viability in zip(wells, control, viabilities, strict=True)
    ]  # fmt: skip
    table = WELLS.rows(rows)
    quality, residuals = assess_plate(table, MapColumns(), 96)
    states = ["failed"] * failed + ["ok"] * (6 - failed)
    fields = [
        {"plate": plate, "well": well, "field": 1, "timepoint": timepoint, "status": state, "message": "m",
         "code": "blank" if state == "failed" else ""}
        for well, state in zip(wells, states, strict=True)
    ]  # fmt: skip
    return PlateTables(96, designed(table, MapColumns()), FIELDS.rows(fields), quality, residuals)


def page_of(*plates, curves=NO_CURVES, max_failed_fraction=0.05, min_z_prime=None):
    """The page of these plates."""
    tables = {one.wells["plate"].iloc[0]: one for one in plates}
    replicates = join_replicates(pd.concat([one.wells for one in plates]), MapColumns())
    limits = {"max_failed_fraction": max_failed_fraction, "min_z_prime": min_z_prime}
    return draw(tables, replicates, curves, **limits)
