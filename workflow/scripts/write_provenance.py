"""Write down what the numbers of a run were made from."""

from pathlib import Path
from typing import Any

import livedead
from livedead import stores
from livedead.logs import log_to
from livedead.provenance import file_sha256, package_versions


def write_provenance(
    images: dict[str, Path],
    class_maps: dict[str, list[Path]],
    certificate: Path,
    output: Path,
    *,
    plates: dict[str, dict[str, Any]],
    config: dict[str, Any],
    code: dict[str, str],
) -> None:
    """Write inputs, weights, settings, code, packages, and how each shard was computed.

    Parameters
    ----------
    plates : dict
        Plate -> its row of plates.tsv.
    """
    record = {
        "version": livedead.__version__,
        "config": config,
        "code_sha256": code,
        "packages": package_versions(),
        "weights": stores.read_json(certificate),
        "plates": {
            plate: {
                "sheet": plates[plate],
                "platemap_sha256": _sha256_if_given(plates[plate]["platemap"]),
                "images_sha256": file_sha256(path),
                "shards": {shard.parent.name: stores.read_about(shard) for shard in class_maps[plate]},
            }
            for plate, path in images.items()
        },
    }
    stores.write_json(output, record)


def _sha256_if_given(path: str) -> str | None:
    return file_sha256(path) if path else None


if __name__ == "__main__":
    with log_to(snakemake.log[0], snakemake.input):
        plates = snakemake.params.plates
        n_shards = len(snakemake.input.class_maps) // len(plates)
        paths = [Path(path) for path in snakemake.input.class_maps]
        write_provenance(
            dict(zip(plates, map(Path, snakemake.input.images), strict=True)),
            {plate: paths[k * n_shards : (k + 1) * n_shards] for k, plate in enumerate(plates)},
            Path(snakemake.input.certificate),
            Path(snakemake.output.provenance),
            plates=plates,
            config=snakemake.params.config,
            code=snakemake.params.scripts,
        )
