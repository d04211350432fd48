"""Contact of face and skin: lines without it, from which no tissue is heard.

A loss of contact is air under part of the face that comes and goes. A face that is curved, or wider
than the limb is flat, hangs off the skin at its ends for the whole sweep.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benchmark.geometry import apply
from simulate.bmode.settings import ContactSettings
from simulate.probe.transducer import Probe

LINES = 128  # at which contact is told, evenly from the first image line to the last
EDGE = 0.08  # share of the image's width over which a loss fades, about that of an aperture
FADE_S = 0.15  # time over which a loss begins and ends
GRADUAL_MM = 0.5  # of distance to the skin over which contact ends
STEPS = 4  # towards the skin along a line
LEAST_STEEP = 0.2  # share of a line's direction that is along y: others hardly reach the skin

Array = NDArray[np.float64]
Depth = Callable[[NDArray[np.floating]], NDArray[np.floating]]


@dataclass(frozen=True)
class Loss:
    """One loss of contact.

    time_s, seconds: its middle and its duration; place, share: its middle and its width, as shares
    of the image's width.
    """

    time_s: float
    seconds: float
    place: float
    share: float


def sample_losses(
    rng: np.random.Generator, settings: ContactSettings, duration_s: float
) -> tuple[Loss, ...]:
    """Draw the losses of contact of a sweep, one in each equal part of it."""
    return tuple(
        Loss(
            time_s=float(duration_s * (number + rng.uniform(0.2, 0.8)) / settings.losses),
            seconds=float(settings.seconds * rng.uniform(0.5, 1.0)),
            place=float(rng.uniform(0.0, 1.0)),
            share=float(settings.share * rng.uniform(0.5, 1.0)),
        )
        for number in range(settings.losses)
    )


def loss_db(losses: tuple[Loss, ...], depth_db: float, times: Array, lines: int) -> Array:
    """Return the loss (N, L) dB, at most `depth_db`, at times (N,) s and in L lines of the face."""
    place = (np.arange(lines) + 0.5) / lines
    lost: Array = np.zeros((len(times), lines))
    for loss in losses:
        when = _window(times, loss.time_s, loss.seconds, FADE_S)
        where = _window(place, loss.place, loss.share, EDGE)
        lost = np.maximum(lost, when[:, None] * where)
    return depth_db * lost


def _window(value: Array, middle: float, width: float, edge: float) -> Array:
    """Return 1 within `width` about `middle` and 0 outside, with smooth edges `edge` wide."""
    return _smooth_step((0.5 * width - np.abs(value - middle)) / edge + 0.5)


def _smooth_step(value: Array) -> Array:
    """Return 0 below 0, 1 above 1 and half a cosine between."""
    return 0.5 - 0.5 * np.cos(np.pi * np.clip(value, 0.0, 1.0))


def hanging_mm(probe: Probe, world_from_image: Array, depth_below_skin_mm: Depth) -> Array:
    """Return how far each line's face lies off the skin, (N, LINES) mm along the line.

    Negative where the face lies below the skin at rest.

    Parameters
    ----------
    world_from_image : (N, 4, 4) poses, mm.
    depth_below_skin_mm : of world points (M, 3) mm, along y.
    """
    place, direction = face_lines(probe)
    start = apply(world_from_image, place[None])
    along = apply(world_from_image, (place + direction)[None]) - start
    steepness = np.maximum(along[..., 1], LEAST_STEEP)
    gap = np.zeros(start.shape[:2])
    for _ in range(STEPS):
        points = start + gap[..., None] * along
        depth = np.asarray(depth_below_skin_mm(points.reshape(-1, 3))).reshape(gap.shape)
        gap -= depth / steepness
    return gap


def face_lines(probe: Probe) -> tuple[Array, Array]:
    """Return the points (LINES, 3) mm of the face at its lines, and the lines' directions."""
    zero, one = np.zeros(LINES), np.ones(LINES)
    if probe.geometry == "linear":
        across = np.linspace(-0.5, 0.5, LINES) * probe.width_mm
        return np.stack([across, zero, zero], axis=1), np.stack([zero, one, zero], axis=1)
    angle = np.linspace(-0.5, 0.5, LINES) * probe.aperture_mm / probe.radius_mm
    direction = np.stack([np.sin(angle), np.cos(angle), zero], axis=1)
    return probe.radius_mm * (direction - np.array([0.0, 1.0, 0.0])), direction


def touching(hanging: Array, reach_mm: float) -> Array:
    """Return the amplitude (N, L), 0 to 1, of lines whose face hangs off the skin by (N, L) mm.

    1 where it hangs at most `reach_mm` farther off than the line that is pressed in deepest, 0
    beyond, over the width of an aperture.
    """
    from scipy.ndimage import uniform_filter1d

    farther = hanging - hanging.min(axis=1, keepdims=True)
    contact = _smooth_step((reach_mm - farther) / GRADUAL_MM + 0.5)
    width = 2 * round(0.5 * EDGE * hanging.shape[1]) + 1
    smooth: Array = uniform_filter1d(contact, width, axis=1, mode="nearest")
    return np.clip(smooth, 0.0, 1.0)
