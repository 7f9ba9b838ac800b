"""Simulate one plate with known truth, as a microscope would export it."""

from pathlib import Path
from typing import Any

from livedead import stores
from livedead.job import run
from livedead.simulation import plate
from livedead.simulation.stained import Staining
from livedead.tables import TRUE_CELLS, TRUE_WELLS


def simulate_plate(
    raw: Path, truth_cells: Path, truth_wells: Path, *, dyed_wells: list[str], simulation: dict[str, Any]
) -> None:
    """Write the plate's images to `raw` and its truth beside them."""
    truncated = simulation.get("truncated_field")
    cells, wells = plate.simulate_plate(
        raw,
        simulation["seed"],
        dyed_wells=dyed_wells,
        n_fields=simulation["fields_per_well"],
        side_px=simulation["side_px"],
        pixel_size_um=simulation["pixel_size_um"],
        wells=simulation.get("wells"),
        missing_well=simulation.get("missing_well"),
        truncated=(truncated["well"], truncated["field"]) if truncated else None,
        staining=Staining.from_config(simulation["staining"]) if "staining" in simulation else None,
    )
    stores.write_table(truth_cells, cells, TRUE_CELLS)
    stores.write_table(truth_wells, wells, TRUE_WELLS)


if __name__ == "__main__":
    run(simulate_plate, snakemake)
