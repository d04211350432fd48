"""Counting of floating-point operations, the unit of training budgets."""

import math
from collections.abc import Sequence
from typing import Any

import torch
from torch.utils.flop_counter import FlopCounterMode


def flop_counter() -> FlopCounterMode:
    """Return torch's counter of operations, exact for grouped convolutions too."""
    exact: dict[Any, Any] = {torch.ops.aten.convolution_backward: _convolution_backward_flops}
    return FlopCounterMode(display=False, custom_mapping=exact)


def _convolution_backward_flops(
    grad: Sequence[int], image: Sequence[int], weight: Sequence[int], *settings: Any, **_: Any
) -> int:
    """Operations of a convolution's two gradients, each as many as of the convolution itself.

    Weights are (C_out, C_in / groups, ...); torch's own formula (2.13) counts all pairs of channels
    for the weight gradient of a grouped convolution, `groups` times too many.
    """
    transposed, asked = settings[4], settings[7]
    places = math.prod((image if transposed else grad)[2:])
    once = 2 * grad[0] * places * math.prod(weight)
    return once * (bool(asked[0]) + bool(asked[1]))
