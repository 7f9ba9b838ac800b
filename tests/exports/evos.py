"""A scan of an EVOS: raw images."""

import tifffile

CHANNEL = "d4"


def write(raw, images):
    for (well, field), image in images.items():
        name = f"LiveDead2_Plate_R_p00_0_{well}f{field - 1:02d}d4.TIF"
        tifffile.imwrite(raw / name, image, photometric="minisblack")
