"""Index the raw images of one plate: what there is, where, and its hash."""

from pathlib import Path
from typing import Any

from livedead import stores
from livedead.job import run
from livedead.readers import index
from livedead.readers.claims import Claim
from livedead.tables import IMAGES


def index_plate(
    raw: Path,
    images: Path,
    export: Path,
    *,
    plate: str,
    export_format: str,
    naming: dict[str, Any],
    siblings: list[dict[str, Any]],
    channels: dict[str, str],
    n_wells: int,
    wells_read: list[str],
    pixel_size_um: float,
    hdf5_axes: str | None,
    pages: str | None,
    focal_plane: Any,
    overlap: str,
    accept: list[str],
    threads: int,
) -> None:
    """Write the index of the folder `raw`, of the wells that are read, and what its export says of itself.

    Parameters
    ----------
    wells_read : list of str
        Empty for all.
    """
    table, said = index.index_plate(
        raw,
        plate=plate,
        export_format=export_format,
        **naming,
        siblings=[Claim(**claim) for claim in siblings],
        channels=channels,
        n_wells=n_wells,
        wells=wells_read,
        pixel_size_um=pixel_size_um,
        hdf5_axes=hdf5_axes,
        pages=pages,
        focal_plane=focal_plane,
        overlap=overlap,
        accept=accept,
        threads=threads,
    )
    stores.write_table(images, table, IMAGES)
    stores.write_json(export, said)


if __name__ == "__main__":
    run(index_plate, snakemake)
