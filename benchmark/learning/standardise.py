"""Local standardisation of frames: speckle is kept, the brightness of anatomy divided out."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch

CELL_PX = 8  # a few speckles
SMALLEST_VARIANCE = 1e-4  # of frames in [0, 1]: below it a region is black, not speckle


def locally_standardised(frames: "torch.Tensor") -> "torch.Tensor":
    """Return frames (..., H, W) minus their local mean, divided by their local standard deviation.

    Both are means over cells of `CELL_PX` pixels that overlap by half, interpolated in between.
    Speckle remains, which shows the steps; the brightness of anatomy, which does not, is removed.
    """
    from torch.nn.functional import avg_pool2d, interpolate

    size = frames.shape[-2:]
    images = frames.reshape(-1, 1, *size)

    def local_mean(values: "torch.Tensor") -> "torch.Tensor":
        half = CELL_PX // 2
        cells = avg_pool2d(values, CELL_PX, half, half, count_include_pad=False)
        return interpolate(cells, size=size, mode="bilinear", align_corners=True)

    deviation = images - local_mean(images)
    spread = (local_mean(deviation * deviation) + SMALLEST_VARIANCE).sqrt()
    return (deviation / spread).reshape(frames.shape)
