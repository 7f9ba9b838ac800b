"""A Harmony export, whose fields overlap."""

import tifffile
from exports.experiment import OVERLAP_PX, PIXEL_UM, SIDE_PX


def write(raw, images):
    step_m = (SIDE_PX - OVERLAP_PX) * PIXEL_UM * 1e-6
    listed = ""
    for (well, field), image in images.items():
        row, column = ord(well[0]) - 64, int(well[1:])
        url = f"r{row:02d}c{column:02d}f{field:02d}p01-ch1sk1fk1fl1.tiff"
        tifffile.imwrite(raw / url, image, photometric="minisblack", compression="zlib")
        listed += (
            f"<Image><State>Ok</State><URL>{url}</URL><Row>{row}</Row><Col>{column}</Col>"
            f"<FieldID>{field}</FieldID><PlaneID>1</PlaneID><TimepointID>0</TimepointID><ChannelID>1</ChannelID>"
            f"<ChannelName>C01</ChannelName><PositionX Unit='m'>{(field - 1) * step_m}</PositionX>"
            "<PositionY Unit='m'>0</PositionY></Image>"
        )
    (raw / "Index.idx.xml").write_text(
        "<EvaluationInputData xmlns='http://x/HarmonyV5'><Plates><Plate><PlateRows>8</PlateRows>"
        f"<PlateColumns>12</PlateColumns></Plate></Plates><Images>{listed}</Images></EvaluationInputData>"
    )
