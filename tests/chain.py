"""A plate in a folder of its own, and the steps of the chain, called on it as their rules call them."""

import inspect
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from conftest import CLASSES, randomized
from count_cells import count_cells
from fit_dyes import fit_dyes
from gather_fields import gather_fields
from index_plate import index_plate
from normalize_plate import normalize_plate
from read_dyes import read_dyes
from segment_fields import segment_fields
from segment_sample import segment_sample
from tabulate_wells import tabulate_wells
from verify_well import verify_well

from livedead import stores
from livedead.job import bind
from livedead.network.unet import Architecture
from livedead.weights import unet_io
from livedead.weights.assay import Assay
from livedead.weights.certificate import certify_training

FILES = {
    "raw": "raw",
    "truth_cells": "truth_cells.csv",
    "truth_wells": "truth_wells.csv",
    "images": "images.tsv",
    "export": "export.json",
    "normalization": "normalization.h5",
    "unet": "unet.safetensors",
    "certificate": "unet.certificate.json",
    "model": "unet.certificate.json",
    "models": "unet.certificate.json",
    "platemap": "map.tsv",
    "fields": "fields.csv",
    "cells": "cells.csv.gz",
    "wells": "wells.csv",
    "quality": "quality.csv",
    "residuals": "residuals.csv",
    "labels": "labels.h5",
}
"""Where each file of a plate lies in its folder, by the name that rules have for it."""

NORMALIZATION = {
    "low_percentile": 0.1,
    "high_percentile": 99.9,
    "min_range": 200,
    "flat_fields": 4,
    "smooth_px": 16,
    "floor": 0.2,
    "seed": 0,
}
DYES = {
    "total": "hoechst",
    "live": None,
    "dead": "draq7",
    "threshold": {"total": "auto", "live": "auto", "dead": "auto"},
    "sigmas": 6,
    "dead_by": "fraction",
    "stained_fraction": None,
    "both": "dead",
    "diameter_um": None,
    "fields": 48,
    "seed": 0,
}
QC = {
    "min_focus": None,
    "max_saturated_fraction": None,
    "max_dark_fraction": None,
    "max_illumination_residual": None,
    "max_drift": None,
    "max_unfamiliarity": None,
    "exclude_flags": [],
    "experience": [],
    "corrections": [],
}
SETTINGS = {
    "plate": "p",
    "export_format": "auto",
    "n_wells": 96,
    "pixel_size_um": 0.65,
    "bit_depth": 16,
    "naming": {},
    "siblings": [],
    "hdf5_axes": None,
    "pages": None,
    "focal_plane": None,
    "overlap": "keep",
    "accept": [],
    "control": [],
    "dyes": [],
    "dyed_cells": [],
    "audit": [],
    "audit_map": [],
    "audits": [],
    "audit_dyes": [],
    "wells_read": [],
    "dyed_wells": [],
    "imaged": {"brightfield": "w1", "hoechst": "w2", "draq7": "w3"},
    "channels": ["brightfield"],
    "input_channels": ["brightfield"],
    "settings": NORMALIZATION,
    "classes": CLASSES,
    "network": {"bottom": "project", "stride_padding": "correct"},
    "segmentation": {
        "device": "cpu",
        "precision": "float32",
        "memory_mb": 4000,
        "force": None,
        "tile_px": None,
    },
    "seam": {"checks": 1, "max_difference": 1e-3},
    "intensity_channels": ["brightfield"],
    "counting": {"min_area_um2": 5, "max_area_um2": 1e5, "ambiguous_margin": 0.0, "split_depth_um": 0.0},
    "min_range": 200,
    "qc": QC,
    "fields_per_well": None,
    "treatment_columns": [],
    "config_sha256": "c",
    "seed": 0,
    "sample": 1,
    "exclude_flags": [],
    "experience": [],
    "corrections": [],
    "plate_map": {},
    "hours_per_timepoint": None,
    "channel": "brightfield",
    "shown": {"input": "brightfield"},
}
"""Parameters of all steps; ``imaged`` is what index_plate calls ``channels``."""


