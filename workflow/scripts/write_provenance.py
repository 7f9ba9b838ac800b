"""Record what the numbers of a run were made from."""

from pathlib import Path
from typing import Any

from livedead import stores
from livedead.job import run
from livedead.provenance import file_sha256, package_versions
from livedead.tables import WELLS


def write_provenance(
    images: list[Path],
    class_maps: list[Path],
    models: list[Path],
    platemaps: list[Path],
    plate_wells: list[Path],
    provenance: Path,
    *,
    plates: dict[str, dict[str, Any]],
    config: dict[str, Any],
    version: str,
    scripts: dict[str, str],
) -> None:
    """Write inputs, the `models` that read, settings, code, packages, and how each shard was computed.

    Of each plate also ``n_by_hand``, the cells whose state or outline a hand gave.

    Parameters
    ----------
    platemaps : list of Path
        Of those plates that have one, in their order.
    plates : dict
        Plate -> its row of plates.tsv.
    scripts : dict
        Rule -> hash of its code.
    """
    maps = iter(platemaps)
    record = {
        "version": version,
        "config": config,
        "code_sha256": scripts,
        "packages": package_versions(),
        "models": {model["model_sha256"]: model for model in map(stores.read_json, models)},
        "plates": {
            plate: {
                "sheet": sheet,
                "platemap_sha256": file_sha256(next(maps)) if sheet["platemap"] else None,
                "images_sha256": file_sha256(index),
                "n_by_hand": int(stores.read_table(wells, WELLS)["n_by_hand"].sum()),
                "shards": {
                    shard.parent.name: stores.read_about(shard)
                    for shard in class_maps
                    if shard.parent.parent.parent.name == plate
                },
            }
            for (plate, sheet), index, wells in zip(plates.items(), images, plate_wells, strict=True)
        },
    }
    stores.write_json(provenance, record)


if __name__ == "__main__":
    run(write_provenance, snakemake)
