"""Self-contained HTML pages: tables, and pictures inside the file, nothing fetched from elsewhere."""

import base64
import html
import io
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from matplotlib.image import imsave

from livedead.pictures import templates

STYLE = """
body { font: 15px/1.45 system-ui, sans-serif; color: #222;
       margin: 2rem auto; max-width: 76rem; padding: 0 1rem }
h1 { font-size: 1.6rem }
h2 { font-size: 1.2rem; margin-top: 2.2rem }
table { border-collapse: collapse; margin: .6rem 0; font-variant-numeric: tabular-nums }
td, th { padding: .25rem .7rem; text-align: right; border-bottom: 1px solid #ddd }
th:first-child, td:first-child { text-align: left }
figure { display: inline-block; margin: .4rem .6rem .4rem 0; vertical-align: top }
figure img { max-width: 100% }
figcaption { font-size: .9rem; color: #555 }
textarea { width: 100%; height: 6rem; font-family: ui-monospace, monospace }
label { cursor: pointer }
label.rejected img { opacity: .25 }
"""


def render(template: str, **values: Any) -> bytes:
    """A self-contained page from a template of `livedead.pictures.templates`.

    Parameters
    ----------
    template : str
        Its file, such as ``plate_page.html.j2``, which extends ``page.html.j2``.
    values
        What it names. Texts are escaped. In the template ``{{ source("plate_page.js")|safe }}`` puts
        in a file as it is, and ``{{ data|tojson }}`` data as JSON that cannot end its element; NaN is
        refused.

    Returns
    -------
    bytes
        The same for the same values.
    """
    folder = Path(str(templates.__file__)).parent
    environment = Environment(
        loader=FileSystemLoader(folder), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    environment.policies["json.dumps_kwargs"] = {"allow_nan": False, "separators": (",", ":")}
    environment.globals["source"] = lambda name: (folder / name).read_text(encoding="utf-8")
    return environment.get_template(template).render(**values).encode()


def page(title: str, parts: Iterable[str]) -> bytes:
    """A whole page from parts of HTML."""
    head = f'<meta charset="utf-8"><title>{html.escape(title)}</title><style>{STYLE}</style>'
    body = "\n".join([f"<h1>{html.escape(title)}</h1>", *parts])
    return f'<!doctype html>\n<html lang="en"><head>{head}</head>\n<body>\n{body}\n</body></html>\n'.encode()


def table(rows: pd.DataFrame) -> str:
    """A table; whole numbers as such, others with three decimals, missing ones as NA."""

    def text(value: float) -> str:
        return f"{value:.0f}" if value == round(value) else f"{value:.3f}"

    return rows.to_html(index=False, border=0, na_rep="NA", float_format=text)


def figure(picture: bytes, caption: str = "", kind: str = "png", width_px: int | None = None) -> str:
    """An image inside the page."""
    data = base64.b64encode(picture).decode()
    width = f' width="{width_px}"' if width_px else ""
    return (
        f'<figure><img src="data:image/{kind};base64,{data}"{width} alt="{html.escape(caption)}">'
        f"<figcaption>{html.escape(caption)}</figcaption></figure>"
    )


def jpeg(colours: np.ndarray) -> bytes:
    """An RGB picture, (H, W, 3) in [0, 1], as JPEG; equal pictures give equal bytes."""
    buffer = io.BytesIO()
    imsave(buffer, colours.clip(0, 1), format="jpg", pil_kwargs={"quality": 85})
    return buffer.getvalue()
