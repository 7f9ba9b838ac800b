"""Turn every field of one shard into a class map."""

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch

from livedead import stores
from livedead.errors import FieldError, LivedeadError
from livedead.fields.plate_images import (
    PlateImages,
    describe,
    pixels_sha256,
    read_ahead,
    read_transforms,
    work_ahead,
)
from livedead.logs import log, log_to, progress
from livedead.network.inference import LARGE_FIELD_PX, Plan, SeamCheck, Segmenter, choose_device, keep_memory
from livedead.normalization.transforms import Key
from livedead.plates.geometry import shard_wells
from livedead.tables import IMAGES
from livedead.weights import unet_io

Computed = tuple[dict[str, Any], dict[str, np.ndarray], SeamCheck | None]
"""A field's row, its arrays (none if it failed), and its seam check if it was chosen for one."""


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
    table = stores.read_table(images, IMAGES)
    shard, n_shards = map(int, re.findall(r"\d+", scatteritem))
    plate = PlateImages(raw, table, bit_depth)
    keys = plate.keys(shard_wells(table["well"], shard, n_shards))
    transforms = read_transforms(stores.read_normalization(normalization, LARGE_FIELD_PX)[0], channels)
    plan = Plan.from_config(segmentation)
    torch.set_num_threads(plan.threads)
    is_large = next(iter(transforms.values())).gain.size > LARGE_FIELD_PX
    # What a large field leaves is given back: there is no room for two.
    if not is_large:
        keep_memory()
    choose_device(plan.device, os.environ.get("CUDA_VISIBLE_DEVICES", ""))
    network, _ = unet_io.read(unet)
    segmenter = Segmenter(network, list(plate.seen(transforms).values()), plan)
    log.info("%d fields on %s, PyTorch %s, %s", len(keys), segmenter.device, torch.__version__, plan)
    seam = segmentation["seam"]
    checked = set(np.random.default_rng(shard).permutation(len(keys))[: seam["checks"]].tolist())
    name = table["plate"].iloc[0]
    about: dict[str, Any] = {
        "device": segmenter.device.type,
        "gpu": torch.cuda.get_device_name(segmenter.device) if segmenter.device.type == "cuda" else "",
        "precision": plan.precision,
        "tf32": torch.backends.cudnn.allow_tf32,
        "torch": str(torch.__version__),
        "threads": torch.get_num_threads(),
        "n_unstable_px": 0,
        "seam_largest_difference": 0.0,
        "seam_n_changed": 0,
        "seam_n_pixels": 0,
    }

    def read(key: Key) -> tuple[np.ndarray, str]:
        planes = [plate.plane(key, channel) for channel in channels]
        return plate.evened(planes, transforms), pixels_sha256(planes)

    def computed(numbered: tuple[int, tuple[Key, tuple[np.ndarray, str] | FieldError]]) -> Computed:
        k, (key, outcome) = numbered
        check = None
        try:
            if isinstance(outcome, FieldError):
                raise outcome
            field, digest = outcome
            if k in checked:
                found, check = segmenter.segment_checked(field, np.random.default_rng([shard, k]), key)
            else:
                found = segmenter.segment(field, key)
        except FieldError as error:
            log.warning("%s field %d timepoint %d: %s: %s", *key, error.code, error)
            return describe(name, key, error), {}, None
        arrays = {"maps": found.class_map, "unstable": found.unstable, "runners_up": found.runners_up}
        return describe(name, key, pixels_sha256=digest), arrays, check

    def segmented() -> Iterator[tuple[dict[str, Any], dict[str, np.ndarray]]]:
        fields = read_ahead(read, keys, 0 if is_large else 2)
        # While one field is written, the next is computed; a GPU has two in flight.
        n_ahead = 0 if is_large else 2 if segmenter.device.type == "cuda" else 1
        results = work_ahead(computed, enumerate(fields), n_ahead, max(1, n_ahead))
        for row, arrays, check in progress(results, len(keys), "fields"):
            about["n_unstable_px"] += arrays["unstable"].size if arrays else 0
            if check is not None:
                _note(check, row, about, seam["max_difference"])
            yield row, arrays

    stores.write_segmentations(class_maps, segmented(), about)


def _note(check: SeamCheck, row: dict[str, Any], about: dict[str, Any], max_difference: float) -> None:
    """Log a seam check and add it to what the file tells about itself."""
    where = f"{row['well']} field {row['field']} timepoint {row['timepoint']}"
    log.info("%s: %s", where, check)
    about["seam_largest_difference"] = max(about["seam_largest_difference"], check.largest_difference)
    about["seam_n_changed"] += check.n_changed
    about["seam_n_pixels"] += check.n_pixels
    if not check.largest_difference <= max_difference:
        raise LivedeadError(f"{where}: {check} is over max_difference {max_difference}")


if __name__ == "__main__":
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
