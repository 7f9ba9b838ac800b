"""Index the raw images of one plate: what there is, where, and its hash."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from livedead import readers, stores
from livedead.logs import log_to

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake


def index_plate(raw: Path, images: Path, **settings: Any) -> None:
    """Write the index of the folder `raw`; `settings` as `livedead.readers.index_plate` takes."""
    stores.write_table(images, readers.index_plate(raw, **settings))


if __name__ == "__main__":
    with log_to(snakemake.log[0]):
        index_plate(
            Path(snakemake.input.raw),
            Path(snakemake.output.images),
            plate=snakemake.params.plate,
            export_format=snakemake.params.export_format,
            channels=snakemake.params.channels,
            n_wells=snakemake.params.n_wells,
            file_pattern=snakemake.params.file_pattern,
            threads=snakemake.threads,
        )
