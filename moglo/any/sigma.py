"""The tracker's own uncertainty: of steps and of positions, calibrated, more where it is strange.

A step's error has a part of its own, whose squares add up along a sweep, and a part that is alike
in all steps (the scale: what the probe, the tissue and the machine do to speckle), which adds up
itself. Drift is made of the second.
"""

from typing import NamedTuple

import torch
from torch import Tensor, nn

COVERED = 0.68  # share of the ends of training sweeps that their sigma covers
COMMON = 0.95  # share of the training sweeps that are no stranger than usual
UNKNOWN = 1e6  # stands for what is usual before training: nothing is strange
MOST = 5.0  # an error counts as at most this many sigmas in the calibration
FACTORS = (0.05, 20.0)  # least and largest
TURNS, HALVINGS = 10, 30  # of the two parts' calibration, and of the search in each


class Sigma(NamedTuple):
    """Standard deviations (..., T) of the position of the image centre after a step, mm.

    frame: of the part of each step by itself; slow: of the part that is alike in all steps.
    """

    frame: Tensor
    slow: Tensor

    def of_steps(self) -> Tensor:
        """Return sigma (..., T) of each step."""
        return (self.frame.square() + self.slow.square()).sqrt()

    def of_positions(self) -> Tensor:
        """Return sigma (..., T + 1) of the positions, the first of which is known."""
        own, alike = self.frame.square().cumsum(-1), self.slow.cumsum(-1)
        later = (own + alike.square()).sqrt()
        return torch.cat([torch.zeros_like(later[..., :1]), later], -1)


class Calibration(nn.Module):
    """Factors of both parts of sigma, and what training sweeps look like.

    Buffers: factors (2,), of the frame and of the slow part; mean, std (F,) of the descriptions of
    training sweeps; usual (), the root mean square deviation that `COMMON` of them stay within.
    """

    factors: Tensor
    mean: Tensor
    std: Tensor
    usual: Tensor

    def __init__(self, features: int):
        super().__init__()
        self.register_buffer("factors", torch.ones(2))
        self.register_buffer("mean", torch.zeros(features))
        self.register_buffer("std", torch.ones(features))
        self.register_buffer("usual", torch.tensor(UNKNOWN))

    def forward(self, sigma: Sigma, described: Tensor, moved: Tensor, map_error: float) -> Sigma:
        """Return the calibrated sigma (B, T) of sweeps with descriptions (B, T, F).

        Both parts grow with the distance of a sweep from those of training, where it is more than
        usual. moved (B, T): elevational steps, mm; map_error: relative error of the speckle map,
        which is the same in all of them.
        """
        strange = (self.strangeness(described) / self.usual).clamp_min(1.0)[:, None]
        frame, slow = (strange * f * part for f, part in zip(self.factors, sigma, strict=True))
        return Sigma(frame, (slow.square() + (map_error * moved).square()).sqrt())

    def strangeness(self, described: Tensor) -> Tensor:
        """Return the root mean square deviation (B,) of sweeps (B, T, F) from those of training."""
        return ((described.mean(1) - self.mean) / self.std).square().mean(-1).sqrt()

    def learn_look(self, described: list[Tensor]) -> None:
        """Set what is usual from the descriptions (1, T, F) of training sweeps."""
        means = torch.cat([each.mean(1) for each in described])
        self.mean.copy_(means.mean(0))
        self.std.copy_(means.std(0, correction=0).clamp_min(1e-2))
        far = torch.cat([self.strangeness(each) for each in described])
        self.usual.copy_(far.quantile(COMMON).clamp_min(1e-3))

    def learn_factors(self, sigmas: list[Sigma], errors: list[Tensor], ends: Tensor) -> None:
        """Set the factors from training sweeps: their sigma (1, T), without factors, and errors.

        errors: of the position after each step by itself (T,), mm; ends (M,): of the last position,
        mm. The frame part is as large as the steps leave it, the slow part as large as the ends
        ask for: found in turns.
        """
        own = torch.stack([each.frame.square().sum() for each in sigmas])
        alike = torch.stack([each.slow.sum() for each in sigmas])
        frame, slow, square = (
            torch.cat(parts)
            for parts in (
                [each.frame[0] for each in sigmas],
                [each.slow[0] for each in sigmas],
                [error.square() for error in errors],
            )
        )
        own_factor, slow_factor = frame.new_zeros(2)
        for _ in range(TURNS):
            own_factor = _matching(square, frame.square(), (slow_factor * slow).square())
            wanted = (ends.square() - own_factor.square() * own).clamp_min(0).sqrt() / alike
            slow_factor = wanted.quantile(COVERED)
        self.factors.copy_(torch.stack([own_factor, slow_factor]).clamp_min(FACTORS[0]))


def _matching(square: Tensor, scaled: Tensor, fixed: Tensor) -> Tensor:
    """Return the factor f for which squared errors are f^2 `scaled` + `fixed` on average, all (N,).

    That is, the mean ratio is one; found by bisection between the least and largest of `FACTORS`.
    """
    low, high = (scaled.new_tensor(factor).log() for factor in FACTORS)
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        ratio = square / ((2 * middle).exp() * scaled + fixed)
        too_small = ratio.clamp_max(MOST**2).mean() > 1
        low, high = torch.where(too_small, middle, low), torch.where(too_small, high, middle)
    return high.exp()
