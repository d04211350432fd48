"""`moglo-long` as a tracker of the benchmark."""

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor, nn

from benchmark import geometry
from benchmark.sweep import Images, Observation, Prediction
from benchmark.tracker import Recipe
from moglo import long_losses as losses
from moglo import motion
from moglo.long_config import MoGLoLongConfig
from moglo.long_model import LongNet, LongStream, Motions
from moglo.losses import correlation_loss
from moglo.tracker import MoGLo, chunk_frames, evaluating

# Components of MoGLo's six (axial, lateral, elevational; about lateral, elevational, axial) whose
# direction two frames show. The others change nothing but how alike the frames are.
IN_PLANE = (0, 1, 4)


class MoGLoLong(MoGLo):
    """MoGLo-Net's speckle encoder with what keeps small errors from adding up.

    Beside the encoder, the normalised cross-correlation of the frames' own tiles at full
    resolution, within a few pixels, of each frame with those 1, 2 and 4 before it; one LSTM over
    the whole sweep, trained on short windows; penalties of the mean (Huber) instead of the
    absolute error, for steps and for the position of the image corners after 5 steps and more, or
    after all of a shorter window; half of the samples backwards in time, half mirrored. Tells its
    own sigma.
    """

    name = "moglo-long"
    causal = True
    Config = MoGLoLongConfig
    config: MoGLoLongConfig
    _module: LongNet | None  # type: ignore[assignment]

    @property
    def recipe(self) -> Recipe:  # type: ignore[override]
        """AdamW with a fast rise and a cosine to zero, gradients clipped."""
        return Recipe(
            batch_size=self.config.batch_size,
            learning_rate=self.config.learning_rate,
            optimiser="adamw",
            weight_decay=1e-2,
            schedule="cosine",
            warm_up=0.05,
            gradient_clip=self.config.clip,
            average=self.config.average,
        )

    def module(self) -> LongNet:  # type: ignore[override]
        """Return the network, built at the first call, on whatever device it was moved to."""
        if self._module is None:
            self._module = LongNet(self.config)
        return self._module

    def loss(self, frames: Tensor, prev_from_frame: Tensor, mm_from_pixel: Tensor) -> Tensor:
        """Return the losses of steps, trend, spans, time reversal and sigma, each weighted."""
        config, net = self.config, self.module()
        centre = motion.image_centre(mm_from_pixel, *frames.shape[-2:])[:, None]
        label = motion.six_from_step(prev_from_frame, centre) / net.label_scale
        seen = self._input(frames, mm_from_pixel)
        found = net(seen)
        total = losses.penalty(found.six - label, config.error)
        total = total + config.correlation_loss * correlation_loss(found.six, label)
        six, scale = found.six * net.label_scale, step_scale(net.label_scale)
        if config.spans:
            steps = motion.step_from_six(six, centre)
            corners = image_corners(mm_from_pixel, *frames.shape[-2:])
            spans = losses.span_loss(steps, prev_from_frame, corners, scale, config.error)
            total = total + config.spans * spans
        if config.consistency:
            back = net(seen.flip(1)).six
            total = total + config.consistency * losses.disagreement(found.six, back, IN_PLANE)
        if config.likelihood:
            error = losses.step_error(six, label * net.label_scale) / scale
            total = total + config.likelihood * losses.sigma_loss(error, found.log_sigma)
        return total

    def augment(
        self, frames: Tensor, prev_from_frame: Tensor, mm_from_pixel: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Mirror half of the samples laterally, and show half backwards, where asked for."""
        frames, steps, grid = super().augment(frames, prev_from_frame, mm_from_pixel)
        if not self.config.reverse:
            return frames, steps, grid
        chosen = torch.rand(len(frames), device=frames.device) < 0.5
        pick = chosen[:, None, None, None]
        backward = reversed_steps(steps)
        return (
            torch.where(pick, frames.flip(1), frames),
            torch.where(pick, backward, steps),
            grid,
        )

    def _answering(self) -> list[nn.Linear]:
        return [self.module().motion_head]

    def track(self, observation: Observation) -> Prediction:
        """Return poses and sigma by streaming: one frame and its pairs per new frame."""
        images = observation.bmode
        if len(observation) == 1:
            return Prediction(np.eye(4)[None])
        with evaluating(self.module()) as net:
            parts = list(self._motions(net, images))
            six = torch.cat([part.six[0] for part in parts]) * net.label_scale
            log_sigma = torch.cat([part.log_sigma[0] for part in parts])
            sigma = log_sigma.exp() * step_scale(net.label_scale)
        centre = motion.image_centre(images.mm_from_pixel, *images.frames.shape[1:])
        steps = motion.step_from_six(six.double().cpu().numpy(), centre)
        return Prediction.from_steps(steps, sigma.double().cpu().numpy())

    def _motions(self, net: LongNet, images: Images) -> Iterator[Motions]:  # type: ignore[override]
        """Yield the motions of some frames at a time."""
        stream = LongStream(net)
        for frames in chunk_frames(images, self.config.frame_size, net.label_scale.device):
            grid = torch.tensor(images.mm_from_pixel, dtype=torch.float32, device=frames.device)
            yield stream.push(self._input(frames[None], grid[None])[0])


def step_scale(label_scale: Tensor) -> Tensor:
    """Return the length in mm of a step that is 1 in each translation, at most."""
    return label_scale[:3].norm()


def image_corners(mm_from_pixel: Tensor, height: int, width: int) -> Tensor:
    """Return the centres (B, 4, 3) in image mm of the corner pixels of frames."""
    corners = [[0, 0], [width - 1, 0], [0, height - 1], [width - 1, height - 1]]
    pixels = mm_from_pixel.new_tensor([[x, y, 0, 1] for x, y in corners])
    return (pixels @ mm_from_pixel.transpose(-1, -2))[..., :3]


def reversed_steps(prev_from_frame: Tensor) -> Tensor:
    """Return the steps (B, T, 4, 4) of a window shown backwards, the tissue mirrored in z.

    Backwards the probe would retreat. An image and its mirror image in the image plane are the
    same, though, with a beam symmetric about that plane: what is seen is also an advance through
    tissue mirrored from front to back.
    """
    mirror = prev_from_frame.new_tensor([1.0, 1.0, -1.0, 1.0]).diag()
    return mirror @ geometry.inverse(prev_from_frame).flip(1) @ mirror
