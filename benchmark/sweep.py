"""Sweep, Observation and Prediction: what was acquired, what a tracker may see, what it answers.

`benchmark.hdf5` reads and writes them.
"""

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, fields
from types import MappingProxyType
from typing import Any, ClassVar, Literal, get_args

import numpy as np

from benchmark import geometry
from benchmark.errors import UserError
from benchmark.frames import LazyFrames

SE3_TOLERANCE = 1e-5
TRUE = "true_"  # arrays of the IMU whose name begins so are not shown to trackers


@dataclass(frozen=True)
class Images:
    """The frames of one channel without poses.

    frames (N, H, W): uint8 for B-mode, float32 and linear for PA; timestamps (N,) s at mid-frame,
    rising; mm_from_pixel (4, 4) maps (column, row, 0, 1), the centre of the first pixel being
    (0, 0), to image mm (x lateral, y axial, z elevational); wavelength_nm (N,) for PA only; mask
    (H, W) bool: the field of view, None where every pixel shows tissue.
    """

    frames: np.ndarray | LazyFrames
    timestamps: np.ndarray
    mm_from_pixel: np.ndarray
    wavelength_nm: np.ndarray | None = None
    mask: np.ndarray | None = None

    @property
    def centre_mm(self) -> np.ndarray:
        """The centre (3,) of the images in image mm."""
        return geometry.image_centre(self.mm_from_pixel, self.frames.shape)

    @property
    def pixel_mm(self) -> np.ndarray:
        """The size (2,) of a pixel across and down, mm."""
        return np.linalg.norm(self.mm_from_pixel[:3, :2], axis=0)

    @property
    def nbytes(self) -> int:
        """The size of all frames in bytes."""
        return math.prod(self.frames.shape) * np.dtype(self.frames.dtype).itemsize


Axes = Literal["LPS", "RAS"]


@dataclass(frozen=True)
class World:
    """What is known of the coordinate frame that a channel's poses lead to.

    name: of the frame in its recording (such as "Reference"), empty where it has none; axes: the
    directions in the patient in which viewers show them, "LPS" (+x left, +y posterior, +z superior)
    or "RAS" (right, anterior, superior).
    """

    name: str = ""
    axes: Axes = "LPS"


@dataclass(frozen=True)
class Channel(Images):
    """The frames of one channel with their true poses `world_from_image` (N, 4, 4), image in mm.

    measured: the poses (N, 4, 4) as sensors gave them, by name (e.g. "optical"), with their noise,
    calibration error and lag. line_world_from_image (N, L, 4, 4): the true pose of each scan line,
    where a frame is not taken at one instant. world: of all these poses.
    """

    is_withheld: ClassVar[bool] = False

    world_from_image: np.ndarray = field(kw_only=True)
    measured: Mapping[str, np.ndarray] = field(default_factory=dict, kw_only=True)
    line_world_from_image: np.ndarray | None = field(default=None, kw_only=True)
    world: World = field(default=World(), kw_only=True)


@dataclass(frozen=True)
class WithheldChannel(Images):
    """The frames of one channel whose poses are kept apart; reading its poses is a UserError."""

    is_withheld: ClassVar[bool] = True
    measured: ClassVar[Mapping[str, np.ndarray]] = MappingProxyType({})
    line_world_from_image: ClassVar[np.ndarray | None] = None
    world: ClassVar[World] = World()

    @property
    def world_from_image(self) -> np.ndarray:
        """Not here: raises UserError."""
        raise UserError(
            "world_from_image: the poses of this sweep are withheld; give its answers (--answers)"
        )


@dataclass(frozen=True)
class Observation:
    """All that a tracker may see: channels without poses, the probe, the IMU if the track allows.

    imu: None, or arrays by name: `timestamps` (M,) s, `acceleration` (M, 3) m/s^2 (specific
    force) and `angular_rate` (M, 3) rad/s, both in the image frame. A UserError where the B-mode
    frames are not grey levels (N, H, W) as uint8 with one frame or more.
    """

    channels: Mapping[str, Images]
    probe: Mapping[str, Any]
    imu: Mapping[str, np.ndarray] | None = None

    def __post_init__(self) -> None:
        fault = _levels_fault(self.channels["bmode"]) if "bmode" in self.channels else None
        if fault:
            raise UserError(f"bmode.frames: {fault}")

    @property
    def bmode(self) -> Images:
        """The channel whose frames are to be tracked."""
        return self.channels["bmode"]

    def __len__(self) -> int:
        return len(self.bmode.frames)


def _levels_fault(images: Images) -> str | None:
    """Return what is wrong with frames that are not grey levels for a tracker, or None."""
    shape, kind = images.frames.shape, images.frames.dtype
    if len(shape) != 3 or 0 in shape:
        return f"expected one frame or more of shape (N, H, W), got {shape}"
    return None if kind == np.uint8 else f"expected 8-bit B-mode frames (uint8), got {kind}"


