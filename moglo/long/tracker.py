"""The tracker `moglo-long` under the contract of the benchmark, with its second stage."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn

from benchmark import geometry
from benchmark.learning.flops import flop_counter
from benchmark.machine.progress import progress
from benchmark.sweep import Images, Observation, Prediction, Sweep
from moglo import motion
from moglo.inference import chunk_frames, evaluating
from moglo.long import losses
from moglo.long.config import MoGLoLongConfig
from moglo.long.displacements import displacement_loss
from moglo.long.model import LongNet, LongStream, Motions
from moglo.long.second_stage import Described, train_sequence
from moglo.long.views import VIEWS, View, reversed_half, seen_images, seen_steps
from moglo.losses import correlation_loss
from moglo.tracker import MoGLo

# Components of MoGLo's six (axial, lateral, elevational; about lateral, elevational, axial) whose
# direction two frames show. The others only change how alike the frames are.
IN_PLANE = (0, 1, 4)
# Largest share of the second stage's budget for descriptions. With many training sweeps it pays for
# a part of their views only.
DESCRIBING = 0.75


class MoGLoLong(MoGLo):
    """MoGLo-Net's encoder of frame pairs and a second stage over whole sweeps, against drift.

    The first stage reads pairs of frames as `moglo` does, trained by the squared error of steps and
    of the position of the image corners after several steps. It also learns the displacement of
    every tile of the image, each with its uncertainty; the rigid motion that fits them best is a
    first answer. Half of the samples are shown backwards in time, half mirrored. In the second
    stage a recurrent part that runs over whole sweeps in both directions learns corrections from
    the descriptions of their pairs. For a fast step one pair shows little of the tilt, and its
    estimate tends to the mean, which is the same error in every frame. The answer is the mean of
    four views of a sweep. Optional: normalised cross-correlation of tiles of the frames at full
    resolution, of each frame with those 1, 2 and 4 before it. The tracker gives its own sigma.
    """

    name = "moglo-long"
    causal = False
    Config = MoGLoLongConfig
    config: MoGLoLongConfig

    @property
    def clip(self) -> float:  # type: ignore[override]
        """The largest norm of a gradient."""
        return self.config.clip

    @property
    def window(self) -> int:  # type: ignore[override]
        """Frames per training sample: with `skips` so many that every second one makes a window."""
        return 2 * self.config.window - 1 if self.config.skips else self.config.window

    def build(self) -> nn.Module:
        """Return a new network."""
        return LongNet(self.config)

    @property
    def reserve(self) -> float:  # type: ignore[override]
        """The share of the budget that the second stage gets."""
        return self.config.sequence_share if self.config.lstm else 0.0

    def loss(self, frames: Tensor, prev_from_frame: Tensor, mm_from_pixel: Tensor) -> Tensor:
        """Return the weighted sum of the losses of pairs and of time reversal."""
        net, shape = self.module(), (frames.shape[-2], frames.shape[-1])
        placed = self._placed(mm_from_pixel, shape)
        seen = self._input(frames, placed)
        found, moved = net(seen)
        total = self._judged(found, prev_from_frame, mm_from_pixel, shape)
        if moved is not None:
            centre = placed.centre_mm[:, None]
            steps = geometry.about(centre, prev_from_frame).flatten(0, 1)
            total = total + self.config.displacements * displacement_loss(moved, steps)
        if self.config.consistency:
            back = net(seen.flip(1))[0].six
            disagreement = losses.disagreement(found.six, back, IN_PLANE)
            total = total + self.config.consistency * disagreement
        return total

    def _judged(
        self, found: Motions, prev_from_frame: Tensor, mm_from_pixel: Tensor, shape: tuple[int, int]
    ) -> Tensor:
        """Return the weighted sum of the losses of steps, trend, spans and sigma."""
        config, label_scale = self.config, self.module().label_scale
        centre = self._placed(mm_from_pixel, shape).centre_mm[:, None]
        label = motion.six_from_step(prev_from_frame, centre) / label_scale
        total = losses.penalty(found.six - label, config.error)
        total = total + config.correlation_loss * correlation_loss(found.six, label)
        six, scale = found.six * label_scale, step_scale(label_scale)
        if config.spans:
            steps = motion.step_from_six(six, centre)
            corners = image_corners(mm_from_pixel, *shape)
            spans = losses.span_loss(steps, prev_from_frame, corners, scale, config.error)
            total = total + config.spans * spans
        if config.likelihood:
            error = losses.step_error(six, label * label_scale) / scale
            total = total + config.likelihood * losses.sigma_loss(error, found.log_sigma)
        return total

    def refine(self, sweeps: Sequence[Sweep], flops: float) -> float:
        """Describe the training sweeps in each view, and train the recurrent part on them."""
        views = VIEWS[: self.config.views]
        shown = [(sweep, view) for sweep in sweeps for view in views if len(sweep) > 1]
        described, spent = self._described_within(shown, DESCRIBING * flops)
        loss, left = self._judged, flops - spent
        return spent + train_sequence(self.module(), described, loss, self.config, left)

    def _described_within(
        self, shown: Sequence[tuple[Sweep, View]], flops: float
    ) -> tuple[list[Described], float]:
        """Describe all views, or as many at random as `flops` allow; return the operations too."""
        with flop_counter() as counter:
            described = [self._described(*shown[0])]
            each = counter.get_total_flops() / len(described[0].pairs)
            places = affordable([each * (len(sweep) - 1) for sweep, _ in shown], flops)
            rest = progress(places[1:], desc="describe the sweeps", unit="view")
            described += [self._described(*shown[place]) for place in rest]
        return described, float(counter.get_total_flops())

    def _described(self, sweep: Sweep, view: View) -> Described:
        """Describe the pairs of one view of a sweep."""
        images = sweep.bmode
        grid = torch.tensor(images.mm_from_pixel, dtype=torch.float32)
        shape = (int(images.frames.shape[1]), int(images.frames.shape[2]))
        steps = torch.tensor(sweep.prev_from_frame, dtype=torch.float32)
        with evaluating(self.module()) as net:
            pairs = self._descriptions(net, images, view)[0]
        seen = seen_steps(steps[None], grid[None], shape, view)[0]
        return Described(pairs, seen.to(pairs), grid.to(pairs), shape)

    def augment(
        self, frames: Tensor, prev_from_frame: Tensor, mm_from_pixel: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Skip frames of some samples, mirror half and reverse half, as the configuration says."""
        if self.config.skips:
            frames, prev_from_frame = some_skipped(frames, prev_from_frame, self.config.skips)
        frames, steps, grid = super().augment(frames, prev_from_frame, mm_from_pixel)
        if not self.config.reverse:
            return frames, steps, grid
        return *reversed_half(frames, steps), grid

    def _answering(self) -> list[nn.Linear]:
        return [self.module().motion_head]

    def track(self, observation: Observation) -> Prediction:
        """Return poses and sigma, the mean over the views."""
        images = observation.bmode
        if len(observation) == 1:
            return Prediction(np.eye(4)[None])
        with evaluating(self.module()) as net:
            told = [self._told(net, images, view) for view in VIEWS[: self.config.views]]
        twists = torch.stack([geometry.log(steps) for steps, _ in told]).mean(0)
        sigma = torch.stack([sigma for _, sigma in told]).mean(0)
        steps = geometry.exp(twists)[0].cpu().numpy()
        return Prediction.from_steps(steps, sigma[0].double().cpu().numpy())

    def _told(self, net: LongNet, images: Images, view: View) -> tuple[Tensor, Tensor]:
        """Return steps (1, T, 4, 4), image mm, of a sweep from one view of it; sigma (1, T), mm."""
        found, _ = net.estimate(self._descriptions(net, images, view))
        grid = torch.tensor(images.mm_from_pixel, device=found.six.device)[None]
        shape = images.frames.shape[1:]
        centre = self._placed(grid, shape).centre_mm[:, None]
        steps = motion.step_from_six((found.six * net.label_scale).double(), centre)
        sigma = found.log_sigma.exp() * step_scale(net.label_scale)
        sigma = sigma.flip(1) if view.backward else sigma
        return seen_steps(steps, grid, shape, view), sigma

    def _descriptions(self, net: LongNet, images: Images, view: View) -> Tensor:
        """Return descriptions (1, T, hidden) of the pairs of a view, some frames at a time."""
        stream, device = LongStream(net), net.label_scale.device
        grid = torch.tensor(np.asarray(images.mm_from_pixel), dtype=torch.double, device=device)
        placed = self._placed(grid[None], images.frames.shape[1:])
        chunks = chunk_frames(seen_images(images, view), self.config.frame_size, device)
        return torch.cat(
            [stream.describe(self._input(frames[None], placed)[0]) for frames in chunks], 1
        )


