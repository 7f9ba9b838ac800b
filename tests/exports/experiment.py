"""The experiment that every format exports: undyed cells of two wells, two fields each.

A module beside this one writes it as one kind of software does: ``write(raw, images)`` with
``images[well, field]``, (H, W) uint16. Its ``CHANNEL`` is what the export calls the channel, ``C01`` without.
"""

import numpy as np

from livedead.simulation import label_free

SIDE_PX, PIXEL_UM, OVERLAP_PX = 256, 0.65, 24
WELLS = {"A01": 0.9, "B02": 0.2}
"""Well -> share of its cells that live."""
FIELDS = (1, 2)


def simulate() -> tuple[dict[tuple[str, int], np.ndarray], dict[str, int]]:
    """Brightfield of each field, and how many cells each well has."""
    images, truth = {}, {}
    for k, (well, viability) in enumerate(WELLS.items()):
        for field in FIELDS:
            rng = np.random.default_rng([5, k, field])
            channels, cells = label_free.simulate_field(rng, viability, side_px=SIDE_PX)
            images[well, field] = channels["brightfield"]
            truth[well] = truth.get(well, 0) + len(cells)
    return images, truth
