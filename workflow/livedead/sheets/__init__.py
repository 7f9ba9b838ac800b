"""Tables that people write: plates.tsv and plate maps, read so that every mistake is named."""

from livedead.sheets.masks import mask_files
from livedead.sheets.numbers import read_doses
from livedead.sheets.plate_maps import (
    CONTROLS,
    MapColumns,
    check_plate_maps,
    read_plate_map,
)
from livedead.sheets.plate_sheet import PLATE_COLUMNS, read_barcodes, read_plates

__all__ = [
    "CONTROLS",
    "PLATE_COLUMNS",
    "MapColumns",
    "check_plate_maps",
    "mask_files",
    "read_barcodes",
    "read_doses",
    "read_plate_map",
    "read_plates",
]
