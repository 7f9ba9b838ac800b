"""Small pictures inside a page: fields and class maps, compressed."""

import base64
import io

import numpy as np
from matplotlib.colors import to_rgb
from PIL import Image

from livedead.network.classes import Classes
from livedead.pictures.figures import ROLE_COLOURS


def webp(colours: np.ndarray, side_px: int, quality: int) -> str:
    """An RGB picture, (H, W, 3) in [0, 1], as the address of a WebP; equal pictures give equal texts.

    Parameters
    ----------
    side_px : int
        Longer side; a larger picture is reduced by averaging, a smaller one stays as it is.
    quality : int
        1 to 100.
    """
    picture = Image.fromarray((colours.clip(0, 1) * 255).round().astype(np.uint8))
    small = picture.resize(fitted(colours.shape[:2], side_px)[::-1], Image.Resampling.BOX)
    return _address(small, quality=quality)


def class_map_webp(class_map: np.ndarray, classes: Classes, side_px: int) -> str:
    """A class map, (H, W) uint8, as the address of a WebP without loss.

    Classes have the colours of their roles; the background is transparent. A large map is
    reduced by leaving rows and columns out, as classes have no mean.
    """
    colours = np.zeros((256, 4), np.uint8)
    for role, colour in ROLE_COLOURS.items():
        colours[list(classes.of(role))] = [*(round(255 * part) for part in to_rgb(colour)), 255]
    height, width = fitted(class_map.shape, side_px)
    rows, columns = (
        ((np.arange(n) + 0.5) * side / n).astype(int)
        for n, side in zip((height, width), class_map.shape, strict=True)
    )
    return _address(Image.fromarray(colours[class_map[np.ix_(rows, columns)]]), lossless=True)


def fitted(shape: tuple[int, ...], side_px: int) -> tuple[int, int]:
    """(H, W) of a picture whose longer side is at most `side_px`.

    Examples
    --------
    >>> fitted((2700, 3600), 480), fitted((64, 32), 480)
    ((360, 480), (64, 32))
    """
    scale = min(1.0, side_px / max(shape))
    height, width = (max(1, round(side * scale)) for side in shape)
    return height, width


def _address(picture: Image.Image, **options: int | bool) -> str:
    buffer = io.BytesIO()
    picture.save(buffer, "webp", **options)
    return f"data:image/webp;base64,{base64.b64encode(buffer.getvalue()).decode()}"
