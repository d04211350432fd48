"""A small network that sees two frames and answers the motion between them (Prevost family)."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from baselines.motion import steps_from_centre_motion, true_motion
from benchmark import geometry
from benchmark.standardise import locally_standardised
from benchmark.sweep import Observation, Prediction, Sweep
from benchmark.tracker import LearnedTracker, Recipe

if TYPE_CHECKING:
    import torch

SMALLEST_STD = 1e-3  # mm and rad; a motion that training never shows is not blown up
PAIRS_AT_ONCE = 32


@dataclass(frozen=True)
class TwoFrameConfig:
    """Channels of the first layer, units of the hidden one, and whether flow is given as well."""

    width: int = 16
    hidden: int = 512
    flow: bool = False


class TwoFrameCnn(LearnedTracker):
    """Two consecutive frames into a small CNN, six numbers out, steps chained.

    Source: Prevost et al., MICCAI 2017 and Medical Image Analysis 48 (2018). As published: two
    frames, optionally with the two channels of their dense optical flow; a few strided convolutions
    and pooling; a hidden layer of 512 into 6; squared error; no memory between pairs.
    What differs, and why: batch normalisation after each convolution, without which such a network
    predicts the mean at this budget; frames are standardised locally, without which it remembers
    the anatomy of a small training set and not speckle; the six outputs are the motion of
    the image centre (mm) and the rotation vector, each over its standard deviation in the training
    split, instead of millimetres beside degrees of Euler angles; average pooling to 4 x 4 before
    the hidden layer, so that any image size fits; flow by iterative Lucas-Kanade (scikit-image)
    instead of Farnebäck's; pairs are mirrored left to right at random. Extra pairs at
    wider gaps, as published, only cost updates here and are left out. Published layer widths are
    not known. No IMU, no pretrained weights.
    """

    name = "two-frame-cnn"
    Config = TwoFrameConfig
    window = 2
    recipe = Recipe(
        batch_size=16, learning_rate=3e-3, optimiser="adam", schedule="cosine", warm_up=0.05
    )

    def __init__(self, config=None):
        super().__init__(config)
        self._module: Any = None

    def module(self) -> "torch.nn.Module":
        if self._module is None:
            self._module = pair_network(self.config)
        return self._module

    def fit(self, sweeps: Sequence[Sweep]) -> None:
        import torch

        motion = np.concatenate([true_motion(sweep) for sweep in sweeps])
        network = self.module()
        network.mean.copy_(torch.from_numpy(motion.mean(0)))
        network.std.copy_(torch.from_numpy(np.maximum(motion.std(0), SMALLEST_STD)))

    def loss(
        self,
        frames: "torch.Tensor",
        prev_from_frame: "torch.Tensor",
        mm_from_pixel: "torch.Tensor",
    ) -> "torch.Tensor":
        network = self.module()
        centre = _centre(frames, mm_from_pixel)[:, None, :]
        truth = geometry.degrees_of_freedom(geometry.about(centre, prev_from_frame))
        target = (truth - network.mean) / network.std
        answer = network(self._input(frames)).reshape(target.shape)
        return ((answer - target) ** 2).mean()

    def augment(
        self, frames: "torch.Tensor", prev_from_frame: "torch.Tensor", mm_from_pixel: "torch.Tensor"
    ) -> tuple["torch.Tensor", "torch.Tensor", "torch.Tensor"]:
        """Mirror half of the samples left to right about the image centre."""
        import torch

        chosen = torch.rand(len(frames), device=frames.device) < 0.5
        centre = _centre(frames, mm_from_pixel)
        mirror = torch.eye(4, device=frames.device, dtype=prev_from_frame.dtype)
        mirror = mirror.repeat(len(frames), 1, 1)
        mirror[:, 0, 0] = -1
        mirror[:, 0, 3] = 2 * centre[:, 0]
        mirrored = mirror[:, None] @ prev_from_frame @ mirror[:, None]
        pick = chosen[:, None, None, None]
        frames = torch.where(pick, frames.flip(-1), frames)
        return frames, torch.where(pick, mirrored, prev_from_frame), mm_from_pixel

    def track(self, observation: Observation) -> Prediction:
        import torch

        if len(observation) < 2:
            return Prediction.from_steps(np.zeros((0, 4, 4)))
        network = self.module()
        was_training = network.training
        network.eval()
        device = network.mean.device
        images, motion = observation.bmode, []
        with torch.inference_mode():
            for start in range(0, len(observation) - 1, PAIRS_AT_ONCE):
                part = np.asarray(images.frames[start : start + PAIRS_AT_ONCE + 1])
                frames = torch.from_numpy(part).to(device).float()[None] / 255
                answer = network(self._input(frames)) * network.std + network.mean
                motion.append(answer.cpu().double().numpy())
        network.train(was_training)
        return Prediction.from_steps(steps_from_centre_motion(images, np.concatenate(motion)))

    def _input(self, frames: "torch.Tensor") -> "torch.Tensor":
        """Return all pairs (B * (W-1), 2 or 4, H, W) of windows (B, W, H, W), frames in [0, 1]."""
        import torch

        scaled = locally_standardised(frames)
        channels = [scaled[:, :-1], scaled[:, 1:]]
        if self.config.flow:
            flow = dense_flow(frames.detach().cpu().numpy())
            flow = torch.from_numpy(flow).to(frames.device)
            channels += [flow[:, :, 0], flow[:, :, 1]]
        return torch.stack(channels, 2).flatten(0, 1)


def _centre(frames: "torch.Tensor", mm_from_pixel: "torch.Tensor") -> "torch.Tensor":
    """Return the image centre (B, 3) in mm of frames (B, ..., H, W)."""
    height, width = frames.shape[-2:]
    pixel = mm_from_pixel.new_tensor([(width - 1) / 2, (height - 1) / 2, 0.0, 1.0])
    return (mm_from_pixel @ pixel)[:, :3]


def dense_flow(frames: np.ndarray) -> np.ndarray:
    """Return the optical flow (B, W-1, 2, H, W) in px (row, column) of windows (B, W, H, W)."""
    from skimage.registration import optical_flow_ilk

    return np.stack(
        [
            [
                optical_flow_ilk(one, other, radius=5, dtype=np.float32)
                for one, other in pairwise(window)
            ]
            for window in frames
        ]
    )


def pair_network(config: TwoFrameConfig) -> "torch.nn.Module":
    """Return the network: pairs (B, 2 or 4, H, W) to standardised motion (B, 6).

    Its buffers `mean` and `std` (6,) turn answers into mm and rad.
    """
    import torch
    from torch import nn

    width = config.width
    layers: list[nn.Module] = []
    plan = [(width, 5, 2), (width, 3, 1), (2 * width, 3, 2), (2 * width, 3, 1)]
    plan += [(4 * width, 3, 2), (4 * width, 3, 2)]
    channels = 4 if config.flow else 2
    for out, kernel, stride in plan:
        layers += [
            nn.Conv2d(channels, out, kernel, stride, kernel // 2, bias=False),
            nn.BatchNorm2d(out),
            nn.ReLU(),
        ]
        channels = out
    layers += [nn.AdaptiveAvgPool2d(4), nn.Flatten()]
    layers += [nn.Linear(16 * channels, config.hidden), nn.ReLU(), nn.Linear(config.hidden, 6)]
    network = nn.Sequential(*layers)
    network.register_buffer("mean", torch.zeros(6))
    network.register_buffer("std", torch.ones(6))
    return network
