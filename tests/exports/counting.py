"""The experiment through the chain, from one kind of export to its well table."""

from chain import Plate
from exports.experiment import FIELDS

from livedead import stores
from livedead.tables import WELLS

COUNTS = ["n_live", "n_dead", "n_ambiguous", "n_total", "viability", "area_mm2"]


def counted(folder, unet, writer, images):
    """The well table of the experiment as one kind of software exports it."""
    imaged = {"brightfield": getattr(writer, "CHANNEL", "C01")}
    plate = Plate(folder / "p", **unet, imaged=imaged, fields_per_well=len(FIELDS), platemap=None)
    (plate.folder / "raw").mkdir(parents=True)
    writer.write(plate.folder / "raw", images)
    plate.count()
    return stores.read_table(plate.folder / "wells.csv", WELLS).set_index("well")
