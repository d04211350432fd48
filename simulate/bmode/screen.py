"""From the images of a sweep to what its machine shows.

In this order: persistence, blur along the rows, the grey curve, then black borders, a sector, and
what is written over the image. Each is a function of the grey levels that the renderer makes.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simulate.bmode.overlay import Overlay, draw_overlay
from simulate.bmode.scan_conversion import field_of_view
from simulate.bmode.settings import BmodeSettings, ScreenSettings
from simulate.probe.transducer import Probe

Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Screen:
    """The fixed part of what a machine shows: shown (H, W), the pixels not cut off; the overlay."""

    shown: Mask
    overlay: Overlay

    @property
    def mask(self) -> Mask | None:
        """The pixels (H, W) that show tissue; None where all do."""
        seen = self.shown & ~self.overlay.taken
        return None if seen.all() else seen


def draw_screen(rng: np.random.Generator, probe: Probe, settings: ScreenSettings) -> Screen:
    """Draw the screen of a sweep: what is cut off by its settings, marks from the stream."""
    shown = field_of_view(probe) & window(probe, settings)
    return Screen(shown, draw_overlay(rng, probe, settings.overlay))


def window(probe: Probe, settings: ScreenSettings) -> Mask:
    """Return which pixels (H, W) black borders and a sector leave.

    A side loses the pixels whose centres lie in its share. The sector lies symmetrically in what is
    left: its apex is so far above the upper edge that, at its opening, its arc is as wide as the
    lower edge, or on the upper edge where that would lie below it; its arc touches the lower edge.
    """
    height, width = probe.height_px, probe.width_px
    row, column = (np.arange(height) + 0.5) / height, (np.arange(width) + 0.5) / width
    rows = (row > settings.black_top) & (row < 1.0 - settings.black_bottom)
    columns = (column > settings.black_left) & (column < 1.0 - settings.black_right)
    left = rows[:, None] & columns
    if not settings.sector_deg:
        return left
    spacing = probe.pixel_mm[1]
    x, y = probe.pixel_mm[0] * np.flatnonzero(columns), spacing * np.flatnonzero(rows)
    half = np.deg2rad(0.5 * settings.sector_deg)
    above = max(0.5 * (x[-1] - x[0]) / np.tan(half) - (y[-1] - y[0]), 0.0)
    across = probe.pixel_mm[0] * np.arange(width) - 0.5 * (x[0] + x[-1])
    down = spacing * np.arange(height)[:, None] - y[0] + above
    in_sector = np.abs(np.arctan2(across, down)) <= half
    return left & in_sector & (np.hypot(across, down) <= y[-1] - y[0] + above + 0.5 * spacing)


def show(
    frames: NDArray[np.uint8],
    times: NDArray[np.float64],
    frame_rate_hz: float,
    settings: BmodeSettings,
    screen: Screen,
) -> None:
    """Turn the images of a sweep (N, H, W) into what the screen shows, in place.

    times (N,) s: of the frames. Each shown frame is, before the grey curve, the share
    `settings.persistence` of the one shown before and the rest of its own image. Where k - 1 frames
    of `frame_rate_hz` are lost between two, the machine still averaged them: the share is its k-th
    power, the lost frames being taken to look like the next one.
    """
    kept: NDArray[np.float32] | None = None
    curve = (np.linspace(0.0, 1.0, 256) ** settings.gamma * 255.0).astype(np.float32)
    steps = np.maximum(np.rint(np.diff(times, prepend=times[0]) * frame_rate_hz), 1.0)
    shares = (settings.persistence**steps).astype(np.float32)
    hidden, marked = ~screen.shown, screen.overlay.taken
    marks = screen.overlay.gray[marked]
    for frame, share in zip(frames, shares, strict=True):
        gray = frame.astype(np.float32)
        if kept is not None:
            gray += share * (kept - gray)
        if settings.persistence > 0.0:
            kept = gray
        if settings.lateral_blur_px > 0.0:
            gray = _blurred(gray, settings.lateral_blur_px)
        if settings.gamma != 1.0:
            gray = np.interp(gray, np.arange(256), curve)
        frame[:] = np.rint(gray)
        frame[hidden] = 0
        frame[marked] = marks


def _blurred(gray: NDArray[np.float32], sigma_px: float) -> NDArray[np.float32]:
    """Return an image after a Gaussian blur along its rows."""
    from scipy.ndimage import gaussian_filter1d

    return gaussian_filter1d(gray, sigma_px, axis=1, mode="nearest")
