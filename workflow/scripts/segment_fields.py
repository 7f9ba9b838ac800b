"""Turn every field of one shard into a class map."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from livedead import stores, weights
from livedead.errors import FieldError
from livedead.fields import PlateImages, describe, read_transforms
from livedead.inference import Plan, Segmenter
from livedead.logs import log, log_to, progress
from livedead.plates import shard_wells

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake


def segment_fields(
    raw: Path,
    images: Path,
    normalization: Path,
    unet: Path,
    class_maps: Path,
    *,
    scatteritem: str,
    channels: list[str],
    bit_depth: int,
    plan: dict[str, Any],
) -> None:
    """Write the class maps of the shard that `scatteritem` (``2-of-8``) names."""
    table = stores.read_table(images)
    shard, n_shards = map(int, re.findall(r"\d+", scatteritem))
    plate = PlateImages(raw, table, bit_depth)
    keys = plate.keys(shard_wells(table["well"], shard, n_shards))
    transforms = read_transforms(stores.read_normalization(normalization)[0], channels)
    network, _ = weights.load_unet(unet)
    segmenter = Segmenter(network, Plan(**plan))
    log.info("%d fields on %s, PyTorch %s, %s", len(keys), segmenter.device, torch.__version__, plan)

    def class_maps_of_shard() -> Iterator[tuple[dict[str, Any], np.ndarray | None]]:
        for key in progress(keys, len(keys), "fields"):
            try:
                field = plate.normalized(key, transforms)
            except FieldError as error:
                log.warning("%s field %d timepoint %d: %s: %s", *key, error.code, error)
                yield describe(table["plate"].iloc[0], key, error), None
            else:
                yield describe(table["plate"].iloc[0], key), segmenter.class_map(field)

    stores.write_class_maps(class_maps, class_maps_of_shard())


if __name__ == "__main__":
    torch.set_num_threads(snakemake.threads)
    with log_to(snakemake.log[0]):
        segment_fields(
            Path(snakemake.input.raw),
            Path(snakemake.input.images),
            Path(snakemake.input.normalization),
            Path(snakemake.input.unet),
            Path(snakemake.output.class_maps),
            scatteritem=snakemake.params.scatteritem,
            channels=snakemake.params.channels,
            bit_depth=snakemake.params.bit_depth,
            plan=snakemake.params.plan,
        )
