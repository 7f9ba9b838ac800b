"""Pictures of results: arrays and tables in, PNG bytes out."""

import io

from matplotlib.figure import Figure


def png(figure: Figure, dpi: int) -> bytes:
    """A figure as PNG; equal figures give equal bytes."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=dpi, metadata={"Software": None})
    return buffer.getvalue()
