"""An Incucyte export of one scan of one vessel; behind each image lies a pixel that holds metadata."""

import tifffile

CHANNEL = "Phase"


def write(raw, images):
    for (well, field), image in images.items():
        name = f"VID1630_Phase_{well[0]}{int(well[1:])}_{field}_00d00h00m.tif"
        with tifffile.TiffWriter(raw / name) as file:
            for page in (image, image[:1, :1]):
                file.write(page, photometric="minisblack", metadata=None)