@dataclass(frozen=True)
class Sweep:
    """One acquisition with its ground truth.

    channels: by name (`bmode`, `pa`, `doppler`); landmarks (L, 3): frame index (0-based), x_px,
    y_px; probe: its description; factors: subject, profile, severity, seed, spec hash and the
    like; imu: see `Observation`, and beside its arrays `true_acceleration` and
    `true_angular_rate` without noise, which no tracker sees.
    """

    name: str
    channels: Mapping[str, Channel | WithheldChannel]
    landmarks: np.ndarray = field(default_factory=lambda: np.zeros((0, 3)))
    probe: Mapping[str, Any] = field(default_factory=dict)
    factors: Mapping[str, Any] = field(default_factory=dict)
    imu: Mapping[str, np.ndarray] | None = None

    @property
    def bmode(self) -> Channel | WithheldChannel:
        """The B-mode channel, whose poses are the ground truth of tracking."""
        return self.channels["bmode"]

    @property
    def first_from_frame(self) -> np.ndarray:
        """True poses (N, 4, 4) of the B-mode frames in the first one's image frame (mm)."""
        return geometry.anchor(self.bmode.world_from_image)

    @property
    def prev_from_frame(self) -> np.ndarray:
        """True steps (N-1, 4, 4) between neighbouring B-mode frames (mm)."""
        return geometry.relative(self.bmode.world_from_image)

    def __len__(self) -> int:
        return len(self.bmode.frames)

    def observe(self, reads: Collection[str] = ("bmode",)) -> Observation:
        """Return what a tracker may see: no pose, landmark or factor, and only what it `reads`.

        reads: names of channels, and "imu".

        Raises
        ------
        UserError : the sweep lacks one of them.
        """
        imu = self._visible_imu()
        for name in reads:
            if name not in self.channels and not (name == "imu" and imu):
                raise UserError(f"sweep '{self.name}' has no '{name}', which the tracker reads")
        channels = {name: _images(c) for name, c in self.channels.items() if name in reads}
        return Observation(channels, dict(self.probe), imu if "imu" in reads else None)

    def _visible_imu(self) -> dict[str, np.ndarray]:
        """Return the IMU's arrays without the true ones."""
        return {key: v for key, v in (self.imu or {}).items() if not key.startswith(TRUE)}

    def withhold(self, factors: Mapping[str, Any]) -> "Sweep":
        """Return the sweep without its answers: poses, landmarks and the true IMU.

        factors: those that may be known, in place of its own.
        """
        channels = {n: WithheldChannel(**vars(_images(c))) for n, c in self.channels.items()}
        imu = self._visible_imu() or None
        return Sweep(self.name, channels, probe=self.probe, factors=dict(factors), imu=imu)


def _images(channel: Images) -> Images:
    """Return the frames of a channel without poses."""
    return Images(**{field.name: getattr(channel, field.name) for field in fields(Images)})


@dataclass(frozen=True)
class Prediction:
    """A tracker's answer for the B-mode frames of one sweep.

    first_from_frame (N, 4, 4), image mm; prev_from_frame (N-1, 4, 4), derived when not given
    (where it is given, local metrics use it); sigma (N-1,) mm, the tracker's own estimate of the
    root mean square of the position error of the image centre in each step, or None;
    position_sigma (N,) mm, that of the image centre's position in the first frame, 0 there, or
    None. Errors that are alike in all steps add up faster than the squares of sigma.
    """

    first_from_frame: np.ndarray
    prev_from_frame: np.ndarray = None  # type: ignore[assignment]
    sigma: np.ndarray | None = None
    position_sigma: np.ndarray | None = None

    def __post_init__(self) -> None:
        poses = np.asarray(self.first_from_frame, float)
        object.__setattr__(self, "first_from_frame", poses)
        fault = prediction_fault(poses, self.prev_from_frame, self.sigma)
        fault = fault or position_sigma_fault(self.position_sigma, len(poses))
        if fault:
            raise UserError(f"prediction: {fault}")
        steps = self.prev_from_frame
        steps = geometry.relative(poses) if steps is None else np.asarray(steps, float)
        object.__setattr__(self, "prev_from_frame", steps)

    @classmethod
    def from_steps(
        cls,
        prev_from_frame: np.ndarray,
        sigma: np.ndarray | None = None,
        position_sigma: np.ndarray | None = None,
    ) -> "Prediction":
        """Return the prediction of N-1 steps (N-1, 4, 4), chained from the first frame on."""
        steps = np.asarray(prev_from_frame, float)
        return cls(geometry.chain(steps), steps, sigma, position_sigma)

    @property
    def end_sigma(self) -> float | None:
        """The tracker's sigma of the end, mm: of the last position, else of independent steps."""
        if self.position_sigma is not None:
            return float(self.position_sigma[-1])
        return None if self.sigma is None else float(np.sqrt((self.sigma**2).sum()))


