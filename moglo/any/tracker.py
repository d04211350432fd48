"""The tracker `moglo-any` under the contract of the benchmark."""

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor

from benchmark import geometry
from benchmark.learning.mirroring import mirrored_steps
from benchmark.sweep import Observation, Prediction
from benchmark.tracker import LearnedTracker, Recipe
from moglo.any import losses
from moglo.any.condition import condition_of, map_of
from moglo.any.config import MoGLoAnyConfig
from moglo.any.frames import Seen, seen
from moglo.any.machine import disturbed
from moglo.any.model import AnyNet, Motions, told, units_of
from moglo.inference import evaluating
from moglo.long.tracker import image_corners
from moglo.long.views import reversed_steps

CHUNK_STEPS = 64  # steps compared at a time


class MoGLoAny(LearnedTracker):
    """MoGLo's reading of speckle for any probe: lengths are told in units of the speckle.

    Frames of any size, aspect and mask are brought to pixels in units of the speckle's size, which
    the speckle map of the probe tells. Tiles are correlated between frames 1, 2, 4 and 8 apart; a
    small network shared by all tiles, told the means of its row and of the image, answers their
    displacements over the correlation length there, each with its uncertainty. Weighted least
    squares fit one rigid motion a step to the tiles that show speckle. A recurrent part reads the
    sweep both ways and corrects steps and their scale. Training frames are disturbed as machines
    do. Sigma has a part of each step by itself and a part that is the same in all.
    """

    name = "moglo-any"
    causal = False
    Config = MoGLoAnyConfig
    config: MoGLoAnyConfig

    def __init__(self, config: MoGLoAnyConfig | None = None):
        super().__init__(config)
        self._module: AnyNet | None = None

    @property
    def window(self) -> int:  # type: ignore[override]
        """Frames per training sample."""
        return self.config.window

    @property
    def recipe(self) -> Recipe:  # type: ignore[override]
        """AdamW with a fast rise and a cosine to zero, gradients clipped."""
        return Recipe(
            batch_size=self.config.batch_size,
            learning_rate=self.config.learning_rate,
            optimiser="adamw",
            weight_decay=1e-2,
            schedule="cosine",
            warm_up=0.05,
            gradient_clip=self.config.clip,
            average=self.config.average,
        )

    def module(self) -> AnyNet:
        """Return the network, built at the first call, on whatever device it was moved to."""
        if self._module is None:
            self._module = AnyNet(self.config).to(memory_format=torch.channels_last)
        return self._module

    def condition(self, observation: Observation) -> np.ndarray:
        """Return the mask and the correlation lengths at every pixel, see `moglo.any.condition`."""
        return condition_of(observation, map_of(observation) if self.config.map else None)

    def augment(  # type: ignore[override]
        self, frames: Tensor, prev_from_frame: Tensor, mm_from_pixel: Tensor, condition: Tensor
    ) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Show some samples mirrored, some backwards, and some as another machine would."""
        steps = prev_from_frame
        if self.config.mirror:
            pick = _half(frames)
            turned = mirrored_steps(steps, mm_from_pixel, frames.shape[-2:])
            frames, steps = torch.where(pick, frames.flip(-1), frames), torch.where(pick, turned, steps)
            condition = torch.where(pick, condition.flip(-1), condition)
        if self.config.reverse:
            pick = _half(frames)
            frames = torch.where(pick, frames.flip(1), frames)
            steps = torch.where(pick, reversed_steps(steps), steps)
        if self.config.machine:
            frames, condition = disturbed(frames, condition, self.config.machine)
        return frames, steps, mm_from_pixel, condition

    def loss(  # type: ignore[override]
        self, frames: Tensor, prev_from_frame: Tensor, mm_from_pixel: Tensor, condition: Tensor
    ) -> Tensor:
        """Return the weighted sum of the losses of tiles, spans and sigma."""
        config, shape = self.config, frames.shape[-2:]
        watched = seen(frames, mm_from_pixel, condition, config)
        found, tiles = self.module()(watched)
        centre = geometry.image_centre(mm_from_pixel, shape)[:, None]
        true = geometry.about(centre, prev_from_frame)
        predicted = centre_steps(found)
        corners = image_corners(mm_from_pixel, *shape) - centre
        length = found.units[:, 2]
        frame, slow = sigma_parts(found)
        return (
            config.tiles * losses.tile_loss(tiles, true.flatten(0, 1))
            + config.spans * losses.span_loss(predicted, true, corners, length)
            + config.likelihood * losses.sigma_loss(predicted.detach(), true, frame, slow, length)
        )

    def track(self, observation: Observation) -> Prediction:
        """Return poses and sigma of a sweep, all of which is read."""
        if len(observation) == 1:
            return Prediction(np.eye(4)[None])
        with evaluating(self.module()) as net:
            given = list(self._described(net, observation))
            described, units = torch.cat([each for each, _ in given], 1), given[0][1]
            found = net.read(described, units)
            frame, slow = sigma_parts(found)
            steps = centre_steps(Motions(found.six.double(), units.double(), *found[2:]))
        centre = observation.bmode.centre_mm
        sigma = (frame.square() + slow.square()).sqrt()[0].double().cpu().numpy()
        return Prediction.from_steps(geometry.about(-centre, steps[0].cpu().numpy()), sigma)

    def _described(self, net: AnyNet, observation: Observation) -> Iterator[tuple[Tensor, Tensor]]:
        """Yield the descriptions (1, T, ...) of some steps at a time, and the units (1, 6)."""
        images, device = observation.bmode, next(net.parameters()).device
        grid = torch.tensor(images.mm_from_pixel, dtype=torch.float32, device=device)[None]
        condition = torch.from_numpy(self.condition(observation)).to(device)[None]
        margin, last = max(self.config.gap_frames), len(observation) - 1
        for start in range(0, last, CHUNK_STEPS):
            stop = min(start + CHUNK_STEPS, last)
            first, end = max(0, start - margin), min(last + 1, stop + margin + 1)
            levels = torch.from_numpy(np.ascontiguousarray(images.frames[first:end])).to(device)
            watched = seen(levels[None].float() / 255, grid, condition, self.config)
            steps = range(start - first, stop - first)
            units = units_of(watched)
            yield net.describe(told(watched, steps, self.config), watched, units)[0], units


def centre_steps(found: Motions) -> Tensor:
    """Return steps (B, T, 4, 4) about the image centre, mm."""
    return geometry.from_degrees_of_freedom(found.six * found.units[:, None])


def sigma_parts(found: Motions) -> tuple[Tensor, Tensor]:
    """Return two sigmas (B, T) of the position of the image centre after a step, mm.

    That of the step by itself, and that which is the same error in all steps: a share of the step.
    """
    moved = (found.six * found.units[:, None])[..., :3].detach().norm(dim=-1)
    frame = found.log_frame.exp() * found.units[:, None, 2]
    return frame, found.log_slow.exp() * moved


def _half(frames: Tensor) -> Tensor:
    """Return whether each sample is picked, (B, 1, 1, 1), one in two at random."""
    return torch.rand(len(frames), 1, 1, 1, device=frames.device) < 0.5
