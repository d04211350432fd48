"""One trajectory of the probe over the skin: a smooth function of time from a plain record."""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from benchmark.geometry import compose, multiply, norm, rotation_from_vector
from simulate.elementary import exp, tanh
from simulate.harmonics import Harmonics

# (x (N,), z (N,)) mm -> skin's y (N,) mm and unit normal (N, 3) into the body, both world.
Surface = Callable[[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]


@dataclass(frozen=True)
class Pace:
    """The speed along the path over `duration_s`.

    Speed is proportional to exp(log_speed(t)). It dips to zero at each of `stops` (s) and changes
    sign smoothly at each of `turns` (s) and at both ends of each of `backups` (from s, to s).
    Stops and backups do not change the end of the path.
    """

    duration_s: float
    log_speed: Harmonics
    stops: tuple[float, ...] = ()
    turns: tuple[float, ...] = ()
    backups: tuple[tuple[float, float], ...] = ()

    def progress(self, t: np.ndarray) -> np.ndarray:
        """Return the signed share (N,) of the path covered at times (N,) s.

        The whole path is 1; with `turns` it is the distance travelled, there and back. The speed is
        integrated by Simpson's rule on a fine grid. A cubic between its nodes, with the speed as
        slope, is exact to about 1e-8.
        """
        steps = 4 * max(64, int(np.ceil(self.duration_s * 100)))
        grid = np.linspace(0.0, self.duration_s, 2 * steps + 1)
        speed = self._speed(grid)
        width = grid[2] - grid[0]
        total = np.abs(speed[:-1] + speed[1:]).sum() * width / 4
        pieces = (speed[:-2:2] + 4 * speed[1::2] + speed[2::2]) * width / 6
        distance = np.concatenate([[0.0], np.cumsum(pieces)])
        scale = distance[-1] if not self.turns else total
        curve = _cubic(grid[::2], distance / scale, speed[::2] / scale)
        return curve(t)

    def _speed(self, t: np.ndarray) -> np.ndarray:
        speed = exp(self.log_speed(t))
        for stop in self.stops:  # a standstill of about 0.3 s with smooth ends
            speed = speed * (1.0 - exp(-np.square(np.square((t - stop) / 0.3))))
        for turn in self.turns:
            speed = speed * tanh((turn - t) / 0.15)
        for start, end in self.backups:
            speed = speed * tanh((start - t) / 0.1) * tanh((end - t) / 0.1)
        return speed


@dataclass(frozen=True)
class Jerk:
    """A twitch of the hand at `time_s`: a Gaussian, 0.25 s wide at half its height.

    size: across, along and axial in mm, then tilt, yaw and roll in rad.
    """

    time_s: float
    size: tuple[float, ...]

    def __call__(self, t: np.ndarray) -> np.ndarray:
        """Return the displacement (N, 6) at times (N,) s."""
        return exp(-np.square((t - self.time_s) / 0.15))[:, None] * np.asarray(self.size)


@dataclass(frozen=True)
class Trajectory:
    """Everything drawn for one trajectory.

    length_mm: along the skin; start_mm: (x, z); heading at share q of the path:
    `bend_rad (q - 1/2) + coil_rad q^2 + wave_rad sin(2 pi waves q) + wander(q)`; follow: share of
    the heading by which the probe turns; azimuth_rad: direction of the elevational axis against the
    path (0: perpendicular image plane, -pi/2: parallel); swing_rad: rotation vector (tilt, yaw,
    roll) swept over the path, symmetric about its middle; backwards: whether the path is travelled
    from its end; gel_mm: thickness of the gel between face and skin; nod_rad: tilt over the share
    of the path; across_mm, axial_mm, rotation_rad (tilt, yaw, roll): wobble over time; tremor: none
    or six, across, along and axial in mm, then tilt, yaw, roll; jerks: twitches in the same six.
    """

    pace: Pace
    length_mm: float
    start_mm: tuple[float, float] = (0.0, 0.0)
    bend_rad: float = 0.0
    wave_rad: float = 0.0
    waves: int = 1
    coil_rad: float = 0.0
    wander: Harmonics = field(default_factory=Harmonics)
    follow: float = 0.0
    azimuth_rad: float = 0.0
    swing_rad: tuple[float, float, float] = (0.0, 0.0, 0.0)
    backwards: bool = False
    gel_mm: float = 0.0
    across_mm: Harmonics = field(default_factory=Harmonics)
    axial_mm: Harmonics = field(default_factory=Harmonics)
    rotation_rad: tuple[Harmonics, Harmonics, Harmonics] = (Harmonics(),) * 3
    tremor: tuple[Harmonics, ...] = ()
    nod_rad: Harmonics = field(default_factory=Harmonics)
    jerks: tuple[Jerk, ...] = ()

    def heading(self, q: np.ndarray) -> np.ndarray:
        """Return the direction of travel (N,) rad off the z axis, towards x, at shares (N,)."""
        turning = self.bend_rad * (q - 0.5) + self.coil_rad * q**2
        return turning + self.wave_rad * np.sin(2 * np.pi * self.waves * q) + self.wander(q)

    def ground(self, q: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the undisturbed path (x (N,), z (N,)) mm at shares (N,) of its length.

        The integral of (sin, cos) of the heading, by Simpson's rule on a fine grid.
        """
        nodes = np.linspace(0.0, 1.0, 801)
        heading = self.heading(nodes)
        width = self.length_mm * (nodes[2] - nodes[0])
        places = []
        for slope, origin in zip((np.sin(heading), np.cos(heading)), self.start_mm, strict=True):
            pieces = (slope[:-2:2] + 4 * slope[1::2] + slope[2::2]) * width / 6
            values = origin + np.concatenate([[0.0], np.cumsum(pieces)])
            curve = _cubic(nodes[::2], values, slope[::2] * self.length_mm)
            places.append(curve(q))
        return places[0], places[1]


def follow_skin(t: np.ndarray, trajectory: Trajectory, surface: Surface) -> np.ndarray:
    """Return world_from_image (N, 4, 4) at times (N,) s of a probe that rests on the skin.

    The centre of the probe's face lies on the skin, apart from the gel and the axial wobble. Its y
    axis is the inward normal, apart from swing and wobble, which turn the probe about that centre.
    """
    t = np.asarray(t, float)
    share = trajectory.pace.progress(t)
    share = 1.0 - share if trajectory.backwards else share
    tremor = [wave(t) for wave in trajectory.tremor] or [np.zeros_like(t)] * 6
    for jerk in trajectory.jerks:
        tremor = [shake + twitch for shake, twitch in zip(tremor, jerk(t).T, strict=True)]
    x, z = trajectory.ground(share)
    heading = trajectory.heading(share)
    across = trajectory.across_mm(t) + tremor[0]
    x = x + across * np.cos(heading) + tremor[1] * np.sin(heading)
    z = z - across * np.sin(heading) + tremor[1] * np.cos(heading)
    y, normal = surface(x, z)
    base = _upright(normal, trajectory.follow * heading + trajectory.azimuth_rad)
    wobble = np.stack(
        [wave(t) + shake for wave, shake in zip(trajectory.rotation_rad, tremor[3:], strict=True)],
        -1,
    )
    swing = (share - 0.5)[:, None] * np.asarray(trajectory.swing_rad)
    swing[:, 0] += trajectory.nod_rad(share)
    pressed = trajectory.axial_mm(t) + tremor[2] - trajectory.gel_mm
    contact = np.stack([x, y, z], -1) + pressed[:, None] * normal
    return compose(multiply(base, rotation_from_vector(swing + wobble)), contact)


def _cubic(
    nodes: np.ndarray, values: np.ndarray, slopes: np.ndarray
) -> Callable[[np.ndarray], np.ndarray]:
    """Return the piecewise cubic through values (K,) with slopes (K,) at nodes (K,)."""
    from scipy.interpolate import CubicHermiteSpline

    return CubicHermiteSpline(nodes, values, slopes)


def _upright(normal: np.ndarray, azimuth: np.ndarray) -> np.ndarray:
    """Return rotations (N, 3, 3) with y along `normal` (N, 3) and z closest to `azimuth` (N,)."""
    forward = np.stack([np.sin(azimuth), np.zeros_like(azimuth), np.cos(azimuth)], -1)
    elevation = forward - (forward * normal).sum(-1, keepdims=True) * normal
    elevation /= norm(elevation)[..., None]
    return np.stack([np.cross(normal, elevation), normal, elevation], -1)
