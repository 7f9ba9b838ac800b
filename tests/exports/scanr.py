"""A ScanR export."""

import tifffile


def write(raw, images):
    for (well, field), image in images.items():
        number = (ord(well[0]) - 65) * 12 + int(well[1:])
        name = f"{well[0]}{int(well[1:])}--W{number:05d}--P{field:05d}--Z00000--T00000--C01.tif"
        tifffile.imwrite(raw / name, image, photometric="minisblack", tile=(64, 64))
