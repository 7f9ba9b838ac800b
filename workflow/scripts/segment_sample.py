"""Turn the fields of a random sample of wells into class maps a second time."""

from pathlib import Path

from livedead import stores
from livedead.fields.normalized_plate import open_normalized_plate
from livedead.fields.segmentation import open_segmenter, segmented_fields
from livedead.job import run
from livedead.network.plan import LARGE_FIELD_PX, Plan
from livedead.tables import WELLS
from livedead.wells.verification import choose_wells


def segment_sample(
    raw: Path,
    images: Path,
    normalization: Path,
    unet: Path,
    wells: Path,
    class_maps: Path,
    *,
    seed: int,
    sample: int,
    channels: list[str],
    bit_depth: int,
    pixel_size_um: float,
    segmentation: Plan,
) -> None:
    """Write the segmentations of `sample` wells that the table of `wells` counted."""
    chosen = choose_wells(stores.read_table(wells, WELLS), sample, seed)
    plate = open_normalized_plate(raw, images, normalization, channels, bit_depth, LARGE_FIELD_PX)
    segmenter = open_segmenter(unet, plate.seen.values(), segmentation, pixel_size_um)
    fields = segmented_fields(plate, plate.images.keys(chosen), segmenter)
    stores.write_segmentations(class_maps, ((field.row, field.arrays) for field in fields))


if __name__ == "__main__":
    run(segment_sample, snakemake)
