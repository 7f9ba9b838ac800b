"""A CellVoyager export."""

import tifffile


def write(raw, images):
    records = ""
    for (well, field), image in images.items():
        name = f"x_{well}_T0001F{field:03d}L01A01Z01C01.tif"
        tifffile.imwrite(raw / name, image, photometric="minisblack", byteorder=">")
        records += (
            f'<bts:MeasurementRecord bts:Type="IMG" bts:Row="{ord(well[0]) - 64}" '
            f'bts:Column="{int(well[1:])}" bts:TimePoint="1" bts:FieldIndex="{field}" bts:ZIndex="1" '
            f'bts:Ch="1">{name}</bts:MeasurementRecord>'
        )
    (raw / "MeasurementData.mlf").write_text(
        f'<bts:MeasurementData xmlns:bts="http://www.yokogawa.co.jp">{records}</bts:MeasurementData>'
    )
