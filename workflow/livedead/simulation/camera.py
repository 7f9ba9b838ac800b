"""What the optics and the camera make of light."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Camera:
    """What the optics and the camera do to the light.

    Attributes
    ----------
    offset, read_noise : float
        Dark level and its standard deviation, counts.
    electrons_per_count : float
        Gain; sets the shot noise.
    vignetting : float
        Fraction of the light that is lost in the corners.
    """

    offset: float = 200.0
    read_noise: float = 15.0
    electrons_per_count: float = 0.5
    vignetting: float = 0.35

    def expose(self, rng: np.random.Generator, light: np.ndarray) -> np.ndarray:
        """Counts that the camera reads, (N, N) uint16, of light in counts, (N, N) float32."""
        side_px = light.shape[0]
        y, x = np.mgrid[0:side_px, 0:side_px].astype(np.float32) / side_px - np.float32(0.5)
        counts = light * (1 - self.vignetting * 2 * ((y - 0.06) ** 2 + (x + 0.04) ** 2))
        counts = np.maximum(counts, 0)
        shot = np.sqrt(counts / self.electrons_per_count)
        noise = rng.standard_normal(counts.shape, np.float32)
        counts += self.offset + noise * np.sqrt(shot**2 + self.read_noise**2)
        return np.clip(np.rint(counts), 0, 65535).astype(np.uint16)


USUAL_CAMERA = Camera()


def integrated(light: np.ndarray, points: int) -> np.ndarray:
    """Mean light on pixels that are so many points wide, (N, N) float32, of light at (N points, N points)."""
    side_px = light.shape[0] // points
    return light.reshape(side_px, points, side_px, points).mean(axis=(1, 3))
