import base64
import io
import json
import re

import numpy as np
import pandas as pd
import pytest
from jinja2 import UndefinedError
from matplotlib.image import imread

from livedead.pictures import pages


def test_a_page_holds_its_pictures_and_escapes_names():
    colours = np.linspace(0, 1, 16 * 24 * 3).reshape(16, 24, 3)
    page = pages.page("a < b", [pages.figure(pages.jpeg(colours), 'say "c"', kind="jpeg")]).decode()
    assert "<h1>a &lt; b</h1>" in page
    assert "say &quot;c&quot;" in page
    data = re.search(r"data:image/jpeg;base64,([^\"]+)", page)[1]
    back = imread(io.BytesIO(base64.b64decode(data)), format="jpg")
    np.testing.assert_allclose(back / 255, colours, atol=0.1)
    assert pages.jpeg(colours) == pages.jpeg(colours)


def test_numbers_in_a_table_are_short():
    rows = pd.DataFrame({"name": ["a", "b"], "n": [3.0, 2.0], "share": [1 / 3, None]})
    assert re.findall("<td>(.*?)</td>", pages.table(rows)) == ["a", "3", "0.333", "b", "2", "NA"]


def test_a_template_escapes_texts_and_holds_all_that_it_needs(tmp_path, monkeypatch):
    (tmp_path / "__init__.py").touch()
    (tmp_path / "page.js").write_text("if (1 < 2 && 3 > 2) go();")
    (tmp_path / "page.html.j2").write_text(
        '<h1>{{ title }}</h1><script>{{ source("page.js")|safe }}</script>'
        '<script type="application/json">{{ data|tojson }}</script>'
    )
    monkeypatch.setattr(pages.templates, "__file__", str(tmp_path / "__init__.py"))
    hostile = "</script><script>alert(1)</script>"
    page = pages.render("page.html.j2", title=hostile, data=[hostile, "µ"])
    heading, script, data = page.decode().split("<script")
    assert heading == "<h1>&lt;/script&gt;&lt;script&gt;alert(1)&lt;/script&gt;</h1>"
    assert script == ">if (1 < 2 && 3 > 2) go();</script>"
    assert json.loads(data.split(">", 1)[1].removesuffix("</script>")) == [hostile, "µ"]
    assert page == pages.render("page.html.j2", title=hostile, data=[hostile, "µ"])
    with pytest.raises(ValueError, match="not JSON compliant"):
        pages.render("page.html.j2", title="", data=[float("nan")])
    with pytest.raises(UndefinedError, match="title"):
        pages.render("page.html.j2", data=[])
