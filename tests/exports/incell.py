"""An IN Cell Analyzer export: names, and an .xdce index with the places of the fields."""

import tifffile
from exports.experiment import PIXEL_UM, SIDE_PX

CHANNEL = "TL-Brightfield - Cy3"


def write(raw, images):
    listed = ""
    for (well, field), image in images.items():
        row, column = ord(well[0]) - 64, int(well[1:])
        name = f"{well[0]} - {column:02d}(fld {field} wv TL-Brightfield - Cy3 wix 2).tif"
        tifffile.imwrite(raw / name, image, photometric="minisblack")
        listed += (
            f'<Image filename="{name}" timestamp_sec="1700000000.5"><Well label="{well[0]} - {column}">'
            f'<Row number="{row}"/><Column number="{column}"/></Well><PlatePosition_um '
            f'x="{field * SIDE_PX}" y="0"/><Identifier field_index="{field - 1}" time_index="0" '
            'wave_index="1" z_index="0"/></Image>'
        )
    (raw / "p.xdce").write_text(
        '<?xml version="1.0" encoding="ISO-8859-1"?><ImageStack PlateID="p"><AutoLeadAcquisitionProtocol>'
        f'<ObjectiveCalibration pixel_width="{PIXEL_UM}" pixel_height="{PIXEL_UM}"/>'
        f'<Plate rows="8" columns="12"/></AutoLeadAcquisitionProtocol><Images number="{len(images)}">{listed}'
        "</Images></ImageStack>",
        encoding="latin-1",
    )
