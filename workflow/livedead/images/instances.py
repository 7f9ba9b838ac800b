"""Masks of single objects that people or other programs drew."""

from pathlib import Path

import numpy as np
from skimage.io import imread

from livedead.errors import FieldError


def read_instances(path: str | Path) -> np.ndarray:
    """Read an instance mask (0 background, 1, 2, ... one number per object).

    Returns
    -------
    ndarray, (H, W), int32

    Raises
    ------
    FieldError
        If the file is absent, unreadable, or not one grey plane of integers.
    """
    try:
        mask = np.asarray(imread(path))
    except FileNotFoundError as error:
        raise FieldError("missing_file", f"{path}: no such mask") from error
    except Exception as error:  # any decoder
        raise FieldError("unreadable", f"{path}: not a readable image: {error}") from error
    if mask.ndim != 2 or mask.dtype.kind not in "ui":
        raise FieldError("wrong_layout", f"{path}: {mask.dtype} {mask.shape}, expected integers (H, W)")
    return mask.astype(np.int32)
