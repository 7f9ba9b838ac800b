"""Describe what was found of one plate against its plate map."""

from pathlib import Path

from livedead import stores
from livedead.logs import log_to
from livedead.plates import plate_maps
from livedead.readers import inventory
from livedead.tables import IMAGES


def take_inventory(
    images: Path,
    export: Path,
    platemap: Path | None,
    output: Path,
    *,
    plate: str,
    n_wells: int,
    pixel_size_um: float,
    input_channels: list[str],
    fields_per_well: int | None,
) -> None:
    """Write the inventory as text."""
    mapped = [] if platemap is None else list(plate_maps.read_plate_map(platemap, n_wells)["well"])
    text = inventory.take_inventory(
        stores.read_table(images, IMAGES),
        stores.read_json(export),
        mapped,
        plate=plate,
        n_wells=n_wells,
        pixel_size_um=pixel_size_um,
        input_channels=input_channels,
        fields_per_well=fields_per_well,
    )
    stores.write_bytes(output, text.encode())


if __name__ == "__main__":
    with log_to(snakemake.log[0], snakemake.input):
        take_inventory(
            Path(snakemake.input.images),
            Path(snakemake.input.export),
            Path(snakemake.input.platemap[0]) if snakemake.input.platemap else None,
            Path(snakemake.output.inventory),
            plate=snakemake.params.plate,
            n_wells=snakemake.params.n_wells,
            pixel_size_um=snakemake.params.pixel_size_um,
            input_channels=snakemake.params.input_channels,
            fields_per_well=snakemake.params.fields_per_well,
        )
