"""RecON's frame-level consistency at test time: frames should agree with the volume they fill.

A copy of the network is trained on the sweep itself, without truth: frames are splatted into a
volume at their estimated poses (each pixel over the eight voxels around it), the volume is cut at
the same poses, and the cut has to look like the frame. Gradients reach the poses through the
weights of the splat (Luo et al., RecON, Medical Image Analysis 2023).
"""

import copy
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import interpolate

from baselines.parts.learned import frames_on
from benchmark import geometry
from benchmark.sweep import Images

SMALLEST_WEIGHT = 1e-3


def adapted_motion(tracker: Any, images: Images, device: torch.device) -> np.ndarray:
    """Return the centre motion (N-1, 6) after `consistency_rounds` of adaptation to the sweep.

    Each round is one step of Adam for each chunk of frames. The network of the tracker stays
    unchanged.
    """
    config = tracker.config
    with torch.inference_mode(False), torch.enable_grad():
        network = copy.deepcopy(tracker.module())
        optimiser = torch.optim.Adam(network.parameters(), config.adaptation_rate)
        frames = frames_on(images, 0, len(images.frames), device)
        starts = range(0, len(frames) - 1, config.chunk - 1)
        chunks = [frames[start : start + config.chunk] for start in starts]
        for _ in range(config.consistency_rounds):
            for chunk in chunks:
                answer = network(tracker.seen(chunk[None]))[0][0]
                poses = _poses(answer * network.std + network.mean)
                loss = inconsistency(chunk, poses, images.mm_from_pixel, config.reslice_scale)
                optimiser.zero_grad()
                loss.backward()
                optimiser.step()
        with torch.no_grad():
            answer = network(tracker.seen(frames[None]))[0][0]
            return tracker.scaled_back(answer)


def _poses(motion: Tensor) -> Tensor:
    """Return first_from_frame (N, 4, 4) about the image centre of centre motion (N-1, 6)."""
    return geometry.chain(geometry.from_degrees_of_freedom(motion))


def inconsistency(
    frames: Tensor, first_from_frame: Tensor, mm_from_pixel: np.ndarray, scale: float
) -> Tensor:
    """Return the mean absolute difference between frames and cuts of the volume that they fill.

    frames (N, H, W) in [0, 1]; first_from_frame (N, 4, 4), origins at the image centre, in mm;
    scale: reduction of the frames; the reduced pixel is the size of a voxel. Only voxels that
    several frames reach can differ from a frame.
    """
    small = interpolate(frames[:, None], scale_factor=scale, mode="area")[:, 0]
    points = geometry.apply(first_from_frame, _grid(frames, small, mm_from_pixel))
    voxel = float(np.linalg.norm(mm_from_pixel[:3, 1])) * frames.shape[1] / small.shape[1]
    places = points.flatten(0, 1) / voxel
    places = places - places.detach().amin(0).floor()
    shape = [int(n) + 2 for n in places.detach().amax(0).floor()]
    index, weight = _eight_neighbours(places, shape)
    total = small.new_zeros(shape[0] * shape[1] * shape[2])
    levels = small.flatten()[:, None].expand_as(weight)
    filled = total.index_add(0, index.flatten(), weight.flatten())
    sums = total.index_add(0, index.flatten(), (weight * levels).flatten())
    volume = sums / filled.clamp_min(SMALLEST_WEIGHT)
    # index_select, since threads race in the gradient of volume[index].
    met = volume.index_select(0, index.flatten()).view_as(weight)
    cut = (met * weight).sum(1)
    return (cut - small.flatten()).abs().mean()


def _grid(frames: Tensor, small: Tensor, mm_from_pixel: np.ndarray) -> Tensor:
    """Return the pixel centres (P, 3) of the reduced frames, mm from the image centre."""
    height, width = small.shape[1:]
    rows = (torch.arange(height, device=frames.device) - (height - 1) / 2) / height
    columns = (torch.arange(width, device=frames.device) - (width - 1) / 2) / width
    rows, columns = rows * frames.shape[1], columns * frames.shape[2]
    y, x = torch.meshgrid(rows, columns, indexing="ij")
    pixels = torch.stack([x.flatten(), y.flatten()], 1).float()
    axes = torch.as_tensor(mm_from_pixel[:3, :2], dtype=torch.float32, device=frames.device)
    return pixels @ axes.T


def _eight_neighbours(places: Tensor, shape: list[int]) -> tuple[Tensor, Tensor]:
    """Return flat voxel indices (P, 8) and trilinear weights (P, 8) of places (P, 3) in voxels."""
    low = places.detach().floor().long()
    share = places - low
    indices, weights = [], []
    for corner in range(8):
        bits = [(corner >> axis) & 1 for axis in range(3)]
        at = [(low[:, axis] + bits[axis]).clamp(0, shape[axis] - 1) for axis in range(3)]
        indices.append((at[0] * shape[1] + at[1]) * shape[2] + at[2])
        parts = [share[:, a] if bits[a] else 1 - share[:, a] for a in range(3)]
        weights.append(parts[0] * parts[1] * parts[2])
    return torch.stack(indices, 1), torch.stack(weights, 1)