def affordable(costs: Sequence[float], limit: float) -> list[int]:
    """Return the indices of all costs, or of a random part whose sum stays within a limit, sorted.

    Index 0 is always among them. Draws from torch's generator if not all fit.
    """
    if sum(costs) <= limit:
        return list(range(len(costs)))
    order = torch.cat([torch.zeros(1, dtype=torch.long), 1 + torch.randperm(len(costs) - 1)])
    spent = torch.tensor(costs, dtype=torch.float64)[order].cumsum(0)
    kept = max(1, int((spent <= limit).sum()))
    return sorted(order[:kept].tolist())


def some_skipped(frames: Tensor, prev_from_frame: Tensor, share: float) -> tuple[Tensor, Tensor]:
    """Return W of each 2 W - 1 frames: every second one in a random share, else the first W.

    frames (B, 2 W - 1, H, W'); prev_from_frame (B, 2 W - 2, 4, 4).
    """
    count = (frames.shape[1] + 1) // 2
    pick = (torch.rand(len(frames), device=frames.device) < share)[:, None, None, None]
    longer = prev_from_frame[:, ::2] @ prev_from_frame[:, 1::2]
    return (
        torch.where(pick, frames[:, ::2], frames[:, :count]),
        torch.where(pick, longer, prev_from_frame[:, : count - 1]),
    )


def step_scale(label_scale: Tensor) -> Tensor:
    """Return the length in mm of a step whose scaled translations are all 1."""
    return label_scale[:3].norm()


def image_corners(mm_from_pixel: Tensor, height: int, width: int) -> Tensor:
    """Return the centres (B, 4, 3), image mm, of the corner pixels of frames."""
    corners = [[0, 0], [width - 1, 0], [0, height - 1], [width - 1, height - 1]]
    pixels = mm_from_pixel.new_tensor([[x, y, 0, 1] for x, y in corners])
    return (pixels @ mm_from_pixel.transpose(-1, -2))[..., :3]
