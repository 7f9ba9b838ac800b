"""A CQ1 export: TIFF files in a folder beside an OME-XML document, whose first image has no files."""

import tifffile
from exports.experiment import FIELDS, PIXEL_UM, SIDE_PX, WELLS

CHANNEL = "C1"
_PIXELS = (
    f'<Pixels ID="Pixels:{{0}}" DimensionOrder="XYZCT" SizeC="1" SizeZ="1" SizeT="1" SizeX="{SIDE_PX}" '
    f'SizeY="{SIDE_PX}" Type="uint16" PhysicalSizeX="{PIXEL_UM}">'
    '<Channel ID="Channel:{0}" Name="CH1"/>{1}</Pixels>'
)


def write(raw, images):
    (raw / "Image").mkdir()
    wells, pixels = "", '<Image ID="Image:0" Name="x">' + _PIXELS.format(0, "") + "</Image>"
    for k, well in enumerate(WELLS):
        row, column = ord(well[0]) - 64, int(well[1:])
        number, samples = (row - 1) * 12 + column, ""
        for field in FIELDS:
            image = k * len(FIELDS) + field
            file = f"Image/W{number:04d}F{field:04d}T0001Z001C1.tif"
            tifffile.imwrite(raw / file, images[well, field], photometric="minisblack")
            samples += (
                f'<WellSample ID="WellSample:{image}" Index="0"><ImageRef ID="Image:{image}"/></WellSample>'
            )
            plane = (
                f'<TiffData IFD="0" PlaneCount="1"><UUID FileName="{file}">urn:uuid:{image}</UUID></TiffData>'
            )
            pixels += f'<Image ID="Image:{image}" Name="W{number}(R{row}C{column}),A{field},F{field}">'
            pixels += _PIXELS.format(image, plane) + "</Image>"
        wells += f'<Well ID="Well:{k}" Row="{row - 1}" Column="{column - 1}">{samples}</Well>'
    (raw / "MeasurementResult.ome.xml").write_text(
        '<?xml version="1.0"?><OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2013-06">'
        f'<Plate ID="Plate:0" Rows="8" Columns="12">{wells}</Plate>{pixels}</OME>'
    )
