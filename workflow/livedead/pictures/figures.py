"""What all figures share: colours, and a figure as PNG bytes."""

import io
from typing import Any

from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure

STATE_COLOURS = {"live": "#0072B2", "dead": "#D55E00", "ambiguous": "#F0E442", "unknown": "#CC79A7"}
ROLE_COLOURS = {
    "live": STATE_COLOURS["live"],
    "dead": STATE_COLOURS["dead"],
    "unknown": STATE_COLOURS["unknown"],
    "boundary": "#E6C300",
    "context": "#009E73",
}
VIABILITY_COLOURS = LinearSegmentedColormap.from_list(
    "viability", [STATE_COLOURS["dead"], "#F7F1E1", STATE_COLOURS["live"]]
)
"""From all cells dead to all alive."""
DATA_COLOUR = "#1f5a8a"
REFERENCE: dict[str, Any] = {"color": "0.7", "linewidth": 1}
"""Style of the line on which a perfect reading would lie."""

DPI = 110


def png(figure: Figure) -> bytes:
    """A figure as PNG; equal figures give equal bytes."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=DPI, metadata={"Software": None})
    return buffer.getvalue()
