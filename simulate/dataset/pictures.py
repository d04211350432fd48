"""Matplotlib figures without a screen, saved with the same bytes each time."""

from pathlib import Path
from typing import Any

from benchmark.files import atomic_path


def figure(width: float, height: float, **layout: Any) -> tuple[Any, Any]:
    """Return a figure of a size in inches and its axes (`layout` goes to `subplots`)."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    drawing = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(drawing)
    return drawing, drawing.subplots(**layout)


def save(drawing: Any, path: Path, dpi: int = 110, colours: int | None = None) -> None:
    """Write a figure as PNG, whole or not at all, without a date or a version.

    `colours`: largest number of colours; a limit makes a picture of speckle several times smaller.
    """
    with atomic_path(path) as temporary:
        drawing.savefig(temporary, dpi=dpi, format="png", metadata={"Software": None})
        if colours is not None:
            from PIL import Image

            with Image.open(temporary) as picture:
                few = picture.convert("RGB").quantize(colours, dither=Image.Dither.NONE)
            few.save(temporary, format="png", optimize=True)
