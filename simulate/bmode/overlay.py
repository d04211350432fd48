"""What a machine writes over its image: a scale of depth, lines of text, a logo, a grey bar."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simulate.probe.transducer import Probe

LETTER = (5, 3)  # rows and columns of the dots of a letter
INK = 0.6  # share of a letter's dots that are inked
PX_PER_DOT = 200  # rows of an image for each pixel of a dot's side, rounded
TEXTS = 8  # lines of text of a full overlay
LETTERS = (3, 14)  # fewest and most in a line
BRIGHTEST = (150, 256)  # range of the grey level of marks
TICK_MM = (2.0, 5.0, 10.0, 20.0)  # steps of the depth scale: the least that leaves 40 or fewer
LOGO_AT, BAR_AT = 0.4, 0.6  # overlays from which on there is a logo, and a grey bar
INNER = 0.25  # share of the lines of text that lie anywhere in the image


@dataclass(frozen=True)
class Overlay:
    """Grey levels (H, W) uint8 of the marks, and the pixels (H, W) bool that they take.

    A line of text takes the whole box around it.
    """

    gray: NDArray[np.uint8]
    taken: NDArray[np.bool_]

    @classmethod
    def empty(cls, probe: Probe) -> Overlay:
        """Return an overlay without marks."""
        shape = (probe.height_px, probe.width_px)
        return cls(np.zeros(shape, np.uint8), np.zeros(shape, np.bool_))

    def put(self, top: int, left: int, stamp: NDArray[np.uint8]) -> None:
        """Write a stamp (h, w) at a place; what lies outside of the image is left out."""
        height, width = self.gray.shape
        top = max(0, min(top, height - stamp.shape[0]))
        left = max(0, min(left, width - stamp.shape[1]))
        place = (slice(top, top + stamp.shape[0]), slice(left, left + stamp.shape[1]))
        stamp = stamp[: height - top, : width - left]
        self.gray[place], self.taken[place] = stamp, True


def draw_overlay(rng: np.random.Generator, probe: Probe, amount: float) -> Overlay:
    """Draw the marks of a sweep: the more, the larger the amount, 0 to 1."""
    drawn = Overlay.empty(probe)
    if amount <= 0.0:
        return drawn
    dot = max(1, round(probe.height_px / PX_PER_DOT))
    _scale(rng, probe, drawn, dot)
    for _ in range(round(amount * TEXTS)):
        stamp = _text(rng, dot)
        drawn.put(*_place(rng, drawn.gray.shape, stamp.shape), stamp)
    if amount >= LOGO_AT:
        _logo(rng, drawn, dot)
    if amount >= BAR_AT:
        _bar(rng, drawn, dot)
    return drawn


def _scale(rng: np.random.Generator, probe: Probe, drawn: Overlay, dot: int) -> None:
    """Draw ticks of depth along the left or right side; every fifth is longer."""
    step = next((mm for mm in TICK_MM if probe.depth_mm <= 40 * mm), TICK_MM[-1])
    rows = probe.row_depths_mm
    on_right, gray = bool(rng.integers(2)), int(rng.integers(*BRIGHTEST))
    for number in range(int(probe.depth_mm / step) + 1):
        depth = number * step
        if not rows[0] <= depth <= rows[-1]:
            continue
        length = dot * (6 if number % 5 == 0 else 3)
        left = probe.width_px - length if on_right else 0
        stamp = np.full((dot, length), gray, np.uint8)
        drawn.put(int(np.abs(rows - depth).argmin()), left, stamp)


def _text(rng: np.random.Generator, dot: int) -> NDArray[np.uint8]:
    """Return a line of text (h, w): letters of random dots with a gap around each."""
    count = int(rng.integers(LETTERS[0], LETTERS[1] + 1))
    dots = np.pad(rng.random((count, *LETTER)) < INK, ((0, 0), (1, 1), (1, 0)))
    line = np.pad(dots.transpose(1, 0, 2).reshape(LETTER[0] + 2, -1), ((0, 0), (0, 1)))
    gray = int(rng.integers(*BRIGHTEST))
    return np.kron(line, np.ones((dot, dot), bool)).astype(np.uint8) * np.uint8(gray)


def _place(
    rng: np.random.Generator, shape: tuple[int, ...], stamp: tuple[int, ...]
) -> tuple[int, int]:
    """Return top and left of a line of text: in one of the corners, or now and then anywhere."""
    free = np.array(shape) - stamp
    share = rng.random(2)
    if rng.random() >= INNER:
        share[0] = 0.2 * share[0] + 0.8 * rng.integers(2)
        share[1] = 0.05 * share[1] + 0.95 * rng.integers(2)
    top, left = (np.maximum(free, 0) * share).astype(int)
    return int(top), int(left)


def _logo(rng: np.random.Generator, drawn: Overlay, dot: int) -> None:
    """Draw a frame with a large letter in it, in an upper corner."""
    side = 12 * dot
    stamp = np.zeros((side, side), np.uint8)
    gray = int(rng.integers(*BRIGHTEST))
    stamp[:dot], stamp[-dot:], stamp[:, :dot], stamp[:, -dot:] = gray, gray, gray, gray
    letter = np.kron(rng.random(LETTER) < INK, np.ones((dot, 2 * dot), bool))
    stamp[3 * dot : 8 * dot, 3 * dot : 9 * dot][letter] = gray
    right = (drawn.gray.shape[1] - side) * int(rng.integers(2))
    drawn.put(dot, right, stamp)


def _bar(rng: np.random.Generator, drawn: Overlay, dot: int) -> None:
    """Draw a bar of all grey levels, white above, on one side."""
    height, width = drawn.gray.shape[0] // 3, 3 * dot
    bar = np.linspace(255.0, 0.0, max(height, 2)).astype(np.uint8)
    left = (drawn.gray.shape[1] - 4 * width) * int(rng.integers(2)) + width
    drawn.put(drawn.gray.shape[0] // 3, left, np.repeat(bar[:, None], width, axis=1))
