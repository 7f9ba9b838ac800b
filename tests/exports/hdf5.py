"""HDF5 stacks, a file a well."""

import h5py
import numpy as np
from exports.experiment import FIELDS, WELLS


def write(raw, images):
    for well in WELLS:
        with h5py.File(raw / f"{well}_t1.h5", "w") as file:
            file["C01"] = np.stack([images[well, field] for field in FIELDS], axis=-1)
