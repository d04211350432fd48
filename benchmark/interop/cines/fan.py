"""Where a frame shows tissue by the geometry of the probe: fans and rectangles."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmark import geometry
from benchmark.errors import UserError


@dataclass(frozen=True)
class Fan:
    """A sector of a ring in an image plane, in pixels or mm.

    origin (2,): the centre of the circles, across and down; angles (2,) rad, from straight down
    towards the right; radii (2,): of the inner and the outer arc.
    """

    origin: tuple[float, float]
    angles: tuple[float, float]
    radii: tuple[float, float]

    def holds(self, across: np.ndarray, down: np.ndarray) -> np.ndarray:
        """Return which of some points lie in the fan or on its edge."""
        x, y = across - self.origin[0], down - self.origin[1]
        radius, angle = np.hypot(x, y), np.arctan2(x, y)
        inside = (radius >= self.radii[0]) & (radius <= self.radii[1])
        return inside & (angle >= self.angles[0]) & (angle <= self.angles[1])


def probe_mask(
    probe: Mapping[str, Any], mm_from_pixel: np.ndarray, shape: tuple[int, ...]
) -> np.ndarray | None:
    """Return the pixels (H, W) that a curvilinear probe of a simulated sweep sees; None of others.

    The face is an arc of `radius_mm` that crosses the image's y axis at the origin; it sees up to
    `depth_mm` in every direction.
    """
    if probe.get("geometry") != "curvilinear":
        return None
    radius, length = float(probe["radius_mm"]), float(probe["elements"]) * float(probe["pitch_mm"])
    half = length / (2 * radius)
    fan = Fan((0.0, -radius), (-half, half), (radius, radius + float(probe["depth_mm"])))
    row, column = np.indices(shape)
    pixels = np.stack([column, row, np.zeros(shape)], -1).reshape(-1, 3)
    points = geometry.apply(mm_from_pixel, pixels).reshape(*shape, 3)
    return fan.holds(points[..., 0], points[..., 1])


def clip_mask(path: Path, shape: tuple[int, ...]) -> np.ndarray | None:
    """Return the pixels (H, W) that a device set of PLUS reconstructs, None if it clips nothing.

    The element VolumeReconstruction has a rectangle and, for curved probes, a fan, in pixels of
    frames marked-far (PLUS user manual, volume reconstruction, clipping). Other files clip nothing.

    Raises
    ------
    UserError : numbers that cannot be read, a rectangle or fan outside of the frames.
    """
    element = _reconstruction(path)
    if element is None:
        return None
    row, column = np.indices(shape)
    mask = np.ones(shape, bool)
    left, top = _numbers(path, element, ("ClipRectangleOrigin",), 2) or (0.0, 0.0)
    width, height = _numbers(path, element, ("ClipRectangleSize",), 2) or (0.0, 0.0)
    if width > 0 and height > 0:
        mask &= (column >= left) & (column < left + width)
        mask &= (row >= top) & (row < top + height)
    angles = _numbers(path, element, ("FanAnglesDeg", "FanAngles"), 2)
    if angles and any(angles):
        origin = _numbers(path, element, ("FanOriginPixel", "FanOrigin"), 2) or (0.0, 0.0)
        start = _numbers(path, element, ("FanRadiusStartPixel",), 1) or (0.0,)
        stop = _numbers(path, element, ("FanRadiusStopPixel", "FanDepth"), 1) or (500.0,)
        first, last = np.radians(angles)
        mask &= Fan(origin, (first, last), (*start, *stop)).holds(column, row)
    if not mask.any():
        raise UserError(
            f"{path}: VolumeReconstruction clips all of the {shape[1]} x {shape[0]} pixels"
        )
    return None if mask.all() else mask


def _reconstruction(path: Path) -> Any | None:
    """Return the element VolumeReconstruction of a device set, None of another file."""
    from xml.etree import ElementTree

    try:
        return next(ElementTree.parse(path).getroot().iter("VolumeReconstruction"), None)
    except (OSError, ElementTree.ParseError):
        return None  # 16 numbers, or a fault that the reader of calibrations tells


def _numbers(path: Path, element: Any, names: tuple[str, ...], count: int) -> Any | None:
    """Return the numbers of the first attribute that is there, None if none is."""
    for name in names:
        text = element.get(name)
        if text is None:
            continue
        try:
            numbers = tuple(float(word) for word in text.split())
        except ValueError:
            numbers = ()
        if len(numbers) != count or not np.isfinite(numbers).all():
            raise UserError(f"{path}: {name}: expected {count} numbers, got '{text}'")
        return numbers
    return None
