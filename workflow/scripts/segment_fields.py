"""Turn every field of one shard into a class map."""

import re
from pathlib import Path

import torch

from livedead import stores
from livedead.fields.normalized_plate import open_normalized_plate
from livedead.fields.segmentation import (
    check_seam,
    choose_checked,
    describe_segmentation,
    open_segmenter,
    segmented_fields,
)
from livedead.job import run
from livedead.logs import log, progress
from livedead.network.plan import LARGE_FIELD_PX, Plan
from livedead.plates.geometry import shard_wells


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
    pixel_size_um: float,
    segmentation: Plan,
    seam: dict[str, float],
) -> None:
    """Write the segmentations of the shard that `scatteritem` (``2-of-8``) names."""
    shard, n_shards = map(int, re.findall(r"\d+", scatteritem))
    plate = open_normalized_plate(raw, images, normalization, channels, bit_depth, LARGE_FIELD_PX)
    keys = plate.images.keys(shard_wells(plate.images.wells(), shard, n_shards))
    segmenter = open_segmenter(unet, plate.seen.values(), segmentation, pixel_size_um)
    log.info("%d fields on %s, PyTorch %s, %s", len(keys), segmenter.device, torch.__version__, segmentation)
    fields = segmented_fields(plate, keys, segmenter, choose_checked(keys, int(seam["checks"]), seed=shard))
    n_unstable_px, checks = 0, []
    with stores.segmentation_writer(class_maps) as writer:
        for field in progress(fields, len(keys), "fields"):
            check_seam(field, seam["max_difference"])
            writer.add(field.row, field.arrays)
            n_unstable_px += field.arrays["unstable"].size if field.arrays else 0
            checks += [field.check] if field.check else []
        writer.about = describe_segmentation(segmenter, n_unstable_px, checks)


if __name__ == "__main__":
    run(segment_fields, snakemake)
