"""Index the raw images of one plate: what there is, where, and its hash."""

from pathlib import Path
from typing import Any

from livedead import stores
from livedead.logs import log_to
from livedead.readers import index
from livedead.tables import IMAGES


def index_plate(raw: Path, images: Path, export: Path, **settings: Any) -> None:
    """Write the index of the folder `raw`; `settings` as `livedead.index.index_plate` takes."""
    table, said = index.index_plate(raw, **settings)
    stores.write_table(images, table, IMAGES)
    stores.write_json(export, said)


if __name__ == "__main__":
    with log_to(snakemake.log[0], snakemake.input):
        index_plate(
            Path(snakemake.input.raw),
            Path(snakemake.output.images),
            Path(snakemake.output.export),
            plate=snakemake.params.plate,
            export_format=snakemake.params.export_format,
            channels=snakemake.params.channels,
            n_wells=snakemake.params.n_wells,
            pixel_size_um=snakemake.params.pixel_size_um,
            file_pattern=snakemake.params.file_pattern,
            hdf5_axes=snakemake.params.hdf5_axes,
            pages=snakemake.params.pages,
            focal_plane=snakemake.params.focal_plane,
            overlap=snakemake.params.overlap,
            accept=snakemake.params.accept,
            threads=snakemake.threads,
        )
