"""Sentences on what read the cells: a network, or dyes."""

from livedead.network.pixel_size import scale_to
from livedead.wells.methods.run import Run
from livedead.wells.methods.wording import listed


def network(run: Run) -> str:
    """The network, its classes and its weights."""
    if run.by_dyes:
        return ""
    kind = "a convolutional network"
    if run.network["architecture"]:
        kind = "a U-Net (Ronneberger et al. 2015) with a MobileNetV2 encoder (Sandler et al. 2018)"
    classes = listed(one["name"] for one in run.config["classes"])
    return (
        f"Each pixel of {listed(run.config['input_channels'])} was assigned to one of the classes {classes} "
        f"by {kind}, SHA-256 of the weights {run.network['model_sha256']}, in "
        f"{run.config['segmentation']['precision']}."
    )


def resampled(run: Run) -> str:
    """Plates whose pixels are of another size than the network knows."""
    seen = (run.network.get("experience") or {}).get("pixel_size_um") if not run.by_dyes else None
    plates = [plate for plate, sheet in run.sheets.items() if scale_to(seen, sheet["pixel_size_um"]) != 1]
    if not plates:
        return ""
    return f"Fields of {listed(plates)} were resampled to pixels of {seen:g} µm (Keys 1981)."


def calibration(run: Run) -> str:
    """What calibrated the confidence of cells."""
    curve = (run.network.get("experience") or {}).get("calibration") if not run.by_dyes else None
    if not curve:
        return ""
    return (
        "Probabilities of a cell's state were calibrated by a logistic curve (Platt 1999) on "
        f"{curve['n_live']:,} live and {curve['n_dead']:,} dead cells; they decided on no state."
    )


def dyes(run: Run) -> str:
    """The dyes, and their thresholds on each plate."""
    if not run.by_dyes:
        return ""
    stains = {"total": "all cells", "live": "living cells", "dead": "dead cells"}
    given = [
        f"{run.config['dyes'][role]} ({what})" for role, what in stains.items() if run.config["dyes"][role]
    ]
    return f"Cells were read by their dyes: {listed(given)}. {_thresholds(run)}"


def _thresholds(run: Run) -> str:
    """Thresholds of the dyes of each plate; one that is not used has none."""
    told = []
    for plate, rows in run.dyes.groupby("plate", sort=False):
        used = rows[rows["threshold"].notna()]
        of_dyes = [f"{row.channel} {row.threshold:.0f} ({row.method})" for row in used.itertuples()]
        told.append(f"plate {plate}, {', '.join(of_dyes)}" if of_dyes else f"plate {plate}, none")
    otsu = " (Otsu 1979)" if (run.dyes["method"] == "otsu").any() else ""
    return (
        f"Thresholds of signals{otsu}, in counts over the background of the field, were: {'; '.join(told)}."
    )
