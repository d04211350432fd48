"""The configuration of `moglo-any`."""

from dataclasses import dataclass

from benchmark.errors import UserError
from benchmark.learning.ranges import above_zero, refuse_out_of_range, share


@dataclass(frozen=True)
class MoGLoAnyConfig:
    """Tiles of frame pairs read in units of the speckle, a rigid fit, and a reader of sweeps.

    Input
        lateral, axial: least size of a pixel, in correlation lengths of the speckle; finer frames
        are resampled. largest: most pixels along a side. tile, tile_stride: side and distance of
        tiles in pixels. gaps: number of frame pairs compared per step, 1, 2, 4 ... frames apart;
        reach: largest displacement compared, in pixels. map: whether lengths are those of the
        speckle map, or of one ordinary probe for all.
    Network
        width: channels that describe a tile; context: whether tiles are told the means of their row
        and of the image; reader: whether a recurrent part reads the sweep; hidden: its size.
    Losses
        tiles: weight of the likelihood of the displacement of each tile; spans: weight of the
        position error of the image corners over the path, after 1, 5, 10 ... steps; likelihood:
        weight of the likelihood of position errors given sigma, whose gradient reaches sigma only.
    Training
        window, batch_size, learning_rate, average, clip: frames per sample, and the recipe;
        mirror, reverse: show half of the samples mirrored, half backwards; machine: share of the
        samples that each disturbance of a machine (grey curve, noise, blur, persistence, border)
        is added to.
    """

    lateral: float = above_zero(0.8)
    axial: float = above_zero(1.2)
    largest: int = 192
    tile: int = 16
    tile_stride: int = 16
    gaps: int = 4
    reach: int = 2
    map: bool = True
    width: int = 32
    context: bool = True
    reader: bool = True
    hidden: int = 48
    tiles: float = 0.3
    spans: float = 1.0
    likelihood: float = 0.1
    window: int = 16
    batch_size: int = 4
    learning_rate: float = above_zero(3e-3)
    average: float = share(0.05)
    clip: float = above_zero(1.0)
    mirror: bool = True
    reverse: bool = True
    machine: float = share(0.3)

    def __post_init__(self) -> None:
        refuse_out_of_range(self)
        if self.tile % self.tile_stride:
            raise UserError(f"tile_stride: expected a divisor of tile, got {self.tile_stride}")
        if self.window < 2:
            raise UserError(f"window: expected 2 or more, got {self.window}")

    @property
    def gap_frames(self) -> tuple[int, ...]:
        """Frames between the two of a pair: 1, 2, 4 ..."""
        return tuple(2**index for index in range(self.gaps))
