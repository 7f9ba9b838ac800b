"""Make class maps of the dyed wells of one plate, for training."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from livedead import stores
from livedead.dyes.labels import label_from_dyes, label_from_masks
from livedead.errors import FieldError, LivedeadError
from livedead.fields.plate_images import open_plate
from livedead.images.gate import read_instances
from livedead.logs import log, log_to, progress
from livedead.network.classes import Classes


def label_dyes(
    raw: Path,
    images: Path,
    output: Path,
    *,
    dyed_wells: list[str],
    masks: str,
    bit_depth: int,
    input_channels: list[str],
    classes: list[dict[str, str]],
    labels: dict[str, Any],
) -> None:
    """Write one class map a dyed field, and the objects it was made of where they are given.

    With `masks`, a path with ``{well}``, ``{field}`` and ``{timepoint}`` in it, the objects are
    given and the dead dye only tells their state; without, the dyes tell both.

    Raises
    ------
    LivedeadError
        If no field can be labelled. Single ones are left out, with a warning in the log.
    """
    plate = open_plate(raw, images, bit_depth)
    keys = plate.keys(dyed_wells)
    numbers = Classes.from_config(classes)

    def labels_of(well: str, field: int, timepoint: int) -> dict[str, np.ndarray]:
        key = well, field, timepoint
        dead_dye = plate.plane(key, labels["dead_dye"])
        if masks:
            path = masks.format(well=well, field=field, timepoint=timepoint)
            mask = read_instances(path)
            if mask.shape != dead_dye.shape:
                raise FieldError("wrong_shape", f"{path}: {mask.shape} px, but the field {dead_dye.shape}")
            class_map = label_from_masks(mask, dead_dye, numbers, **labels["masks"])
            return {"maps": class_map, "instances": mask}
        live_dye = plate.plane(key, labels["live_dye"])
        brightfield = plate.plane(key, input_channels[0])
        found = label_from_dyes(live_dye, dead_dye, brightfield, numbers, **labels["dyes"])
        return {"maps": found}

    left_out: list[FieldError] = []

    def labelled() -> Iterator[tuple[dict[str, Any], dict[str, np.ndarray]]]:
        for key in progress(keys, len(keys), "dyed fields"):
            try:
                found = {kind: plate.cropped(array) for kind, array in labels_of(*key).items()}
                yield plate.describe(key), found
            except FieldError as error:
                log.warning("%s field %d timepoint %d: %s: %s", *key, error.code, error)
                left_out.append(error)
        if len(left_out) == len(keys):
            why = f", the first because: {left_out[0]}" if left_out else ": the dyed wells have no images"
            raise LivedeadError(
                f"plate {plate.plate}: none of {len(keys)} dyed fields could be labelled{why}"
            )
        if left_out:
            log.warning("%d of %d dyed fields are left out, see above", len(left_out), len(keys))

    stores.write_segmentations(output, labelled())


if __name__ == "__main__":
    with log_to(snakemake.log[0], snakemake.input):
        label_dyes(
            Path(snakemake.input.raw),
            Path(snakemake.input.images),
            Path(snakemake.output.labels),
            dyed_wells=snakemake.params.dyed_wells,
            masks=snakemake.params.masks,
            bit_depth=snakemake.params.bit_depth,
            input_channels=snakemake.params.input_channels,
            classes=snakemake.params.classes,
            labels=snakemake.params.labels,
        )
