"""The page on which a person accepts or rejects labelled fields before a network learns from them."""

import html
from collections.abc import Iterable

import numpy as np
from scipy import ndimage

from livedead.network.classes import Classes
from livedead.pictures import pages
from livedead.pictures.class_maps import outlined
from livedead.pictures.figures import ROLE_COLOURS

INTRODUCTION = """<p>Outlines of the labels that a network would learn from: {legend}. Click a field to reject
its labels; then copy these lines into the configuration.</p>
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
    labelled: Iterable[tuple[str, np.ndarray, np.ndarray, np.ndarray | None]],
    classes: Classes,
    rejected: Iterable[str],
) -> bytes:
    """One HTML page.

    Parameters
    ----------
    labelled : iterable of (name, field, class map, instances)
        ``plate/well/field``, (H, W) in [-1, 1], (H, W), and (H, W) where the cells were drawn, else
        None; drawn as they come.
    classes : Classes
    rejected : iterable of str
        Wells and fields that the configuration already excludes.
    """
    excluded = set(rejected)
    legend = ", ".join(
        f'<b style="color:{colour}">{role}</b>' for role, colour in ROLE_COLOURS.items() if classes.of(role)
    )
    parts = [INTRODUCTION.format(legend=legend)]
    for name, field, class_map, instances in labelled:
        n_live, n_dead = count_cells(class_map, instances, classes)
        caption = f"{name}: {n_live} live, {n_dead} dead cells"
        checked = " checked" if {name, name.rsplit("/", 1)[0]} & excluded else ""
        picture = pages.figure(
            pages.jpeg(outlined(field, class_map, classes)), caption, kind="jpeg", width_px=560
        )
        box = f'<input type="checkbox" hidden value="{html.escape(name)}"{checked}>'
        parts.append(f"<label>{box}{picture}</label>")
    return pages.page(f"Labels of plate {plate}", [*parts, SCRIPT])


def count_cells(class_map: np.ndarray, instances: np.ndarray | None, classes: Classes) -> tuple[int, int]:
    """Numbers of live and of dead cells in the labels of a field.

    Cells are `instances`, or without them the connected components of the live and dead pixels.
    A cell has the state of most of its pixels; one that is half live, half dead counts as neither.
    """
    live, dead = (np.isin(class_map, classes.of(role)) for role in ("live", "dead"))
    if instances is None:
        instances, _ = ndimage.label(live | dead, structure=np.ones((3, 3)))
    n_live, n_dead = (
        np.bincount(instances[state & (instances > 0)], minlength=int(instances.max()) + 1)
        for state in (live, dead)
    )
    return int((n_live > n_dead).sum()), int((n_dead > n_live).sum())
