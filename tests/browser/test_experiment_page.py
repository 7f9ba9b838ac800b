"""The page of an experiment in a real browser."""

import os
from pathlib import Path

import numpy as np
import pytest
from plates_of_experiment import page_of, plate_of

pytest.importorskip("playwright", reason="needs playwright; 'make browser' installs it")
from chromium import CHROMIUM, opened

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="needs chromium: apt-get install chromium")

AXE = Path(os.environ.get("AXE", "axe.min.js"))
HOSTILE = "<script>alert(1)</script>"


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    path = tmp_path_factory.mktemp("experiment") / "report.html"
    plates = [
        plate_of("p1", [0.9, 0.92, 0.1, 0.08, 0.5, 0.6]),
        plate_of(
            "2026-11-28_a.long.name-of.a.plate", [0.8, 0.82, 0.1, 0.08, 0.5, np.nan], agent=HOSTILE, failed=2
        ),
    ]
    path.write_bytes(page_of(*plates, min_z_prime=0.95))
    return path


@pytest.mark.parametrize("width", [1280, 390])
def test_the_page_fits_and_a_treatment_stays_text(written, width):
    with opened(written, viewport={"width": width, "height": 800}) as page:
        assert page.evaluate("document.documentElement.scrollWidth") == width, "nothing sticks out"
        assert page.get_by_role("cell", name=HOSTILE, exact=True).count() == 1
        assert page.locator("script").count() == 0
        assert page.get_by_role("link", name="p1").first.get_attribute("href") == "p1/report.html"


@pytest.mark.skipif(not AXE.is_file(), reason="needs axe-core: AXE=axe.min.js")
@pytest.mark.parametrize("width", [1280, 390])
def test_axe_finds_nothing(written, width):
    with opened(written, viewport={"width": width, "height": 800}) as page:
        page.evaluate(AXE.read_text() + "; 0")
        found = page.evaluate("axe.run()")
    assert [(one["id"], one["nodes"][0]["html"]) for one in found["violations"]] == []
    assert len(found["passes"]) > 10
