"""Compare what was imaged of one plate with its plate map."""

from pathlib import Path

from livedead import stores
from livedead.job import run
from livedead.plates import plate_maps
from livedead.readers.inventory import take_inventory as describe
from livedead.tables import IMAGES


def take_inventory(
    images: Path,
    export: Path,
    platemap: Path | None,
    inventory: Path,
    *,
    plate: str,
    n_wells: int,
    pixel_size_um: float,
    input_channels: list[str],
    fields_per_well: int | None,
) -> None:
    """Write the inventory as text."""
    mapped = [] if platemap is None else list(plate_maps.read_plate_map(platemap, n_wells)["well"])
    text = describe(
        stores.read_table(images, IMAGES),
        stores.read_json(export),
        mapped,
        plate=plate,
        n_wells=n_wells,
        pixel_size_um=pixel_size_um,
        input_channels=input_channels,
        fields_per_well=fields_per_well,
    )
    stores.write_bytes(inventory, text.encode())


if __name__ == "__main__":
    run(take_inventory, snakemake)
