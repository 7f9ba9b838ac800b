"""How flat BBBC010 becomes: the table and the picture of docs/normalization.md.

``PYTHONPATH=workflow python tests/benchmarks/flat_field.py SHARED/data/bbbc010``. Background is the
inside of the well 20 px from its wall, without worms (given masks) and 6 px around them; its spread
is from the 5th to the 95th percentile, over the median.
"""

import argparse
import re
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import tifffile
from scipy.ndimage import binary_dilation, binary_erosion, binary_fill_holes
from skimage.io import imread

from livedead.normalization.field_illumination import correct_illumination
from livedead.normalization.fitting import fit_channel
from livedead.normalization.settings import NormalizationSettings

DEFAULT = NormalizationSettings(
    low_percentile=0.1, high_percentile=99.9, min_range=200, flat_fields=48, smooth_px=24, floor=0.2, seed=0
)
DEGREE, FLOOR = 8, 0.3
LIT_COUNTS, WALL_PX, WORM_PX = 700, 20, 6
PICTURE = Path(__file__).parents[2] / "docs/flat_field.png"


def spread(field: np.ndarray, background: np.ndarray) -> float:
    low, median, high = np.percentile(field[background], [5, 50, 95])
    return float((high - low) / median)


def draw(versions: dict[str, np.ndarray], row: int) -> None:
    figure, axes = plt.subplots(2, 2, figsize=(11, 7), height_ratios=(3, 1), layout="constrained")
    for (title, field), (above, below) in zip(versions.items(), axes.T, strict=True):
        above.imshow(field, cmap="gray", vmin=0, vmax=np.percentile(field, 98))
        above.axhline(row, color="tab:orange", linewidth=1)
        above.set(title=title, xticks=[], yticks=[])
        below.plot(field[row], color="tab:orange", linewidth=1)
        below.set(xlim=(0, field.shape[1]), ylim=(0, None), xlabel="column (px)", ylabel="counts")
    figure.savefig(PICTURE, dpi=90)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    folder = parser.parse_args().folder
    paths = {re.search(r"_([A-P]\d\d)_w2", path.name)[1]: path for path in (folder / "raw").glob("*_w2_*")}
    fields = {(well, 1, 1): tifffile.imread(paths[well]) for well in sorted(paths)}
    plate, *_ = fit_channel(fields.__getitem__, list(fields), DEFAULT)
    rows = []
    for (well, *_), raw in fields.items():
        worms = imread(folder / f"labels/{well}_worms.png") > 0
        inside = binary_erosion(binary_fill_holes(raw > LIT_COUNTS), iterations=WALL_PX)
        background = inside & ~binary_dilation(worms, iterations=WORM_PX)
        own = correct_illumination(raw, DEGREE, FLOOR)
        versions = {"raw": raw, "plate's light": raw * plate.gain, "own light": own}
        rows.append([spread(field, background) for field in versions.values()])
        if len(rows) == 1:
            draw({f"{well}, {name}": versions[name] for name in ("raw", "own light")}, raw.shape[0] // 2)
    for name, found in zip(versions, np.transpose(rows), strict=True):
        print(f"{name}: mean {found.mean():.1%}, worst well {found.max():.1%}")


if __name__ == "__main__":
    main()
