"""A Cellomics export, with overlays beside the images."""

import numpy as np
import tifffile

CHANNEL = "d0"


def write(raw, images):
    for (well, field), image in images.items():
        name = raw / f"MFGTMP_140206180002_{well}f{field - 1:02d}"
        tifffile.imwrite(f"{name}d0.TIF", image, photometric="minisblack")
        tifffile.imwrite(f"{name}o1.TIF", np.zeros((8, 8), np.uint8), photometric="minisblack")