def prediction_fault(
    first_from_frame: np.ndarray,
    prev_from_frame: np.ndarray | None = None,
    sigma: np.ndarray | None = None,
    frames: int | None = None,
) -> str | None:
    """Return the first thing wrong with a prediction's arrays, or None.

    frames: the number of frames it must cover, where known.
    """
    count = first_from_frame.shape[0] if first_from_frame.ndim else 0
    if first_from_frame.ndim != 3 or first_from_frame.shape[1:] != (4, 4):
        return f"first_from_frame: expected shape (N, 4, 4), got {first_from_frame.shape}"
    if frames is not None and count != frames:
        return f"first_from_frame: expected {frames} poses, one per frame, got {count}"
    if count == 0:
        return "first_from_frame: holds no pose"
    for key, poses in (
        ("first_from_frame", first_from_frame),
        ("prev_from_frame", prev_from_frame),
    ):
        if poses is None:
            continue
        if key == "prev_from_frame" and poses.shape != (count - 1, 4, 4):
            return f"{key}: expected shape {(count - 1, 4, 4)}, got {poses.shape}"
        fault = geometry.se3_fault(poses, SE3_TOLERANCE)
        if fault:
            return f"{key}: {fault}"
    if np.abs(first_from_frame[0] - np.eye(4)).max() > SE3_TOLERANCE:
        return "first_from_frame: the first pose is not the identity"
    if sigma is not None and (np.shape(sigma) != (count - 1,) or not np.isfinite(sigma).all()):
        return f"sigma: expected {count - 1} finite values in mm, got shape {np.shape(sigma)}"
    return None


def position_sigma_fault(sigma: np.ndarray | None, frames: int) -> str | None:
    """Return what is wrong with the sigma of positions, one per frame, or None."""
    if sigma is None or (np.shape(sigma) == (frames,) and np.isfinite(sigma).all()):
        return None
    return f"position_sigma: expected {frames} finite values in mm, got shape {np.shape(sigma)}"


def channel_fault(channel: Channel | WithheldChannel) -> str | None:
    """Return the first thing wrong with a channel, beginning with the key, or None."""
    shape = channel.frames.shape
    if len(shape) != 3 or shape[0] == 0:
        return f"frames: expected shape (N, H, W) with N > 0, got {shape}"
    if channel.timestamps.shape != shape[:1] or not np.isfinite(channel.timestamps).all():
        return (
            f"timestamps: expected {shape[0]} finite values, got shape {channel.timestamps.shape}"
        )
    if (np.diff(channel.timestamps) <= 0).any():
        return "timestamps: do not rise"
    poses = {f"measured/{name}": values for name, values in channel.measured.items()}
    if not channel.is_withheld:
        poses = {"world_from_image": channel.world_from_image, **poses}
    lines = channel.line_world_from_image
    if lines is not None:
        if lines.ndim != 4 or lines.shape[0] != shape[0]:
            return f"line_world_from_image: expected ({shape[0]}, L, 4, 4), got {lines.shape}"
        fault = geometry.se3_fault(lines, SE3_TOLERANCE)
        if fault:
            return f"line_world_from_image: {fault}"
    for key, values in poses.items():
        if values.shape != (shape[0], 4, 4):
            return f"{key}: expected shape {(shape[0], 4, 4)}, got {values.shape}"
        fault = geometry.se3_fault(values, SE3_TOLERANCE)
        if fault:
            return f"{key}: {fault}"
    if channel.world.axes not in get_args(Axes):
        return f"world_axes: expected LPS or RAS, got '{channel.world.axes}'"
    if channel.mm_from_pixel.shape != (4, 4) or not np.isfinite(channel.mm_from_pixel).all():
        return "mm_from_pixel: expected a finite (4, 4) matrix"
    return None if channel.mask is None else _mask_fault(channel.mask, shape[1:])


def _mask_fault(mask: np.ndarray, shape: tuple[int, ...]) -> str | None:
    if mask.shape != shape or mask.dtype != bool:
        return f"mask: expected shape {shape} of bool, got {mask.shape} of {mask.dtype}"
    return None if mask.any() else "mask: expected tissue somewhere, got none"


def poses_at(images: Images, tracked: Images, world_from_tracked: np.ndarray) -> np.ndarray:
    """Return poses (M, 4, 4) of the frames of one channel from those (N, 4, 4) of another.

    PA and Doppler frames have their own times; their poses lie on the geodesics between those
    of the tracked B-mode frames.
    """
    return geometry.interpolate(
        np.asarray(tracked.timestamps, float),
        np.asarray(world_from_tracked, float),
        np.asarray(images.timestamps, float),
    )


def centre_path(images: Images, a_from_image: np.ndarray) -> np.ndarray:
    """Return the positions (N, 3) mm of the image centre in frame a, of poses (N, 4, 4)."""
    centre = images.centre_mm
    return geometry.apply(a_from_image, centre[None])[:, 0]


def end_error_mm(images: Images, true: np.ndarray, predicted: np.ndarray) -> float:
    """Return the distance (mm) of the last image centre from its true position.

    true, predicted: poses (N, 4, 4), each in a world of its own; their first frames are aligned.
    """
    ends = [centre_path(images, geometry.anchor(poses))[-1] for poses in (true, predicted)]
    return float(np.linalg.norm(ends[1] - ends[0]))
