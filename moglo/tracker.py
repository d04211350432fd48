"""The trackers `moglo` and `moglo-paper`: MoGLo-Net under the contract of the benchmark."""

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from torch import Tensor, nn

from benchmark.learning.mirroring import mirrored_half
from benchmark.learning.standardise import locally_standardised
from benchmark.sweep import Images, Observation, Prediction, Sweep
from benchmark.tracker import Recipe
from moglo import losses, motion
from moglo.config import MoGLoConfig, MoGLoPaperConfig
from moglo.grid import Placement, own_grid, placement
from moglo.inference import chunk_frames, evaluating
from moglo.model import MoGLoNet
from moglo.resample import resampled
from moglo.small import SmallTracker
from moglo.streaming import MotionStream


class MoGLo(SmallTracker):
    """MoGLo-Net (Lee et al., IEEE TMI 2025) at a size that a CPU trains in minutes.

    A residual encoder of single frames, a patch-wise correlation volume of neighbours, a residual
    encoder of pairs, global-local attention, two LSTMs with a linear head each, whose outputs are
    averaged; trained by absolute error, correlation and triplet loss. Compared with the published
    one (`moglo-paper`) it is narrower, shallower and at twice the resolution; the volume correlates
    centred features within a smaller radius and passes gradients; gates of the global map act on
    the score alone, and shortcuts are pooled before they are convolved; batches are small, at a
    high rate, and half of the samples are mirrored; a running mean of the weights is kept, and the
    mean error over the training sweeps is subtracted from the last biases.
    """

    name = "moglo"
    causal = True
    Config = MoGLoConfig

    def build(self) -> nn.Module:
        """Return a new network."""
        return MoGLoNet(self.config)

    def fit(self, sweeps: Sequence[Sweep]) -> None:
        """Set the input grid and the label scale from the training sweeps."""
        net, size = self.module(), self.config.frame_size
        grids = [own_grid(_grid(s.bmode)[None], s.bmode.frames.shape, size) for s in sweeps]
        pixels, tops = (np.median(np.stack(each), axis=0) for each in zip(*grids, strict=True))
        net.pixel_mm.copy_(torch.from_numpy(pixels))
        net.top_mm.fill_(float(tops))
        labels = [motion.six_from_step(s.prev_from_frame, self._centre(s.bmode)) for s in sweeps]
        scale = motion.label_scale(np.concatenate(labels))
        net.label_scale.copy_(torch.from_numpy(scale))

    def finish(self, sweeps: Sequence[Sweep]) -> None:
        """Subtract the mean error over the training sweeps from the last biases, if `unbiased`."""
        if not self.config.unbiased:
            return
        errors = np.concatenate([self._errors(sweep) for sweep in sweeps])
        net = self.module()
        shift = torch.from_numpy(errors.mean(0)).to(net.label_scale) / net.label_scale
        with torch.no_grad():
            for layer in self._answering():
                layer.bias -= shift

    def _errors(self, sweep: Sweep) -> np.ndarray:
        """Return estimated less true six-vectors (N-1, 6), mm and degrees."""
        centre = self._centre(sweep.bmode)
        steps = self.track(sweep.observe(self.reads)).prev_from_frame
        truth = motion.six_from_step(sweep.prev_from_frame, centre)
        return motion.six_from_step(steps, centre) - truth

    def _answering(self) -> list[nn.Linear]:
        """Return the last layers, the mean of whose outputs is the answer."""
        net = self.module()
        layers = {"local": net.local_estimator.head, "global": net.global_estimator.head}
        return [layers[name] for name in layers if self.config.head in (name, "mean")]

    def loss(self, frames: Tensor, prev_from_frame: Tensor, mm_from_pixel: Tensor) -> Tensor:
        """Return the sum of the three losses; the first two averaged over the branches."""
        config, net = self.config, self.module()
        placed = self._placed(mm_from_pixel, frames.shape[-2:])
        centre = placed.centre_mm[:, None]
        label = motion.six_from_step(prev_from_frame, centre) / net.label_scale
        branches, embedding = net(self._input(frames, placed))
        total = config.triplet * losses.margin_triplet_loss(embedding, label[:, -1], config.margin)
        for predicted in branches:
            error = losses.motion_weighted_error(predicted, label, config.motion_weight)
            trend = losses.correlation_loss(predicted, label)
            part = config.mmae * error + config.correlation_loss * trend
            total = total + part / len(branches)
        return total

    def augment(
        self, frames: Tensor, prev_from_frame: Tensor, mm_from_pixel: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Mirror a random half of the samples laterally, if `mirror`."""
        if not self.config.mirror:
            return frames, prev_from_frame, mm_from_pixel
        return *mirrored_half(frames, prev_from_frame, mm_from_pixel), mm_from_pixel

    def track(self, observation: Observation) -> Prediction:
        """Return poses by streaming: one frame and one pair encoded per new frame.

        Each step is the last one of the window that ends there. The first window is filled by
        repeating the first frame, so that two frames are enough.
        """
        images = observation.bmode
        if len(observation) == 1:
            return Prediction(np.eye(4)[None])
        with evaluating(self.module()) as net:
            six = torch.cat(list(self._motions(net, images))) * net.label_scale
        centre = self._centre(images)
        return Prediction.from_steps(motion.step_from_six(six.double().cpu().numpy(), centre))

    def _motions(self, net: MoGLoNet, images: Images) -> Iterator[Tensor]:
        """Yield the scaled motions of some frames at a time."""
        stream, device = MotionStream(net), net.label_scale.device
        placed = self._placed(_grid(images)[None].to(device), images.frames.shape[1:])
        for frames in chunk_frames(images, self.config.frame_size, device):
            yield stream.push(self._input(frames[None], placed)[0])

    def _placed(self, mm_from_pixel: Tensor, shape: Sequence[int]) -> Placement:
        """Return where the grid of training lies on images (H, W), mm_from_pixel (B, 4, 4).

        Before `fit` has set that grid, it is that of the images.
        """
        net, size = self.module(), self.config.frame_size
        pixel_mm, top_mm = net.pixel_mm, net.top_mm
        if not pixel_mm.any():
            pixel_mm, top_mm = own_grid(mm_from_pixel, shape, size)
        return placement(mm_from_pixel, shape, size, pixel_mm, top_mm)

    def _centre(self, images: Images) -> np.ndarray:
        """Return the centre (3,) of the input grid, image mm, whose motion is estimated."""
        grid = _grid(images)[None].to(self.module().label_scale.device)
        return self._placed(grid, images.frames.shape[1:]).centre_mm[0].cpu().numpy()

    def _input(self, frames: Tensor, placed: Placement) -> Tensor:
        """Return frames (B, W, S, S) on the grid of training, standardised if `standardise`."""
        frames = resampled(frames, placed, self.config.frame_size)
        return locally_standardised(frames) if self.config.standardise else frames


class MoGLoPaper(MoGLo):
    """MoGLo-Net (Lee et al., IEEE TMI 2025) as released, 26.7 M parameters.

    Frames of 256 pixels squared, windows of five, the training recipe of the released code
    (AdamW, rate 1e-4 falling by 0.8 ten times, batches of 14). Training it needs a GPU.
    """

    name = "moglo-paper"
    Config = MoGLoPaperConfig

    @property
    def recipe(self) -> Recipe:  # type: ignore[override]
        """The recipe of the released code: AdamW, decay 1e-2, rate times 0.8 at each tenth."""
        return Recipe(
            batch_size=self.config.batch_size,
            learning_rate=self.config.learning_rate,
            optimiser="adamw",
            weight_decay=1e-2,
            schedule="step",
            steps=10,
            step_factor=0.8,
        )


def _grid(images: Images) -> Tensor:
    """Return the matrix mm_from_pixel (4, 4) of images, in double precision."""
    return torch.tensor(np.asarray(images.mm_from_pixel), dtype=torch.double)
