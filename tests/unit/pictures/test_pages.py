import base64
import io
import re

import numpy as np
import pandas as pd
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
