"""Shifts of whole frames in their plane, so that tiles need to be compared near by only.

A sweep along the image plane moves by several pixels a frame, and over some frames by dozens.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

FARTHEST = 8  # a frame is looked for within its side over this
LEAST = 0.12  # correlation of whole frames below which no shift can be told


def shifts(frames: Tensor) -> Tensor:
    """Return the shift (B, N-1, 2), down and across, pixels, of each frame against the next.

    frames (B, N, H, W), standardised. (y, x) of the later frame looks like (y, x) + shift of the
    earlier; zero where frames are not alike at any shift. Found by Fourier transforms, between
    pixels by a parabola.
    """
    size = frames.shape[-2:]
    spectrum = torch.fft.rfft2(frames)
    product = torch.fft.irfft2(spectrum[:, 1:].conj() * spectrum[:, :-1], s=size)
    energy = frames.square().sum((2, 3))
    scale = (energy[:, 1:] * energy[:, :-1]).sqrt().clamp_min(1.0)
    reach = [max(1, count // FARTHEST) for count in size]
    near = torch.roll(product, reach, (2, 3))[..., : 2 * reach[0] + 1, : 2 * reach[1] + 1]
    inner = near[..., 1:-1, 1:-1]
    height, place = inner.flatten(2).max(-1)
    wide = inner.shape[-1]
    row, column = place // wide + 1, place % wide + 1
    down = row - reach[0] + _between(near, row, column, (1, 0))
    across = column - reach[1] + _between(near, row, column, (0, 1))
    alike = height / scale > LEAST
    return torch.stack([down, across], -1) * alike[..., None]


def _between(near: Tensor, row: Tensor, column: Tensor, step: tuple[int, int]) -> Tensor:
    """Return where between pixels, -0.5 to 0.5, the peaks of (B, T, h, w) lie along one axis."""
    flat, wide = near.flatten(2), near.shape[-1]

    def at(sign: int) -> Tensor:
        place = (row + sign * step[0]) * wide + column + sign * step[1]
        return flat.gather(2, place[..., None])[..., 0]

    before, here, after = at(-1), at(0), at(1)
    place = (before - after) / (2 * (before - 2 * here + after)).clamp_max(-1e-6)
    return place.clamp(-0.5, 0.5)  # beyond that at the rim, where the peak may lie farther out


def offsets(found: Tensor, starts: Sequence[int], gap: int) -> Tensor:
    """Return the shifts (B, T, 2) over `gap` frames from each start (T), in whole pixels.

    found (B, N-1, 2), see `shifts`.
    """
    sums = torch.cat([torch.zeros_like(found[:, :1]), found.cumsum(1)], 1)
    ends = [start + gap for start in starts]
    return (sums[:, ends] - sums[:, list(starts)]).round().long()


def moved(frames: Tensor, offset: Tensor) -> Tensor:
    """Return frames (N, H, W) of which (y, x) shows (y, x) + offset (N, 2); zero beyond edges."""
    shown = torch.zeros_like(frames)
    height, width = frames.shape[1:]
    for one, new, (down, across) in zip(frames, shown, offset.tolist(), strict=True):
        rows, columns = _overlap(height, down), _overlap(width, across)
        new[rows[1], columns[1]] = one[rows[0], columns[0]]
    return shown


def _overlap(count: int, offset: int) -> tuple[slice, slice]:
    """Return which of `count` pixels are seen after a shift by `offset`, and where."""
    length = max(count - abs(offset), 0)
    first = min(max(offset, 0), count)
    place = min(max(-offset, 0), count)
    return slice(first, first + length), slice(place, place + length)
