"""Loss of contact: air under part of the probe's face, which darkens the lines below it."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simulate.bmode.settings import ContactSettings

EDGE = 0.08  # share of the image's width over which a loss fades, about that of an aperture
FADE_S = 0.15  # time over which a loss begins and ends


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


def loss_db(
    losses: tuple[Loss, ...], depth_db: float, times: np.ndarray, columns: int
) -> np.ndarray:
    """Return the loss (N, W) dB, at most `depth_db`, at times (N,) s and in W image columns."""
    place = (np.arange(columns) + 0.5) / columns
    lost = np.zeros((len(times), columns))
    for loss in losses:
        when = _window(times, loss.time_s, loss.seconds, FADE_S)
        where = _window(place, loss.place, loss.share, EDGE)
        lost = np.maximum(lost, when[:, None] * where)
    return depth_db * lost


def _window(value: np.ndarray, middle: float, width: float, edge: float) -> np.ndarray:
    """Return 1 within `width` about `middle` and 0 outside, with smooth edges `edge` wide."""
    inside = (0.5 * width - np.abs(value - middle)) / edge + 0.5
    return 0.5 - 0.5 * np.cos(np.pi * np.clip(inside, 0.0, 1.0))


def darken(
    frames: NDArray[np.uint8], lost_db: np.ndarray, dynamic_range_db: float
) -> NDArray[np.uint8]:
    """Return B-mode frames (N, H, W) whose columns are darker by `lost_db` (N, W).

    Gray is linear in dB, so a loss is a subtraction; it darkens the noise floor too.
    """
    gray = frames - (255.0 / dynamic_range_db) * lost_db[:, None, :]
    return np.clip(np.rint(gray), 0, 255).astype(np.uint8)
