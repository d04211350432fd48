"""The tracker `moglo-any` under the contract of the benchmark."""

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from torch import Tensor, nn

from benchmark import geometry
from benchmark.learning.mirroring import mirrored_half
from benchmark.sweep import Observation, Prediction, Sweep
from moglo.any import losses
from moglo.any.condition import condition_of, map_of
from moglo.any.config import MoGLoAnyConfig
from moglo.any.frames import Seen, seen
from moglo.any.machine import disturbed
from moglo.any.model import AnyNet, units_of
from moglo.any.sweep_reader import ELEVATIONAL, Motions
from moglo.any.told import look_of, some_of, told
from moglo.inference import evaluating
from moglo.long.tracker import image_corners
from moglo.long.views import reversed_half
from moglo.small import SmallTracker

CHUNK_STEPS = 64  # steps compared at a time
CALIBRATING = 100  # training sweeps, at most, on which sigma is calibrated


class MoGLoAny(SmallTracker):
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

    @property
    def clip(self) -> float:  # type: ignore[override]
        """The largest norm of a gradient."""
        return self.config.clip

    def build(self) -> nn.Module:
        """Return a new network."""
        return AnyNet(self.config)

    def condition(self, observation: Observation) -> np.ndarray:
        """Return the mask and the correlation lengths at every pixel, see `moglo.any.condition`."""
        return condition_of(observation, map_of(observation) if self.config.map else None)

    def augment(  # type: ignore[override]
        self, frames: Tensor, prev_from_frame: Tensor, mm_from_pixel: Tensor, condition: Tensor
    ) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Show some samples mirrored, some backwards, and some as another machine would."""
        steps = prev_from_frame
        if self.config.mirror:
            frames, steps, condition = mirrored_half(frames, steps, mm_from_pixel, condition)
        if self.config.reverse:
            frames, steps = reversed_half(frames, steps)
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
        true, steps = geometry.about(centre, prev_from_frame), found.steps()
        corners = image_corners(mm_from_pixel, *shape) - centre
        length = found.units[:, ELEVATIONAL]
        likelihood = losses.sigma_loss(steps.detach(), true, found.sigma(), length)
        return (
            config.tiles * losses.tile_loss(tiles, true.flatten(0, 1))
            + config.spans * losses.span_loss(steps, true, corners, length)
            + config.likelihood * likelihood
        )

    def track(self, observation: Observation) -> Prediction:
        """Return poses and sigma of a sweep, all of which is read."""
        if len(observation) == 1:
            return Prediction(np.eye(4)[None])
        told = map_of(observation) if self.config.map else None
        error = 0.0 if told is None else told.relative_error
        with evaluating(self.module()) as net:
            described, found = self._read(net, observation, condition_of(observation, told))
            motion = found.six[..., ELEVATIONAL] * found.units[:, None, ELEVATIONAL]
            sigma = net.calibration(found.sigma(), described, motion, error)
            exact = found._replace(six=found.six.double(), units=found.units.double())
            steps, *parts = (
                part[0].double().cpu().numpy()
                for part in (exact.steps(), sigma.of_steps(), sigma.of_positions())
            )
        return Prediction.from_steps(geometry.about(-observation.bmode.centre_mm, steps), *parts)

    def finish(self, sweeps: Sequence[Sweep]) -> None:
        """Calibrate sigma on training sweeps as they are: on some of them, where there are many."""
        long = [sweep for sweep in sweeps if len(sweep) > 1]
        with evaluating(self.module()) as net:
            read = []
            for sweep in long[:: -(-len(long) // CALIBRATING)]:
                observed = sweep.observe(self.reads)
                read.append((sweep, *self._read(net, observed, self.condition(observed))))
            errors, ends = [], []
            for sweep, _, found in read:
                images, steps = sweep.bmode, found.steps()[0].double().cpu().numpy()
                true = geometry.about(images.centre_mm, sweep.prev_from_frame)
                errors.append(np.linalg.norm((steps - true)[:, :3, 3], axis=1))
                drift = geometry.chain(steps)[-1, :3, 3] - geometry.chain(true)[-1, :3, 3]
                ends.append(np.linalg.norm(drift))
            device = net.calibration.factors
            net.calibration.learn_look([described for _, described, _ in read])
            net.calibration.learn_factors(
                [found.sigma() for *_, found in read],
                [torch.from_numpy(error).to(device) for error in errors],
                torch.tensor(ends).to(device),
            )

    def _read(
        self, net: AnyNet, observation: Observation, condition: np.ndarray
    ) -> tuple[Tensor, Motions]:
        """Return the descriptions (1, T, F) of a sweep's steps, and their motions."""
        known = torch.from_numpy(condition).to(net.sigma.weight.device)
        given = list(self._described(net, observation, known))
        described = torch.cat([each for each, _ in given], 1)
        return described, net.read(described, given[0][1])

    def _described(
        self, net: AnyNet, observation: Observation, condition: Tensor
    ) -> Iterator[tuple[Tensor, Tensor]]:
        """Yield the descriptions (1, T, ...) of some steps at a time, and the units (1, 6)."""
        count = len(observation)

        def shown(frames: slice | list[int]) -> Seen:
            levels = np.ascontiguousarray(observation.bmode.frames[frames])
            grid = torch.tensor(observation.bmode.mm_from_pixel).to(condition)
            levels = torch.from_numpy(levels).to(condition) / 255
            return seen(levels[None], grid[None], condition[None], self.config)

        look = look_of(shown(some_of(count)), self.config)
        margin = max(self.config.gap_frames)
        for start in range(0, count - 1, CHUNK_STEPS):
            stop = min(start + CHUNK_STEPS, count - 1)
            first = max(0, start - margin)
            watched = shown(slice(first, min(count, stop + margin + 1)))
            steps, units = range(start - first, stop - first), units_of(watched)
            yield net.describe(told(watched, look, steps, self.config), watched, units)[0], units
