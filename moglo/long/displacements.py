"""Displacement and uncertainty of each tile of a frame pair, and the rigid motion that fits them.

Six numbers a pair are few labels, and a network soon knows its training sweeps by heart. The true
step gives more labels: the displacement of every point of the image. One small head, shared by all
tiles, learns these displacements with their uncertainty. Weighted least squares then fit one rigid
motion to all tiles: translation is their mean, tilt and yaw are the slopes of the displacement out
of the plane. Tiles in which motion can hardly be seen (far below the focus, at the edges of the
image, where speckle has changed after a fast step) have a large uncertainty and count less.
"""

from typing import NamedTuple

import torch
from torch import Tensor, nn

from benchmark import geometry
from moglo import motion

HIDDEN = 48
LOG_SIGMA = (-4.0, 3.0)  # least and largest, of a scaled displacement
LEVER_MM = 10.0  # rotations are estimated as the displacement that they cause at this distance
RIDGE = 1e-3  # added to the normal equations: less than one tile of the largest sigma


class Displacements(NamedTuple):
    """Displacements of the T tiles of N pairs: mean, log_sigma (N, T, 3), mm over `scale_mm` (3,).

    Each is the displacement (lateral, axial, elevational), in the earlier frame, of the tissue that
    the later frame shows at the tile. tiles_mm (T, 3): tile centres from the image centre, in mm.
    """

    mean: Tensor
    log_sigma: Tensor
    tiles_mm: Tensor
    scale_mm: Tensor


class DisplacementHead(nn.Module):
    """Pair maps (N, C, s, s) of frames of `frame_size` px -> displacements of the s x s tiles."""

    places: Tensor

    def __init__(self, channels: int, side: int, frame_size: int):
        super().__init__()
        self.half_px = frame_size / 2
        self.head = nn.Sequential(
            nn.Conv2d(channels + 2, HIDDEN, 1), nn.SiLU(inplace=True), nn.Conv2d(HIDDEN, 6, 1)
        )
        centres = (torch.arange(side) + 0.5) / side * 2 - 1  # in halves of the frame
        places = torch.stack(torch.meshgrid(centres, centres, indexing="ij"))
        self.register_buffer("places", places, persistent=False)

    def forward(self, maps: Tensor, pixel_mm: Tensor, label_scale: Tensor) -> Displacements:
        """Return displacements, given the frames' pixel_mm (2,) and `motion.label_scale` (6,)."""
        told = self.head(torch.cat([maps, self.places.expand(len(maps), -1, -1, -1)], 1))
        told = told.flatten(2).transpose(1, 2).float()
        down, across = self.places.flatten(1) * self.half_px
        tiles = torch.stack([across * pixel_mm[0], down * pixel_mm[1], 0 * down], -1)
        scale = label_scale[list(motion.MOGLO_FROM_IMAGE)]
        return Displacements(told[..., :3], told[..., 3:].clamp(*LOG_SIGMA), tiles, scale)


def fitted_motion(found: Displacements, label_scale: Tensor) -> Tensor:
    """Return MoGLo's six numbers (N, 6), scaled, of the rigid motion that fits all tiles best.

    Minimises the sum over tiles q and axes of ((t + w x q - displacement) / sigma)^2 over the
    translation t and the (small) rotation vector w.
    """
    tiles = found.tiles_mm / LEVER_MM
    identity = torch.eye(3).to(tiles).expand(len(tiles), 3, 3)
    turned = torch.linalg.cross(identity, tiles[:, None].expand(-1, 3, -1))  # rows: axes of w
    design = torch.cat([identity, turned.transpose(1, 2)], -1).flatten(0, 1)  # (3 T, 6)
    weight = (-2 * found.log_sigma).exp().flatten(1) / found.scale_mm.square().repeat(len(tiles))
    wanted = (found.mean * found.scale_mm).flatten(1)
    with torch.autocast(tiles.device.type, enabled=False):
        normal = torch.einsum("ra,nr,rb->nab", design, weight, design)
        ridge = RIDGE / found.scale_mm.square().mean() * torch.eye(6).to(tiles)
        right = torch.einsum("ra,nr,nr->na", design, weight, wanted)
        solved = torch.linalg.solve(normal + ridge, right[..., None])[..., 0]
    motion_mm = torch.cat([solved[:, :3], solved[:, 3:] / LEVER_MM], -1)
    step = geometry.from_degrees_of_freedom(motion_mm)
    return motion.six_from_step(step, torch.zeros(3).to(step)) / label_scale


def displacement_loss(found: Displacements, centre_steps: Tensor) -> Tensor:
    """Return the mean negative log likelihood of true displacements under normals of each sigma.

    centre_steps (N, 4, 4): true steps with both frames' origins at the image centre, mm.
    """
    true = geometry.apply(centre_steps, found.tiles_mm) - found.tiles_mm
    error = found.mean - true / found.scale_mm
    return (0.5 * (error * (-found.log_sigma).exp()).square() + found.log_sigma).mean()
