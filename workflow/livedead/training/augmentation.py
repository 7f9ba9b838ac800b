"""What is done to training tiles so that a network learns what differs between plates."""

import numpy as np
from scipy.ndimage import binary_dilation, gaussian_filter

from livedead.cells.labels import label_cells
from livedead.network.classes import Classes
from livedead.training.labelled_fields import Example


def paste(
    inputs: np.ndarray,
    target: np.ndarray,
    other: np.ndarray,
    other_target: np.ndarray,
    classes: Classes,
    rng: np.random.Generator,
) -> Example:
    """Paste about half of the cells of another tile over this one, blended at their rims.

    Where the assay has a boundary class, the cells below end in a line of it.

    Parameters
    ----------
    inputs, other : ndarray, (C, H, W), float32
    target, other_target : ndarray, (H, W), uint8
    classes : Classes
    rng : Generator
    """
    labels = label_cells(other_target, classes)
    taken = np.append(False, rng.uniform(size=int(labels.max())) < 0.5)[labels]
    if not taken.any():
        return inputs, target
    target = np.where(taken, other_target, target)
    if classes.boundary:
        rim = binary_dilation(taken, np.ones((3, 3))) & ~taken
        target[rim & np.isin(target, classes.nuclei)] = classes.boundary[0]
    soft = gaussian_filter(binary_dilation(taken, iterations=2).astype(np.float32), 0.7)
    return inputs + soft * (other - inputs), target


def augment(
    inputs: np.ndarray, target: np.ndarray, rng: np.random.Generator, disturbance: float = 1.0
) -> Example:
    """Vary what may differ between plates without changing a cell's state.

    Flips and quarter turns; and brightness, contrast, blur of up to 1 px, and noise.

    Parameters
    ----------
    inputs : ndarray, (C, H, W), float32
        In [-1, 1].
    target : ndarray, (H, W), uint8
    rng : Generator
    disturbance : float
        0 to 3: scales the range of brightness and contrast, and how often blur and noise are added.
    """
    turns, flip = int(rng.integers(4)), bool(rng.integers(2))
    inputs, target = np.rot90(inputs, turns, (1, 2)), np.rot90(target, turns)
    if flip:
        inputs, target = inputs[:, :, ::-1], target[:, ::-1]
    gain, offset = 0.15 * disturbance, 0.1 * disturbance
    inputs = inputs * np.float32(rng.uniform(1 - gain, 1 + gain)) + np.float32(rng.uniform(-offset, offset))
    if rng.uniform() < 0.3 * disturbance:
        sigma = rng.uniform(0.3, 1.0)
        inputs = gaussian_filter(inputs, (0, sigma, sigma))
    if rng.uniform() < 0.5 * disturbance:
        noise = rng.standard_normal(inputs.shape, np.float32)
        inputs = inputs + np.float32(rng.uniform(0, 0.03)) * noise
    return np.ascontiguousarray(inputs.clip(-1, 1), np.float32), np.ascontiguousarray(target)