class Plate:
    """A plate whose files lie in a folder; `settings` are parameters in which it differs from `SETTINGS`."""

    def __init__(self, folder: Path, **settings: Any):
        self.folder = folder
        self.settings = {**SETTINGS, **settings}

    def call(self, step: Callable[..., None], **given: Any) -> None:
        """Call a step as its rule would; what is not `given` are the plate's files and settings."""
        files = {name: self.folder / path for name, path in FILES.items()}
        wanted = inspect.signature(step).parameters.keys() - {"threads"}
        arguments = {
            name: str(value) if isinstance(value, Path) else value
            for name, value in {**files, **self.settings, **given}.items()
            if name in wanted
        }
        step(**bind(step, SimpleNamespace(input=arguments, output={}, params={}, threads=1)))

    def prepare(self) -> None:
        """Index the raw images, and fit their normalization."""
        self.call(index_plate, channels=self.settings["imaged"])
        self.call(normalize_plate)

    def fit_dyes(self, folder: Path, dyes: dict[str, Any] = DYES, **given: Any) -> None:
        """Fit the plate's dyes into `folder`."""
        files = {"dyes": "dyes.h5", "table": "dyes.csv", "model": "dyes.json"}
        outputs = {name: folder / file for name, file in files.items()}
        settings = {"settings": dyes, "normalization": NORMALIZATION, "controls": {}}
        self.call(fit_dyes, **{**outputs, **settings, **given})

    def read_dyes(self, folder: Path, **given: Any) -> None:
        """Read and count the plate by the dyes that were fitted into `folder`, in one shard."""
        shard = folder / "1-of-1"
        fitted = {"dyes": folder / "dyes.h5", "model": folder / "dyes.json", "classes": []}
        dyed = Plate(self.folder, **{**self.settings, **fitted, **given})
        dyed.call(read_dyes, scatteritem=shard.name, class_maps=shard / "classes.h5")
        dyed.count_shard(shard)
        tables = {name: folder / FILES[name] for name in ("fields", "cells", "wells")}
        dyed.gather(shard, **tables)
        dyed.call(tabulate_wells, **tables)

    def read_shard(self, shard: Path, **given: Any) -> None:
        """Segment and count the shard that the name of the folder `shard` says, into that folder."""
        self.call(segment_fields, **{"scatteritem": shard.name, "class_maps": shard / "classes.h5", **given})
        self.count_shard(shard)

    def count_shard(self, shard: Path, **given: Any) -> None:
        """Count what was segmented into the folder `shard`."""
        tables = {"fields": shard / "fields.csv", "cells": shard / "cells.csv.gz"}
        self.call(count_cells, **{"class_maps": shard / "classes.h5", **tables, **given})

    def gather(self, *shards: Path, **given: Any) -> None:
        """Join what was counted into the folders `shards`."""
        fields, cells = ([shard / name for shard in shards] for name in ("fields.csv", "cells.csv.gz"))
        self.call(gather_fields, **{"shard_fields": fields, "shard_cells": cells, **given})

    def verify(self, folder: Path, **given: Any) -> str:
        """Recompute a sample of wells into `folder`; the report."""
        files = {"verified_fields": "fields.csv", "verified_cells": "cells.csv.gz", "report": "well.txt"}
        outputs = {name: folder / file for name, file in files.items()}
        self.call(segment_sample, **{"class_maps": folder / "classes.h5", **given})
        self.call(verify_well, **{"class_maps": folder / "classes.h5", **outputs, **given})
        return (folder / "well.txt").read_text()

    def count(self) -> None:
        """The whole chain, from raw images to the well table, in one shard."""
        self.prepare()
        self.read_shard(self.folder / "1-of-1")
        self.gather(self.folder / "1-of-1")
        self.call(tabulate_wells)


def write_unet(folder: Path, classes_verified: bool = True) -> dict[str, Path]:
    """A small network with random weights, and its certificate, by the names that rules have for them."""
    unet, certificate = folder / "unet.safetensors", folder / "unet.certificate.json"
    network = randomized(Architecture(n_classes=5, alpha=0.35, decoder_widths=(16, 12, 8, 8)))
    assay = Assay(CLASSES, ["brightfield"])
    unet_io.write(unet, network, certify_training(network, assay, {}))
    stores.write_json(certificate, {"model_sha256": "m", "classes_verified": classes_verified})
    return {"unet": unet, "model": certificate, "models": certificate}
