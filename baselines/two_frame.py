"""Two-frame CNN (Prevost et al.): a small network estimates the motion between two frames."""

import hashlib
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import torch
from torch import Tensor, nn

from baselines.parts.learned import LearnedConfig, MotionTracker, centre_motion_of, frames_on
from benchmark.sweep import Images

PAIRS_AT_ONCE = 32
FLOW_RADIUS_PX, FLOW_WARPS = 5, 3  # more warps change nothing at steps of a pixel, and take time
REMEMBERED_FLOW_BYTES = 2**29


@dataclass(frozen=True)
class TwoFrameConfig(LearnedConfig):
    """Configuration of `two-frame-cnn`.

    width: channels of the first layer; hidden: units of the hidden layer; flow: whether dense
    optical flow is given beside the frames.
    """

    width: int = 16
    hidden: int = 512
    flow: bool = False
    learning_rate: float = 1e-3


@dataclass(frozen=True)
class TwoFrameFlowConfig(TwoFrameConfig):
    """Configuration of `two-frame-flow`: dense optical flow beside the frames."""

    flow: bool = True
    learning_rate: float = 3e-3


class TwoFrameCnn(MotionTracker):
    """A small CNN estimates the step between two consecutive frames.

    Source: Prevost et al., MICCAI 2017 and Medical Image Analysis 48 (2018). As published: two
    frames, optionally with the two channels of their dense optical flow; a few strided convolutions
    and pooling; a hidden layer of 512 into 6; squared error; no memory between pairs.
    What differs, and why: batch normalisation after each convolution, without which such a network
    predicts the mean at this budget; frames standardised locally, without which it learns the
    anatomy of a small training set by heart; the six outputs are the motion of
    the image centre (mm) and the rotation vector, each over its standard deviation in the training
    split, instead of millimetres beside degrees of Euler angles; average pooling to 4 x 4 before
    the hidden layer, so that any image size fits; flow by iterative Lucas-Kanade (scikit-image)
    instead of Farnebäck's; pairs are mirrored left to right at random; a running mean of the
    weights is kept and the mean error over the training sweeps subtracted. Extra pairs at wider
    gaps, as published, only cost updates here and are left out. Published layer widths are
    not known. No IMU, no pretrained weights.
    """

    name = "two-frame-cnn"
    Config = TwoFrameConfig
    window = 2

    def __init__(self, config=None):
        super().__init__(config)
        self._flows = FlowMemory()

    def build(self) -> nn.Module:
        return pair_network(self.config)

    def loss(self, frames: Tensor, prev_from_frame: Tensor, mm_from_pixel: Tensor) -> Tensor:
        """Return the mean squared error of the standardised motion."""
        network = self.module()
        truth = centre_motion_of(frames, prev_from_frame, mm_from_pixel)
        target = (truth - network.mean) / network.std
        answer = network(self._input(frames, self._flows)).reshape(target.shape)
        return ((answer - target) ** 2).mean()

    def motion(self, images: Images, device: torch.device) -> np.ndarray:
        found, count, no_memory = [], len(images.frames), FlowMemory(0)
        for start in range(0, count - 1, PAIRS_AT_ONCE):
            frames = frames_on(images, start, start + PAIRS_AT_ONCE + 1, device)[None]
            found.append(self.scaled_back(self.module()(self._input(frames, no_memory))))
        return np.concatenate(found)

    def _input(self, frames: Tensor, flows: "FlowMemory") -> Tensor:
        """Return all pairs (B * (W-1), 2 or 4, H, W) of windows (B, W, H, W), frames in [0, 1]."""
        seen = self.seen(frames)
        channels = [seen[:, :-1], seen[:, 1:]]
        if self.config.flow:
            flow = torch.from_numpy(flows.of(frames.detach().cpu().numpy())).to(frames.device)
            channels += [flow[:, :, 0], flow[:, :, 1]]
        return torch.stack(channels, 2).flatten(0, 1)


class TwoFrameFlow(TwoFrameCnn):
    """A small CNN estimates the step from two consecutive frames and their dense optical flow.

    As `two-frame-cnn`, whose card holds here too, with the published two flow channels beside the
    frames. Flow is computed once per pair of training frames and kept; its operations are not
    counted in the budget, its time is part of the seconds.
    """

    name = "two-frame-flow"
    Config = TwoFrameFlowConfig


class FlowMemory:
    """Flow of frame pairs, computed once and kept while it fits into `limit` bytes (float16)."""

    def __init__(self, limit: int = REMEMBERED_FLOW_BYTES):
        self._limit, self._bytes = limit, 0
        self._known: dict[bytes, np.ndarray] = {}

    def of(self, frames: np.ndarray) -> np.ndarray:
        """Return the flow (B, W-1, 2, H, W) float32 of windows (B, W, H, W); see `dense_flow`."""
        return np.stack([[self._of_pair(*pair) for pair in pairwise(window)] for window in frames])

    def _of_pair(self, one: np.ndarray, other: np.ndarray) -> np.ndarray:
        if not self._limit:
            return dense_flow(one, other)
        key = hashlib.blake2b(one.tobytes() + other.tobytes(), digest_size=16).digest()
        if key not in self._known:
            flow = dense_flow(one, other).astype(np.float16)
            if self._bytes + flow.nbytes > self._limit:
                return flow.astype(np.float32)
            self._known[key], self._bytes = flow, self._bytes + flow.nbytes
        return self._known[key].astype(np.float32)


def dense_flow(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Return the optical flow (2, H, W) in px (row, column) from a frame to the next (H, W)."""
    from skimage.registration import optical_flow_ilk

    flow = optical_flow_ilk(
        one, other, radius=FLOW_RADIUS_PX, num_warp=FLOW_WARPS, dtype=np.float32
    )
    return np.stack(flow) if isinstance(flow, tuple) else flow


def pair_network(config: TwoFrameConfig) -> nn.Module:
    """Return the network: pairs (B, 2 or 4, H, W) to standardised motion (B, 6)."""
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
    return nn.Sequential(*layers)
