"""How much of its time the network learns, and does not wait for tiles.

The same training, through `livedead.training.fit.train`: with one batch over and over, made once; and
with tiles that are read and cut from the raw images of a plate, as the rule does it. Their ratio is
the share of the time that the device is busy. Run with
``python tests/benchmarks/training.py [--device cuda --threads 8]``; prints a table.
"""

import argparse
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from inference import plate_on_disk  # first: it finds the workflow and the tests

# isort: split
from conftest import randomized

from livedead import stores
from livedead.fields.normalized_plate import open_normalized_plate
from livedead.network.classes import Classes
from livedead.network.unet import Architecture
from livedead.training.fit import Settings, train
from livedead.training.tiles import Cutting, Example, LabelledFields, batches

NUMBERS = Classes(background=(0,), live=(1,), dead=(2,))
ARCHITECTURE = Architecture(n_classes=3, alpha=0.35, decoder_widths=(256, 128, 64, 32))
CUTTING = Cutting(tile_px=256, tiles_per_field=6, on_cells=0.9)


def labelled_plate(folder: Path, n_fields: int, side_px: int) -> LabelledFields:
    """Fields of noise, their light evened out one by one, with bars of both states for labels."""
    rng = np.random.default_rng(0)
    raw = rng.normal(8000, 300, (1, side_px, side_px)).clip(0, 65535).astype(np.uint16)
    job = plate_on_disk(folder, randomized(ARCHITECTURE), raw, n_fields)
    class_map = np.zeros((side_px, side_px), np.uint8)
    for top, left in rng.integers(0, side_px - 60, (30, 2)):
        class_map[top : top + 16, left : left + 60] = rng.integers(1, 3)
    rows = [{"plate": "p", "well": "A01", "field": k, "timepoint": 1} for k in range(1, n_fields + 1)]
    stores.write_segmentations(folder / "labels.h5", ((row, {"maps": class_map}) for row in rows))
    channels, quality = stores.read_normalization(folder / "normalization.h5")
    channels["w1"] |= {"own_light": 8, "floor": 0.2}
    stores.write_normalization(folder / "normalization.h5", channels, quality)
    plate = open_normalized_plate(job["raw"], job["images"], job["normalization"], ["w1"], 16)
    return LabelledFields([(plate, folder / "labels.h5")])


def images_per_s(
    epoch: Callable[[np.random.Generator], Iterable[Example]], n_images: int, settings: Settings, device: str
) -> float:
    """Of the best epoch after the first."""
    torch.manual_seed(0)
    weights = np.ones(ARCHITECTURE.n_classes)
    history = train(randomized(ARCHITECTURE), epoch, lambda: [], weights, settings, device, classes=NUMBERS)
    return n_images / history["seconds"][1:].min()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--fields", type=int, default=48)
    parser.add_argument("--side", type=int, default=600)
    parser.add_argument("--precision", default="float32")
    parser.add_argument("--epochs", type=int, default=4)
    options = parser.parse_args()
    settings = Settings(
        epochs=options.epochs,
        frozen_epochs=0,
        average_decay=0.99,
        cell_weight=1.0,
        precision=options.precision,
    )
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        fields = labelled_plate(Path(folder), options.fields, options.side)
        numbers = list(range(options.fields))

        def streamed(rng: np.random.Generator, n_threads: int) -> Iterable[Example]:
            return batches(fields.read, numbers, rng, CUTTING, NUMBERS, n_threads)

        one = next(iter(streamed(np.random.default_rng(0), 1)))
        n_batches = options.fields * CUTTING.tiles_per_field // CUTTING.batch_size
        n_images = n_batches * CUTTING.batch_size
        for n_threads in options.threads:
            torch.set_num_threads(n_threads)
            alone = images_per_s(lambda _: [one] * n_batches, n_images, settings, options.device)
            with_tiles = images_per_s(
                lambda rng, n=n_threads: streamed(rng, n), n_images, settings, options.device
            )
            rows.append(
                {
                    "threads": n_threads,
                    "network alone, images/s": alone,
                    "with tiles, images/s": with_tiles,
                    "busy": with_tiles / alone,
                }
            )
    print(pd.DataFrame(rows).to_string(index=False, float_format="%.3g"))
    print(f"{options.device}, {options.precision}, {options.fields} fields of {options.side} px")


if __name__ == "__main__":
    main()
