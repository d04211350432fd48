"""Base of the learned baselines: targets, recipe, mirroring, losses over corners and trends."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from baselines.parts.motion import centre_motion, steps_from_centre_motion, true_motion
from benchmark import geometry
from benchmark.learning.mirroring import mirrored_half
from benchmark.learning.ranges import above_zero, refuse_out_of_range, share
from benchmark.learning.standardise import locally_standardised
from benchmark.sweep import Images, Observation, Prediction, Sweep
from benchmark.tracker import LearnedTracker, Recipe

SMALLEST_STD = 1e-3  # mm and rad, so that a motion absent from training is not blown up
SMALLEST_NORM = 1e-6  # of a centred sequence, for those that are constant


@dataclass(frozen=True)
class LearnedConfig:
    """Configuration fields of every learned baseline.

    learning_rate, batch_size, optimiser, weight_decay, schedule, steps, step_factor, warm_up,
    average: of the recipe (see `benchmark.tracker.Recipe`); standardise: standardise frames
    locally, so that the network reads speckle and does not learn anatomy by heart; mirror: mirror
    half of the training samples laterally; unbiased: after training, subtract the mean error of
    each degree of freedom over the training sweeps from the answers (of networks with one motion
    per pair), since an error that is the same in every step adds up to drift.
    """

    learning_rate: float = above_zero(3e-3)
    batch_size: int = 16
    optimiser: str = "adam"
    weight_decay: float = 0.0
    schedule: str = "cosine"
    steps: int = 10
    step_factor: float = share(0.8)
    warm_up: float = share(0.05)
    standardise: bool = True
    mirror: bool = True
    average: float = share(0.05)
    unbiased: bool = True

    def __post_init__(self) -> None:
        refuse_out_of_range(self)


class MotionTracker(LearnedTracker):
    """A learned tracker whose network estimates the motion of the image centre, standardised.

    A subclass builds a network in `build` and turns frames into its answers in `motion` and
    `loss`. `answers` is the shape of one answer, (6,) or (pairs, 6); the network has buffers `mean`
    and `std` of that shape, which `fit` sets from the `labels` of the training sweeps.
    """

    Config = LearnedConfig
    answers: tuple[int, ...] = (6,)

    def __init__(self, config: Any = None):
        super().__init__(config)
        self._module: Any = None

    def build(self) -> nn.Module:
        """Return the network."""
        raise NotImplementedError

    def motion(self, images: Images, device: torch.device) -> np.ndarray:
        """Return the estimated centre motion (N-1, 6), mm and rad, of two frames or more."""
        raise NotImplementedError

    def labels(self, sweep: Sweep) -> np.ndarray:
        """Return the true answers (n, *answers) of a sweep."""
        return true_motion(sweep)

    @property
    def recipe(self) -> Recipe:  # type: ignore[override]
        """The recipe of the configuration."""
        shared = ("batch_size", "learning_rate", "optimiser", "weight_decay", "schedule", "steps",
                  "step_factor", "warm_up", "average")  # fmt: skip
        return Recipe(**{key: getattr(self.config, key) for key in shared})

    def module(self) -> Any:
        """Return the network, built at the first call, on whatever device it was moved to."""
        if self._module is None:
            self._module = self.build()
            self._module.register_buffer("mean", torch.zeros(self.answers))
            self._module.register_buffer("std", torch.ones(self.answers))
        return self._module

    def fit(self, sweeps: Sequence[Sweep]) -> None:
        """Set mean and standard deviation of the answers from the training sweeps."""
        values = np.concatenate([self.labels(sweep) for sweep in sweeps])
        network = self.module()
        network.mean.copy_(torch.from_numpy(values.mean(0)))
        network.std.copy_(torch.from_numpy(np.maximum(values.std(0), SMALLEST_STD)))

    def finish(self, sweeps: Sequence[Sweep]) -> None:
        """Subtract the mean error over the training sweeps from the answers, if `unbiased`."""
        if not self.config.unbiased or self.answers != (6,):
            return
        errors = [self._errors(sweep) for sweep in sweeps]
        mean = self.module().mean
        mean -= torch.from_numpy(np.concatenate(errors).mean(0)).to(mean)

    def _errors(self, sweep: Sweep) -> np.ndarray:
        """Return estimated less true centre motion (N-1, 6), mm and rad."""
        steps = self.track(sweep.observe(self.reads)).prev_from_frame
        return centre_motion(sweep.bmode, steps) - true_motion(sweep)

    def augment(
        self, frames: Tensor, prev_from_frame: Tensor, mm_from_pixel: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Mirror a random half of the samples laterally, if `mirror`."""
        if not self.config.mirror:
            return frames, prev_from_frame, mm_from_pixel
        return *mirrored_half(frames, prev_from_frame, mm_from_pixel), mm_from_pixel

    def seen(self, frames: Tensor) -> Tensor:
        """Return frames (..., H, W) as the network sees them, standardised if `standardise`."""
        return locally_standardised(frames) if self.config.standardise else frames

    def track(self, observation: Observation) -> Prediction:
        """Return chained estimates of the steps; for a single frame, the identity."""
        if len(observation) < 2:
            return Prediction.from_steps(np.zeros((0, 4, 4)))
        images = observation.bmode
        with evaluating(self.module()) as network:
            motion = self.motion(images, network.mean.device)
        return Prediction.from_steps(steps_from_centre_motion(images, motion.astype(float)))

    def scaled_back(self, answers: Tensor) -> np.ndarray:
        """Return answers (..., *shape) in mm and rad, float64."""
        network = self.module()
        return (answers.double() * network.std + network.mean).cpu().numpy()


