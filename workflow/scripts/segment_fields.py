"""Turn every field of one shard into a class map."""

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from livedead import stores, weights
from livedead.errors import FieldError, LivedeadError
from livedead.fields import PlateImages, describe, read_ahead, read_transforms
from livedead.inference import Plan, Segmenter, choose_device, keep_memory
from livedead.logs import log, log_to, progress
from livedead.plates import shard_wells

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake


LARGE_FIELD_PX = 50_000_000
"""Larger fields are not read ahead, and what they leave is given back: memory holds one alone."""


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
    segmentation: dict[str, Any],
) -> None:
    """Write the segmentations of the shard that `scatteritem` (``2-of-8``) names.

    Raises
    ------
    LivedeadError
        If a seam check finds a larger difference than the configuration allows.
    """
    table = stores.read_table(images)
    shard, n_shards = map(int, re.findall(r"\d+", scatteritem))
    plate = PlateImages(raw, table, bit_depth)
    keys = plate.keys(shard_wells(table["well"], shard, n_shards))
    transforms = read_transforms(stores.read_normalization(normalization)[0], channels)
    plan = Plan.from_config(segmentation)
    is_large = next(iter(transforms.values())).gain.size > LARGE_FIELD_PX
    if not is_large:
        keep_memory()
    choose_device(plan.device, os.environ.get("CUDA_VISIBLE_DEVICES", ""))
    network, _ = weights.load_unet(unet)
    segmenter = Segmenter(network, list(plate.seen(transforms).values()), plan)
    log.info("%d fields on %s, PyTorch %s, %s", len(keys), segmenter.device, torch.__version__, plan)
    seam = segmentation["seam"]
    rng = np.random.default_rng(shard)
    checked = set(rng.permutation(len(keys))[: seam["checks"]].tolist())
    about: dict[str, Any] = {
        "device": segmenter.device.type,
        "gpu": torch.cuda.get_device_name(segmenter.device) if segmenter.device.type == "cuda" else "",
        "precision": plan.precision,
        "tf32": torch.backends.cudnn.allow_tf32,
        "torch": str(torch.__version__),
        "threads": torch.get_num_threads(),
        "seam_largest_difference": 0.0,
        "seam_n_changed": 0,
        "seam_n_pixels": 0,
    }

    def check(field: np.ndarray, key: tuple[str, int, int]) -> None:
        found = segmenter.seam_check(field, rng)
        log.info("%s field %d timepoint %d: %s", *key, found)
        about["seam_largest_difference"] = max(about["seam_largest_difference"], found.largest_difference)
        about["seam_n_changed"] += found.n_changed
        about["seam_n_pixels"] += found.n_pixels
        if found.largest_difference > seam["max_difference"]:
            raise LivedeadError(f"{key}: {found} is over max_difference {seam['max_difference']}")

    def segmented() -> Iterator[tuple[dict[str, Any], dict[str, np.ndarray]]]:
        fields = read_ahead(lambda key: plate.raw(key, transforms), keys, 0 if is_large else 2)
        for k, (key, field) in enumerate(progress(fields, len(keys), "fields")):
            if isinstance(field, FieldError):
                log.warning("%s field %d timepoint %d: %s: %s", *key, field.code, field)
                yield describe(table["plate"].iloc[0], key, field), {}
                continue
            found = segmenter.segment(field, key)
            if k in checked:
                check(field, key)
            yield (
                describe(table["plate"].iloc[0], key),
                {"maps": found.class_map, "unstable": found.unstable, "runners_up": found.runners_up},
            )

    stores.write_segmentations(class_maps, segmented(), about)


if __name__ == "__main__":
    torch.set_num_threads(snakemake.threads)
    with log_to(snakemake.log[0], snakemake.input):
        segment_fields(
            Path(snakemake.input.raw),
            Path(snakemake.input.images),
            Path(snakemake.input.normalization),
            Path(snakemake.input.unet),
            Path(snakemake.output.class_maps),
            scatteritem=snakemake.params.scatteritem,
            channels=snakemake.params.channels,
            bit_depth=snakemake.params.bit_depth,
            segmentation=snakemake.params.segmentation,
        )
