"""One experiment, exported by six kinds of software, must give one table."""

import h5py
import numpy as np
import pandas as pd
import pytest
import tifffile
import yaml
from chain import Plate
from convert_weights import convert_weights
from working_folder import Folder

from livedead import stores
from livedead.simulation import label_free
from livedead.tables import WELLS as WELL_TABLE

SIDE_PX, PIXEL_UM, OVERLAP_PX = 256, 0.65, 24
WELLS = {"A01": 0.9, "B02": 0.2}
FIELDS = (1, 2)
HTD = '"HTSInfoFile", Version 1.0\n"XWells", 12\n"YWells", 8\n"NWavelengths", 1\n"WaveName1", "C01"\n'
COUNTS = ["n_live", "n_dead", "n_ambiguous", "n_total", "viability", "area_mm2"]


def imagexpress(raw, images):
    (raw / "p.HTD").write_text(HTD)
    for (well, field), image in images.items():
        tifffile.imwrite(raw / f"p_{well}_s{field}_w1.TIF", image, photometric="minisblack")


def operetta(raw, images):
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


def cellvoyager(raw, images):
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


def scanr(raw, images):
    for (well, field), image in images.items():
        number = (ord(well[0]) - 65) * 12 + int(well[1:])
        name = f"{well[0]}{int(well[1:])}--W{number:05d}--P{field:05d}--Z00000--T00000--C01.tif"
        tifffile.imwrite(raw / name, image, photometric="minisblack", tile=(64, 64))


def hdf5(raw, images):
    for well in WELLS:
        with h5py.File(raw / f"{well}_t1.h5", "w") as file:
            file["C01"] = np.stack([images[well, field] for field in FIELDS], axis=-1)


def ome(raw, images):
    """A file a well, its fields as images of a plate."""
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


WRITERS = {writer.__name__: writer for writer in (imagexpress, operetta, cellvoyager, scanr, hdf5, ome)}


def write_folder(path, repository, writer, images, plates, **changes):
    """A folder with plates of `images`, as the `writer` exports them; `plates` are rows of plates.tsv."""
    config = yaml.safe_load((repository / "config/demo/config.yaml").read_text())
    config |= {"plates": "config/plates.tsv", "weights": str(repository / "config/demo/unet.h5")}
    config |= {"channels": {"brightfield": "C01"}, **changes}
    del config["simulation"]
    (path / "config").mkdir(parents=True)
    (path / "config/config.yaml").write_text(yaml.safe_dump(config))
    table = pd.DataFrame(plates).assign(raw=lambda t: "data/" + t["plate"], wells=96, pixel_size_um=PIXEL_UM)
    table.to_csv(path / "config/plates.tsv", sep="\t", index=False)
    for name, of_plate in images.items():
        (path / "data" / name).mkdir(parents=True)
        writer(path / "data" / name, of_plate)
    return Folder(path, repository)


@pytest.fixture(scope="module")
def experiment():
    """Brightfield of two wells with two fields each, and how many cells each well has."""
    images, truth = {}, {}
    for k, (well, viability) in enumerate(WELLS.items()):
        for field in FIELDS:
            rng = np.random.default_rng([5, k, field])
            channels, cells = label_free.simulate_field(rng, viability, side_px=SIDE_PX)
            images[well, field] = channels["brightfield"]
            truth[well] = truth.get(well, 0) + len(cells)
    return images, truth


@pytest.fixture(scope="module")
def unet(tmp_path_factory, repository):
    """The demo's network, by the names that rules have for its files."""
    plate = Plate(tmp_path_factory.mktemp("weights"))
    plate.call(convert_weights, source=repository / "config/demo/unet.h5")
    return {"unet": plate.folder / "unet.safetensors", "model": plate.folder / "unet.certificate.json"}


def test_one_experiment_gives_one_table_in_every_format(tmp_path, unet, experiment):
    images, truth = experiment
    settings = {"imaged": {"brightfield": "C01"}, "fields_per_well": len(FIELDS), "platemap": None}
    tables = {}
    for name, writer in WRITERS.items():
        plate = Plate(tmp_path / name, **unet, **settings)
        (plate.folder / "raw").mkdir(parents=True)
        writer(plate.folder / "raw", images)
        plate.count()
        tables[name] = stores.read_table(plate.folder / "wells.csv", WELL_TABLE).set_index("well")
    first = tables["imagexpress"]
    for well, n_cells in truth.items():
        assert first.at[well, "n_total"] == pytest.approx(n_cells, rel=0.15)
        assert first.at[well, "viability"] == pytest.approx(WELLS[well], abs=0.15)
    for table in tables.values():
        pd.testing.assert_frame_equal(table[COUNTS], first[COUNTS])
        assert (table["n_fields_used"] == len(FIELDS)).all()


