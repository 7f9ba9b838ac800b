"""Record what the numbers of a run were made from."""

from pathlib import Path
from typing import Any

from livedead import stores
from livedead.job import run
from livedead.provenance import file_sha256, package_versions


def write_provenance(
    images: list[Path],
    class_maps: list[Path],
    models: list[Path],
    platemaps: list[Path],
    provenance: Path,
    *,
    plates: dict[str, dict[str, Any]],
    config: dict[str, Any],
    version: str,
    scripts: dict[str, str],
) -> None:
    """Write inputs, the `models` that read, settings, code, packages, and how each shard was computed.

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
                "shards": {
                    shard.parent.name: stores.read_about(shard)
                    for shard in class_maps
                    if shard.parent.parent.parent.name == plate
                },
            }
            for (plate, sheet), index in zip(plates.items(), images, strict=True)
        },
    }
    stores.write_json(provenance, record)


if __name__ == "__main__":
    run(write_provenance, snakemake)
