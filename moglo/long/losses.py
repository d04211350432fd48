"""Losses of `moglo-long`: errors of steps, of chained steps, of time reversal, and of sigma."""

import torch
from torch import Tensor
from torch.nn import functional

from benchmark import geometry

SPANS = (5, 10, 20, 50)  # frames
HUBER = 0.5  # scaled error beyond which the penalty is linear


def penalty(error: Tensor, kind: str) -> Tensor:
    """Return the mean penalty of errors: "absolute", "squared", or "huber" (between the two).

    Drift is a sum of steps and stays small if their mean is unbiased. The squared error asks for
    the mean; the absolute error asks for the median, which differs where errors are skewed.
    """
    if kind == "absolute":
        return error.abs().mean()
    if kind == "squared":
        return error.square().mean()
    return functional.huber_loss(error, torch.zeros_like(error), delta=HUBER) * 2


def span_errors(
    predicted: Tensor, true: Tensor, corners: Tensor, spans: tuple[int, ...] = SPANS
) -> list[tuple[int, Tensor]]:
    """Return the position errors (mm) of the corners after chained steps, for each span.

    predicted, true (B, T, 4, 4): steps `prev_from_frame` in image mm; corners (B, C, 3) mm.
    Returns (span, error (B, T - span + 1, C, 3)) for all stretches of `span` steps; a span
    longer than T is replaced by T.
    """
    found = []
    first = [geometry.chain(steps) for steps in (predicted, true)]
    count = predicted.shape[1]
    for span in sorted({min(span, count) for span in spans}):
        places = []
        for poses in first:
            start_from_end = geometry.inverse(poses[:, :-span]) @ poses[:, span:]
            places.append(geometry.apply(start_from_end, corners[:, None]))
        found.append((span, places[0] - places[1]))
    return found


def span_loss(
    predicted: Tensor, true: Tensor, corners: Tensor, scale_mm: Tensor, kind: str
) -> Tensor:
    """Return the penalty of span errors over `scale_mm` times the root of the span.

    Independent errors of steps then count the same at every span, and a constant error counts more
    by the root of the span.
    """
    parts = [
        penalty(error / (scale_mm * span**0.5), kind)
        for span, error in span_errors(predicted, true, corners)
    ]
    return torch.stack(parts).mean()


def step_error(predicted: Tensor, true: Tensor) -> Tensor:
    """Return the position error (B, T) mm of the image centre of six-vectors in mm and degrees."""
    return (predicted - true)[..., :3].norm(dim=-1)


def sigma_loss(error: Tensor, log_sigma: Tensor) -> Tensor:
    """Return the negative log likelihood of errors (mm) under a normal of standard deviation sigma.

    error (...): gets no gradient; log_sigma (...). Smallest where sigma^2 is the mean of error^2.
    """
    return (0.5 * (error.detach() * (-log_sigma).exp()).square() + log_sigma).mean()


def disagreement(forward: Tensor, backward: Tensor, in_plane: tuple[int, ...]) -> Tensor:
    """Return the mean absolute sum of in-plane motions (B, T, 6) forwards and backwards.

    `backward` holds the motions into the frames of the reversed window, in that order; its
    step t undoes step T - 1 - t of `forward`, up to the product of two small motions.
    """
    return (forward + backward.flip(1))[..., list(in_plane)].abs().mean()
