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
    return _address(small, "webp", quality=quality, method=4)


def class_map_png(class_map: np.ndarray, classes: Classes, side_px: int) -> str:
    """A class map, (H, W) uint8, as the address of a PNG in the colours of its classes' roles.

    Where no class is drawn it is transparent. A large map is reduced by leaving rows and columns out, as
    classes have no mean.
    """
    colours = list(ROLE_COLOURS)
    role_of = np.zeros(256, np.uint8)
    for number, role in enumerate(colours, start=1):
        role_of[list(classes.of(role))] = number
    height, width = fitted(class_map.shape, side_px)
    rows, columns = (
        ((np.arange(n) + 0.5) * side / n).astype(int)
        for n, side in zip((height, width), class_map.shape, strict=True)
    )
    picture = Image.fromarray(role_of[class_map[np.ix_(rows, columns)]]).convert("P")
    palette = [(0, 0, 0), *(to_rgb(ROLE_COLOURS[role]) for role in colours)]
    picture.putpalette([round(255 * part) for colour in palette for part in colour])
    return _address(picture, "png", optimize=True, transparency=0)


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


def _address(picture: Image.Image, kind: str, **options: int | bool) -> str:
    buffer = io.BytesIO()
    picture.save(buffer, kind, **options)
    return f"data:image/{kind};base64,{base64.b64encode(buffer.getvalue()).decode()}"
