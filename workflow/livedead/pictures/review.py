"""The page on which a person accepts or rejects dyed fields before a network learns from them."""

import html
from collections.abc import Iterable

import numpy as np

from livedead.pictures import pages
from livedead.pictures.class_maps import ROLE_COLOURS, outlined

INTRODUCTION = """<p>Outlines of the labels that a network would learn from: {legend}. Click a field whose
labels are wrong to reject it; then copy these lines into the configuration.</p>
<textarea id="exclude" readonly></textarea>"""

SCRIPT = """<script>
const boxes = [...document.querySelectorAll("input[type=checkbox]")];
function tell() {
  boxes.forEach(box => box.parentElement.classList.toggle("rejected", box.checked));
  const rejected = boxes.filter(box => box.checked).map(box => "    - " + box.value);
  document.getElementById("exclude").value =
    "training:\\n  exclude:" + (rejected.length ? "\\n" + rejected.join("\\n") : " []");
}
boxes.forEach(box => box.addEventListener("change", tell));
tell();
</script>"""


def draw(
    plate: str,
    labelled: Iterable[tuple[str, np.ndarray, np.ndarray]],
    numbers: dict[str, list[int]],
    rejected: Iterable[str],
) -> bytes:
    """One HTML page.

    Parameters
    ----------
    labelled : iterable of (name, field, class map)
        ``plate/well/field``, (H, W) in [-1, 1], (H, W); drawn as they come.
    numbers : dict
        Role -> numbers of its classes.
    rejected : iterable of str
        Wells and fields that the configuration excludes already.
    """
    excluded = set(rejected)
    legend = ", ".join(
        f'<b style="color:{colour}">{role}</b>' for role, colour in ROLE_COLOURS.items() if role in numbers
    )
    parts = [INTRODUCTION.format(legend=legend)]
    for name, field, class_map in labelled:
        areas = {
            role: np.isin(class_map, numbers[role]).mean() for role in ("live", "dead") if role in numbers
        }
        caption = f"{name}: {areas['live']:.1%} live, {areas['dead']:.1%} dead"
        checked = " checked" if {name, name.rsplit("/", 1)[0]} & excluded else ""
        picture = pages.figure(
            pages.jpeg(outlined(field, class_map, numbers)), caption, kind="jpeg", width_px=560
        )
        box = f'<input type="checkbox" hidden value="{html.escape(name)}"{checked}>'
        parts.append(f"<label>{box}{picture}</label>")
    return pages.page(f"Labels of plate {plate}", [*parts, SCRIPT])