@contextmanager
def evaluating(network: nn.Module) -> Iterator[Any]:
    """Hand out the network in evaluation mode without gradients; restore its mode afterwards."""
    training = network.training
    network.eval()
    try:
        with torch.inference_mode():
            yield network
    finally:
        network.train(training)


def frames_on(images: Images, start: int, stop: int, device: torch.device) -> Tensor:
    """Return frames (stop-start, H, W) float32 in [0, 1] on a device; only these are read."""
    return (
        torch.from_numpy(np.ascontiguousarray(images.frames[start:stop])).to(device).float() / 255
    )


def corners_from_centre(frames: Tensor, mm_from_pixel: Tensor) -> Tensor:
    """Return the four image corners (B, 4, 3) relative to the image centre, in mm."""
    height, width = frames.shape[-2:]
    pixels = [[x, y, 0.0, 1.0] for x in (0, width - 1) for y in (0, height - 1)]
    corners = mm_from_pixel.new_tensor(pixels) @ mm_from_pixel.swapaxes(-1, -2)
    return corners[..., :3] - geometry.image_centre(mm_from_pixel, frames.shape)[:, None]


def centre_motion_of(frames: Tensor, prev_from_frame: Tensor, mm_from_pixel: Tensor) -> Tensor:
    """Return the motion (B, P, 6) of the image centre, mm and rad, of poses (B, P, 4, 4)."""
    centre = geometry.image_centre(mm_from_pixel, frames.shape)[:, None, :]
    return geometry.degrees_of_freedom(geometry.about(centre, prev_from_frame))


def corner_distances(motion: Tensor, truth: Tensor, corners: Tensor) -> Tensor:
    """Return squared distances (B, P, 4) in mm^2 of the corners moved by two centre motions.

    motion, truth (B, P, 6), mm and rad; corners (B, 4, 3) from the image centre, mm.
    """
    one = geometry.apply(geometry.from_degrees_of_freedom(motion), corners[:, None])
    other = geometry.apply(geometry.from_degrees_of_freedom(truth), corners[:, None])
    return ((one - other) ** 2).sum(-1)


def trend_loss(answer: Tensor, truth: Tensor, dim: int = 0) -> Tensor:
    """Return one minus Pearson's correlation along `dim`, averaged over the other axes."""
    one = answer - answer.mean(dim, keepdim=True)
    other = truth - truth.mean(dim, keepdim=True)
    norms = one.norm(dim=dim) * other.norm(dim=dim)
    return (1 - (one * other).sum(dim) / norms.clamp_min(SMALLEST_NORM)).mean()
