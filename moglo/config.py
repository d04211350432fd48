"""Configurations of `moglo` and `moglo-paper`; every claim of the paper is a field."""

from dataclasses import dataclass

from benchmark.errors import UserError, refuse_unknown_choice
from benchmark.learning.ranges import above_zero, refuse_out_of_range, share

DEGREES_OF_FREEDOM = 6
CHOICES = {
    "correlation": ("off", "fixed", "learned"),
    "head": ("local", "global", "mean"),
    "motion_weight": ("released", "paper"),
}


@dataclass(frozen=True)
class MoGLoConfig:
    """MoGLo-Net of a size that a CPU trains in minutes; the default of tracker `moglo`.

    Compared with the published network: half the reduction (maps at a quarter of the resolution
    hardly show steps of a fraction of a pixel), an eighth of the width and as few blocks as strides
    allow, templates twice as far apart, windows of three frames instead of five, small batches at a
    high rate. All were chosen on validation sweeps (docs/moglo.md). Four choices without a known
    effect on accuracy are the plainer or cheaper ones: pool_first, row_shift_last, gated_map,
    inner_twice.

    Input
        frame_size: side in pixels that frames are resampled to, by their pixel size;
        standardise: divide out the local brightness, so that the network sees speckle and does not
        learn the anatomy of a small training set by heart (not in the published network);
        window: frames per sample, one estimate per pair of neighbours.
    Size
        width: channels of the first stage, doubled by each later one; stem_stride, stage_stride:
        reductions before and at the end of the frame encoder (the local map has frame_size /
        (stem_stride * stage_stride) pixels); stage_blocks_1 to 4: residual blocks of a stage;
        last_stride: reduction at the end of the fourth, whose map is averaged to the global map;
        patch: side of an attention patch, and of the global map; pool_first: where a stage reduces,
        its shortcut is pooled before its convolution (cheaper) instead of after it (published).
    Claims of the paper as switches
        correlation: volume "off", "fixed" (no gradient through it) or "learned";
        template_stride, search_radius: its grid, and its half-width on a local map of 64 pixels,
        in proportion on others; centre_features: correlate deviations from each channel's mean,
        since all cosines of non-negative features lie near one (not in the published network);
        row_shift_last: the volume's last axis is the shift across rows (published), not across
        columns; gates: channel and spatial gates before the attention; gated_map: the gates of the
        global map weigh it for all that follows, score, recurrence and embedding (published), not
        for the score alone; score: global-local score (all ones if off); lstm: recurrence over the
        pairs of a window; head: the branch that is trained and answers.
    Losses
        mmae, correlation_loss, triplet: weights; motion_weight: weight inside the absolute error,
        "released" (none: plain L1) or "paper" (|y| + 2); margin: of the triplet loss.
    Training
        batch_size, learning_rate: of the recipe; average: share of the updates over which a running
        mean of the weights is kept (0: the last weights); unbiased: after training, subtract the
        mean error over the training sweeps from the biases of the last layers, since an error that
        is the same in every step adds up to drift (not in the published network); mirror: mirror
        half of the samples laterally; with a symmetric probe a mirrored sweep is a possible sweep;
        inner_twice: encode the inner frames of a training window once for each of their two pairs,
        so that they weigh double in the statistics of the batch (published), instead of once.
    """

    frame_size: int = 96
    standardise: bool = True
    window: int = 3
    width: int = 8
    stem_stride: int = 2
    stage_stride: int = 1
    stage_blocks_1: int = 1
    stage_blocks_2: int = 1
    stage_blocks_3: int = 2
    stage_blocks_4: int = 1
    last_stride: int = 1
    patch: int = 3
    pool_first: bool = True
    correlation: str = "learned"
    template_stride: int = 8
    search_radius: int = 4
    centre_features: bool = True
    row_shift_last: bool = False
    gates: bool = True
    gated_map: bool = False
    score: bool = True
    lstm: bool = True
    head: str = "mean"
    mmae: float = 1.0
    motion_weight: str = "released"
    correlation_loss: float = 1.0
    triplet: float = 0.005
    margin: float = 0.1
    batch_size: int = 8
    learning_rate: float = above_zero(0.018)
    average: float = share(0.05)
    unbiased: bool = True
    mirror: bool = True
    inner_twice: bool = False

    def __post_init__(self) -> None:
        refuse_out_of_range(self)
        refuse_unknown_choice(self, CHOICES)
        if self.window < 2:
            raise UserError(f"window: expected 2 frames or more, got {self.window}")
        for stage, least in ((1, 1), (2, 1), (3, 2), (4, 1)):
            blocks = getattr(self, f"stage_blocks_{stage}")
            if blocks < least:
                raise UserError(f"stage_blocks_{stage}: expected {least} or more, got {blocks}")
        reduction = self.stem_stride * self.stage_stride * 4 * self.last_stride * self.patch
        if self.frame_size < reduction or self.frame_size % reduction:
            raise UserError(
                f"frame_size: expected a multiple of {reduction} "
                f"(stem_stride * stage_stride * 4 * last_stride * patch), got {self.frame_size}"
            )

    @property
    def local_size(self) -> int:
        """Side of the local map (and of the frame encoder's), in its pixels."""
        return self.frame_size // (self.stem_stride * self.stage_stride)

    @property
    def pair_size(self) -> int:
        """Side of the pair encoder's last map, in its pixels."""
        return self.local_size // (4 * self.last_stride)

    @property
    def radius(self) -> int:
        """Half-width of the search window on this local map, in its pixels."""
        return max(2, round(self.search_radius * self.local_size / 64))


@dataclass(frozen=True)
class MoGLoPaperConfig(MoGLoConfig):
    """The published size and recipe; the default of tracker `moglo-paper`."""

    frame_size: int = 256
    standardise: bool = False
    window: int = 5
    width: int = 64
    stage_stride: int = 2
    stage_blocks_1: int = 3
    stage_blocks_2: int = 4
    stage_blocks_3: int = 6
    stage_blocks_4: int = 3
    last_stride: int = 2
    patch: int = 4
    pool_first: bool = False
    correlation: str = "fixed"
    template_stride: int = 4
    search_radius: int = 8
    centre_features: bool = False
    row_shift_last: bool = True
    gated_map: bool = True
    batch_size: int = 14
    learning_rate: float = 1e-4
    average: float = 0.0
    unbiased: bool = False
    mirror: bool = False
    inner_twice: bool = True
