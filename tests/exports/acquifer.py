"""An acquisition of the Acquifer IM, whose stage moves by more than a field."""

import tifffile

CHANNEL = "CO6"


def write(raw, images):
    for k, ((well, field), image) in enumerate(images.items(), start=1):
        name = (
            f"-{well[0]}{int(well[1:]):03d}--PO{field:02d}--LO001--CO6--SL001--PX06500--PW0080--IN0020--TM244"
            f"--X{20000 * field:06d}--Y011265--Z209501--T{1000 * k:010d}--WE{k:05d}.tif"
        )
        tifffile.imwrite(raw / name, image, photometric="minisblack")
