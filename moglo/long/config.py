"""The configuration of `moglo-long`; every part that acts against drift is a field."""

from dataclasses import dataclass

from benchmark.errors import UserError, refuse_unknown_choice
from benchmark.learning.ranges import above_zero, share
from moglo.config import DEGREES_OF_FREEDOM, MoGLoConfig

LONG_CHOICES = {
    "normalise": ("batch", "group"),
    "error": ("absolute", "huber", "squared"),
}


@dataclass(frozen=True)
class MoGLoLongConfig(MoGLoConfig):
    """MoGLo-Net against drift: a second stage over whole sweeps, losses over spans, optional tiles.

    Fields of `MoGLoConfig` about frames, encoder and augmentation, and correlation_loss, keep their
    meaning; its other loss weights (mmae, triplet) and head are not used.

    Input
        encoder: the speckle encoder of `moglo`, correlation volume and attention included;
        normalise: its normalisation, over the "batch" as published or by "group" within a sample
        (the pairs of a long window are of one sweep, whose statistics are not those of tracking);
        tiles: normalised cross-correlation of tiles of the frames; gaps: number of frame pairs
        correlated, of (n - 1, n), (n - 2, n), (n - 4, n) ...; reach: largest displacement in
        pixels; tile, tile_stride: side and distance of tiles in pixels; tile_width: channels that
        describe a tile.
    Sequence
        window: frames per sample of the first stage, in which pairs learn to be described;
        hidden: size of a description, and of the recurrent part; lstm: second stage, in which a
        recurrent part (of gated units) learns from the descriptions of whole training sweeps what
        to add to the motion read from a pair; bidirectional: the recurrent part runs both ways in
        time, so that a sweep must have ended; sequence_window, sequence_batch, sequence_rate: steps
        and samples of its updates, and their learning rate; sequence_share: its share of the
        budget; dropout, jitter: dropout of its input, and noise added to that, in standard
        deviations; views: how many of the four views of a sweep (as it is, mirrored, backwards,
        both) are described in training and averaged when tracking.
    Losses
        error: penalty of scaled steps and of spans; displacements: weight of the likelihood of the
        displacement of every tile of the encoder's last map; the rigid motion that fits them best
        is then a first answer (0: neither); spans: weight of the position error of the image
        corners after 5, 10, 20 and 50 steps, as far as the window reaches, or after all steps of a
        shorter one; consistency: weight of the sum of in-plane motion forwards and backwards, which
        should be zero (doubles the cost); likelihood: weight of the likelihood of the step's
        position error given sigma, whose gradient reaches only the head of sigma.
    Training
        reverse: show half of the samples backwards, which equals an advance through tissue mirrored
        from front to back; skips: share of the samples of the first stage that consist of every
        second frame, for longer steps; clip: largest norm of a gradient.
    """

    window: int = 3
    width: int = 6
    batch_size: int = 8
    learning_rate: float = 0.01
    encoder: bool = True
    normalise: str = "batch"
    tiles: bool = False
    gaps: int = 3
    reach: int = 3
    tile: int = 16
    tile_stride: int = 8
    tile_width: int = 32
    hidden: int = 64
    bidirectional: bool = True
    sequence_window: int = 40
    sequence_batch: int = 8
    sequence_rate: float = above_zero(3e-3)
    sequence_share: float = 0.15
    dropout: float = share(0.0)
    jitter: float = 0.1
    views: int = 4
    error: str = "squared"
    displacements: float = 0.3
    spans: float = 1.0
    consistency: float = 0.0
    likelihood: float = 0.1
    reverse: bool = True
    skips: float = share(0.0)
    clip: float = 1.0

    def __post_init__(self) -> None:
        super().__post_init__()
        refuse_unknown_choice(self, LONG_CHOICES)
        if not (self.encoder or self.tiles):
            raise UserError("encoder, tiles: expected one of them on, got both off")
        if self.hidden <= DEGREES_OF_FREEDOM:
            raise UserError(f"hidden: expected more than {DEGREES_OF_FREEDOM}, got {self.hidden}")
        if self.views not in (1, 2, 4):
            raise UserError(f"views: expected 1, 2 or 4, got {self.views}")
        if not 0.0 <= self.sequence_share < 1.0:
            raise UserError(
                f"sequence_share: expected 0 or more and below 1, got {self.sequence_share}"
            )
        if self.tile % self.tile_stride or self.frame_size % self.tile_stride:
            raise UserError(
                f"tile_stride: expected a divisor of tile and of frame_size, got {self.tile_stride}"
            )
        if self.tile > self.frame_size:
            raise UserError(f"tile: expected at most frame_size, got {self.tile}")

    @property
    def gap_frames(self) -> tuple[int, ...]:
        """Frames between the two of a pair: 1, 2, 4 ..."""
        return tuple(2**index for index in range(self.gaps))