@pytest.fixture(scope="module")
def configured(tmp_path_factory, repository, experiment):
    """A run with an overlap, a glare and a range for each well, and a plate of half the light."""
    images = dict(experiment[0])
    overexposed = images["B02", 2].copy()
    y, x = np.indices(overexposed.shape)
    overexposed[np.hypot(y - 100, x - 100) < 80] = 65535  # a glare; whole rows would be lost data
    images["B02", 2] = overexposed
    folder = write_folder(
        tmp_path_factory.mktemp("configured"),
        repository,
        operetta,
        {"bright": images, "dim": {key: image // 2 for key, image in experiment[0].items()}},
        [
            {"plate": "bright", "format": "operetta", "control_plate": ""},
            {"plate": "dim", "format": "auto", "control_plate": "bright"},
        ],
        overlap="crop",
        normalization={"scope": "well"},
        qc={"exclude_flags": ["saturated"]},
        max_failed_fraction=0.3,
    )
    run = folder.snakemake("results/bright/wells.csv", "results/dim/normalization.h5")
    assert run.returncode == 0, run.stderr
    return folder.path / "results"


def test_overlap_is_cropped_flags_exclude_and_wells_have_their_own_range(configured):
    wells = pd.read_csv(configured / "bright/wells.csv").set_index("well")
    # Half of the overlap is cut on both sides of both fields: each cell is seen once.
    field_mm2 = (SIDE_PX - OVERLAP_PX) * SIDE_PX * PIXEL_UM**2 / 1e6
    assert wells["area_mm2"].to_dict() == pytest.approx({"A01": 2 * field_mm2, "B02": field_mm2}, rel=1e-5)
    assert wells["status"].to_dict() == {"A01": "ok", "B02": "partial"}
    fields = pd.read_csv(configured / "bright/fields.csv")
    excluded = fields[fields["status"] == "failed"]
    assert excluded[["well", "field", "code"]].to_numpy().tolist() == [["B02", 2, "excluded_qc"]]
    assert "saturated" in wells.at["B02", "qc_flags"]
    stored = stores.read_normalization(configured / "bright/normalization.h5")[0]["brightfield"]
    levels = dict(zip(stored["local_wells"], map(tuple, stored["local_levels"]), strict=True))
    assert set(levels) == {b"A01", b"B02"}
    assert levels[b"A01"] != levels[b"B02"]


def test_a_control_plate_lends_its_normalization(configured):
    own, lent = (
        stores.read_normalization(configured / f"{name}/normalization.h5")[0]["brightfield"]
        for name in ("bright", "dim")
    )
    assert (lent["black"], lent["white"]) == (own["black"], own["white"])
    np.testing.assert_array_equal(lent["gain"], own["gain"])
    assert np.median(np.repeat(np.arange(65536), lent["histogram"])) < 0.6 * own["white"]


def test_braces_in_a_pattern_and_mistakes_in_maps_before_anything_is_computed(
    tmp_path, repository, experiment
):
    folder = write_folder(
        tmp_path,
        repository,
        imagexpress,
        {"a": experiment[0], "b": experiment[0]},
        [{"plate": name, "format": "pattern", "platemap": f"config/{name}.csv"} for name in "ab"],
        channels={"brightfield": "w1"},
        file_pattern="p_{well}_s{field}_{channel}.TIF",
    )
    for name, well in (("a", "I9"), ("b", "A 1")):
        (tmp_path / f"config/{name}.csv").write_text(f"well,drug\n{well},x\n")
    run = folder.snakemake("inventory")
    assert run.returncode != 0
    assert "config/a.csv: line 2, column 'well': well 'I9' is not on a 96-well plate" in run.stderr
    assert "config/b.csv: line 2, column 'well': 'A 1' is not a well name" in run.stderr
    assert not (tmp_path / "results").exists()
    for name in "ab":
        (tmp_path / f"config/{name}.csv").write_text("well,drug\nA1,x\n")
    run = folder.snakemake("inventory")
    assert run.returncode == 0, run.stderr
    assert run.stdout.count("imaged, not mapped: B02") == 2
