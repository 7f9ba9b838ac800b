"""Turn every field of one shard into a class map, by its dyes."""

import re
from pathlib import Path

from livedead import stores
from livedead.dyes import stored
from livedead.dyes.dyed_fields import read_fields
from livedead.fields.plate_images import open_plate
from livedead.job import run
from livedead.logs import progress
from livedead.plates.geometry import shard_wells


def read_dyes(
    raw: Path,
    images: Path,
    dyes: Path,
    class_maps: Path,
    *,
    scatteritem: str,
    bit_depth: int,
    threads: int,
) -> None:
    """Write the class maps of the shard that `scatteritem` (``2-of-8``) names."""
    shard, n_shards = map(int, re.findall(r"\d+", scatteritem))
    plate = open_plate(raw, images, bit_depth)
    keys = plate.keys(shard_wells(plate.wells(), shard, n_shards))
    fields = read_fields(plate, keys, stored.read_dyes(dyes), threads)
    stores.write_segmentations(class_maps, progress(fields, len(keys), "fields"))


if __name__ == "__main__":
    run(read_dyes, snakemake)
