"""A Gen5 export of a Cytation, with its XML in every image."""

import tifffile
from exports.experiment import PIXEL_UM

CHANNEL = "Bright Field"
XML = (
    "<BTIImageMetaData><ImageReference><Date>02/19/26</Date><Time>10:00:00</Time></ImageReference>"
    "<ImageAcquisition><PixelWidth>{0}</PixelWidth><ImageWidthMicrons>{1}</ImageWidthMicrons>"
    "</ImageAcquisition></BTIImageMetaData>"
)


def write(raw, images):
    for (well, field), image in images.items():
        width = image.shape[1]
        tifffile.imwrite(
            raw / f"{well[0]}{int(well[1:])}_02_1_{field}_Bright Field_001.tif",
            image,
            photometric="minisblack",
            description=XML.format(width, width * PIXEL_UM),
            metadata=None,
        )
