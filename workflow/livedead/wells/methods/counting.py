"""Sentences on what counts as a cell, and as live."""

from livedead.wells.methods.run import Run
from livedead.wells.methods.wording import listed, number


def cells(run: Run) -> str:
    """What a cell is."""
    what = "stained pixels" if run.by_dyes else "pixels of the live and dead classes"
    return f"Cells were the connected components of {what} in whole fields."


def state(run: Run) -> str:
    """What decides on its state."""
    if not run.by_dyes:
        return "The state of a cell was that of the larger share of its pixels."
    dyes = run.config["dyes"]
    if dyes["dead_by"] == "mean":
        return "The state of a cell followed from its mean signals."
    share = dyes["stained_fraction"]
    return (
        "The state of a cell followed from the share of its pixels that a dye stained"
        + (f", with {share:g} as the limit" if share is not None else "")
        + "."
    )


def ambiguous(run: Run) -> str:
    """Cells of neither state."""
    margin = run.config["counting"]["ambiguous_margin"]
    return (
        f"Cells whose shares differed by less than {margin:g} were ambiguous, of neither state."
        if margin
        else ""
    )


def areas(run: Run) -> str:
    """Sizes and shapes that do not count."""
    rules = run.config["counting"]
    limits = [
        f"smaller than {rules['min_area_um2']:g} µm²" if rules["min_area_um2"] else "",
        f"smaller than {rules['min_area_px']:g} px" if rules["min_area_px"] else "",
        f"larger than {rules['max_area_um2']:,.0f} µm²",
        f"larger than {rules['max_area_px']:g} px" if rules["max_area_px"] else "",
        f"longer than {rules['max_aspect_ratio']:g} times their width" if rules["max_aspect_ratio"] else "",
    ]
    return f"Cells {listed(filter(None, limits), 'or')} were not counted."


def splitting(run: Run) -> str:
    """How touching cells were parted."""
    depth = run.config["counting"]["split_depth_um"]
    if depth is None and run.by_dyes:
        depths = [f"{model['split_depth_um']:.2g}" for model in run.provenance["models"].values()]
        told = f"{listed(dict.fromkeys(depths))} µm, which follows from the diameter of nuclei"
    elif depth:
        told = f"{depth:g} µm"
    else:
        return ""
    return (
        "Touching cells were parted by a watershed from the h-maxima of the distance to their edge (Meyer & "
        f"Beucher 1990), with h = {told}."
    )


def clumps(run: Run) -> str:
    """Counting by area."""
    area = run.config["counting"]["cell_area_um2"]
    return f"A component counted as its area over that of one cell, {area:g} µm², rounded." if area else ""


def context(run: Run) -> str:
    """Nuclei that need a cell around them."""
    share = run.config["counting"]["min_context_fraction"]
    if not share:
        return ""
    return f"Nuclei were counted only if at least {share:.0%} of their outline bordered on a context class."


def edge(run: Run) -> str:
    """Cells at the field's edge."""
    rules = run.config["counting"]
    if rules["edge_margin_um"]:
        margin = f"{rules['edge_margin_um']:g} µm"
        return f"Cells whose centre was within {margin} of the field's edge were not counted."
    return {
        "keep": "Cells at the edge of a field were counted.",
        "exclude": "Cells that touched the edge of a field were not counted.",
        "counting_frame": "Cells at the edge of a field were counted by the counting frame (Gundersen 1977).",
    }[rules["edge_rule"]]


def by_hand(run: Run) -> str:
    """Cells that people corrected."""
    touched = run.wells[run.wells["n_by_hand"] > 0]
    if touched.empty:
        return ""
    wells = number(len(touched[["plate", "well"]].drop_duplicates()), "well")
    cells = number(int(touched["n_by_hand"].sum()), "cell")
    return f"The state or outline of {cells} in {wells} was corrected by hand."


def viability(run: Run) -> str:
    """What viability is."""
    known = run.wells["viability"].notna().any()
    return "Viability was the number of live cells over that of live and dead cells." if known else ""
