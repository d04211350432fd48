"""How many floating-point operations something takes: what a training budget is counted in."""

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
    """Operations of the two gradients of a convolution: each as many as the convolution's own.

    Weights (C_out, C_in / groups, ...) have what a group needs; torch's own count (2.13) charges a
    grouped convolution's weight gradient for all pairs of channels, `groups` times too much.
    """
    transposed, asked = settings[4], settings[7]
    places = math.prod((image if transposed else grad)[2:])
    once = 2 * grad[0] * places * math.prod(weight)
    return once * (bool(asked[0]) + bool(asked[1]))
