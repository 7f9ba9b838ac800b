"""Read dyed wells that the network never saw, and compare each cell and well with the dye."""

import os
from pathlib import Path
from typing import Any

import numpy as np
import torch

from livedead import stores, weights
from livedead.job import run
from livedead.network.classes import Classes, CountingRules
from livedead.network.inference import Plan, Segmenter, choose_device
from livedead.tables import READ_CELLS, READ_WELLS
from livedead.training import evaluate, sources


def evaluate_unet(
    unet: Path,
    raw: list[Path],
    images: list[Path],
    normalization: list[Path],
    labels: list[Path],
    platemaps: list[Path],
    cells: Path,
    wells: Path,
    worst: Path,
    *,
    plates: list[dict[str, Any]],
    channels: list[str],
    classes: Classes,
    counting: CountingRules,
    segmentation: dict[str, Any],
    exclude: list[str],
) -> None:
    """Write a row per cell, a row per well with both readouts, and the fields that were read worst."""
    fields = sources.open_labelled(raw, images, normalization, labels, plates, channels, exclude)
    plan = Plan.from_config(segmentation)
    torch.set_num_threads(plan.threads)
    choose_device(plan.device, os.environ.get("CUDA_VISIBLE_DEVICES", ""))
    segmenters = [
        Segmenter(weights.load_unet(unet)[0], list(plate.seen(fitted).values()), plan)
        for plate, fitted, _ in fields.plates
    ]

    def segment(k: int) -> np.ndarray:
        number, _, key = fields.places[k]
        plate, fitted, _ = fields.plates[number]
        return segmenters[number].segment(plate.raw(key, fitted), key).class_map

    chosen = fields.in_wells(evaluate.never_trained_on(weights.read_certificate(unet), fields.wells))
    sizes = [row["pixel_size_um"] for row in plates]
    judged, counted = evaluate.read_unseen(fields, chosen, segment, classes, counting, sizes)
    maps = sources.read_plate_maps(plates, platemaps)
    stores.write_table(cells, judged, READ_CELLS)
    stores.write_table(wells, evaluate.sum_wells(counted, maps), READ_WELLS)
    stores.write_segmentations(worst, evaluate.read_worst(fields, chosen, judged, segment), {})


if __name__ == "__main__":
    run(evaluate_unet, snakemake)
