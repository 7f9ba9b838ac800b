"""OME-TIFF: a file a well, its fields as images of a plate."""

import tifffile
from exports.experiment import FIELDS, SIDE_PX, WELLS


def write(raw, images):
    for k, well in enumerate(WELLS):
        path = raw / f"{well}.ome.tif"
        samples = "".join(
            f'<WellSample ID="WellSample:{k}:{n}" Index="{n}"><ImageRef ID="Image:{k}:{n}"/></WellSample>'
            for n in range(len(FIELDS))
        )
        pixels = "".join(
            f'<Image ID="Image:{k}:{n}"><Pixels ID="Pixels:{k}:{n}" DimensionOrder="XYCZT" SizeC="1" '
            f'SizeZ="1" SizeT="1" SizeX="{SIDE_PX}" SizeY="{SIDE_PX}" Type="uint16">'
            f'<Channel ID="Channel:{k}:{n}" Name="C01"/><TiffData IFD="{n}" PlaneCount="1"/></Pixels></Image>'
            for n in range(len(FIELDS))
        )
        description = (
            '<?xml version="1.0"?><OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06">'
            f'<Plate ID="Plate:0"><Well ID="Well:{k}" Row="{ord(well[0]) - 65}" Column="{int(well[1:]) - 1}">'
            f"{samples}</Well></Plate>{pixels}</OME>"
        )
        with tifffile.TiffWriter(path) as file:
            for field in FIELDS:
                file.write(
                    images[well, field],
                    photometric="minisblack",
                    description=description if field == 1 else None,
                    metadata=None,
                )
