"""A MetaXpress export: names, and an .HTD file."""

import tifffile

HTD = '"HTSInfoFile", Version 1.0\n"XWells", 12\n"YWells", 8\n"NWavelengths", 1\n"WaveName1", "C01"\n'


def write(raw, images):
    (raw / "p.HTD").write_text(HTD)
    for (well, field), image in images.items():
        tifffile.imwrite(raw / f"p_{well}_s{field}_w1.TIF", image, photometric="minisblack")
