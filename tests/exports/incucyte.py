"""An Incucyte export of one scan of one vessel."""

import tifffile

CHANNEL = "Phase"


def write(raw, images):
    for (well, field), image in images.items():
        name = f"VID1630_Phase_{well[0]}{int(well[1:])}_{field}_00d00h00m.tif"
        tifffile.imwrite(raw / name, image, photometric="minisblack")
