"""A network as it answers: in evaluation mode, without gradients, some frames at a time."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TypeVar

import numpy as np
import torch
from torch import Tensor, nn

from benchmark.sweep import Images

CHUNK_PIXELS = 1_000_000  # input pixels encoded at a time when tracking on a CPU
CHUNK_PIXELS_GPU = 8_000_000

Network = TypeVar("Network", bound=nn.Module)


@contextmanager
def evaluating(net: Network) -> Iterator[Network]:
    """Hand out the network in evaluation mode without gradients; restore its mode afterwards."""
    training = net.training
    net.eval()
    try:
        with torch.inference_mode():
            yield net
    finally:
        net.train(training)


def chunk_frames(images: Images, size: int, device: torch.device) -> Iterator[Tensor]:
    """Yield frames (N, H, W) in [0, 1] on a device, as many as fit at size x size pixels."""
    pixels = CHUNK_PIXELS if device.type == "cpu" else CHUNK_PIXELS_GPU
    chunk = max(1, pixels // size**2)
    for start in range(0, len(images.frames), chunk):
        levels = np.ascontiguousarray(images.frames[start : start + chunk])
        yield torch.from_numpy(levels).to(device).float() / 255
