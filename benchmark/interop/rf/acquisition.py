"""How channel data were recorded, and when the sound of each transmit reaches a pixel.

Places are in image mm: x lateral, y axial (depth), z elevational; the array's face is at y = 0.
"""

from dataclasses import dataclass

import numpy as np

ROWS_AT_ONCE = 8  # of a plane's pixels, for which distances to all elements are held


@dataclass(frozen=True)
class Transmits:
    """The waves that a probe sent, T of them.

    fire_s (T, E): the time at which each element fires, NaN where it is silent; focus_mm (T,):
    distance of the focus from the origin along the beam, infinite for a plane wave, negative where
    the wave diverges from a point behind the array; origin_mm (T, 3); angle_rad (T,): of the beam
    to the axis y, towards x.
    """

    fire_s: np.ndarray
    focus_mm: np.ndarray
    origin_mm: np.ndarray
    angle_rad: np.ndarray

    @property
    def focused(self) -> np.ndarray:
        """Which of the waves (T,) converge to a point before the array."""
        return np.isfinite(self.focus_mm) & (self.focus_mm > 0)

    @property
    def focus_place_mm(self) -> np.ndarray:
        """The points (T, 2) of the foci in the plane, x and y; not finite for plane waves."""
        direction = np.stack([np.sin(self.angle_rad), np.cos(self.angle_rad)], -1)
        return self.origin_mm[:, :2] + self.focus_mm[:, None] * direction


@dataclass(frozen=True)
class Acquisition:
    """What a beamformer must know of channel data.

    element_mm (E, 3); sampling_hz; carrier_hz: the frequency of the pulse, about which IQ data are
    demodulated with phase zero at the first sample; is_iq; start_s (T,): time of the first sample
    less that of the pulse's peak, which counts from when the first element fires, or, for sound
    that tissue sends, from the laser; lens_s: by how much the probe's lens delays sound, one way;
    transmits: None where tissue sends the sound (photoacoustics), and then T = 1.
    """

    element_mm: np.ndarray
    sampling_hz: float
    carrier_hz: float
    sound_speed_m_s: float
    start_s: np.ndarray
    is_iq: bool = False
    lens_s: float = 0.0
    transmits: Transmits | None = None

    @property
    def mm_per_s(self) -> float:
        """The speed of sound in mm/s."""
        return 1e3 * self.sound_speed_m_s

    @property
    def wavelength_mm(self) -> float:
        """The wavelength at the carrier."""
        return self.mm_per_s / self.carrier_hz

    @property
    def pitch_mm(self) -> float:
        """The median distance of neighbouring elements; 0 for a single one."""
        steps = np.linalg.norm(np.diff(self.element_mm, axis=0), axis=1)
        return float(np.median(steps)) if len(steps) else 0.0


def arrivals(
    acquisition: Acquisition, lateral_mm: np.ndarray, depth_mm: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return when each transmit's pulse is heard from each pixel, less the way back, and weights.

    By Huygens' principle the wave is the envelope of the elements' waves: it arrives with the first
    of them, and beyond a focus with the last (Rindal et al., IEEE IUS 2018). It weighs where it
    is heard, see `_lit`.

    Returns
    -------
    arrival_s (H, W, T) from the first sample on, float64; weight (H, W, T) float32.
    """
    shape = (len(depth_mm), len(lateral_mm), len(acquisition.start_s))
    arrival = np.zeros(shape)
    weight = np.ones(shape, np.float32)
    transmits = acquisition.transmits
    if transmits is not None:
        for first in range(0, len(depth_mm), ROWS_AT_ONCE):
            rows = slice(first, first + ROWS_AT_ONCE)
            arrival[rows] = _wave_times(acquisition, transmits, lateral_mm, depth_mm[rows])
        for index in range(shape[2]):
            weight[..., index] = _lit(acquisition, transmits, index, lateral_mm, depth_mm)
        arrival += acquisition.lens_s
    return arrival + acquisition.lens_s - acquisition.start_s, weight


def _wave_times(
    acquisition: Acquisition, transmits: Transmits, lateral_mm: np.ndarray, depth_mm: np.ndarray
) -> np.ndarray:
    """Return when each wave passes each pixel (h, W, T), s after the first element fires."""
    place = np.stack(np.broadcast_arrays(lateral_mm, depth_mm[:, None], 0.0), -1)
    path = np.linalg.norm(place[:, :, None] - acquisition.element_mm, axis=-1)
    travel = path / acquisition.mm_per_s
    times = np.empty((*place.shape[:2], len(transmits.fire_s)))
    for index, fire in enumerate(transmits.fire_s):
        sends = np.isfinite(fire)
        total = travel[..., sends] + fire[sends]
        times[..., index] = total.min(-1)
        if transmits.focused[index]:
            angle = transmits.angle_rad[index]
            beyond = (place[..., :2] - transmits.focus_place_mm[index]) @ [
                np.sin(angle),
                np.cos(angle),
            ] > 0
            times[..., index] = np.where(beyond, total.max(-1), times[..., index])
    return times


def _lit(
    acquisition: Acquisition,
    transmits: Transmits,
    index: int,
    lateral_mm: np.ndarray,
    depth_mm: np.ndarray,
) -> np.ndarray:
    """Return by how much (H, W) the pixels lie in a transmit's beam, 0 to 1.

    The beam is between the rays that leave the outermost firing elements at right angles to the
    wave, whose slope is that of the delays. Plane and diverging waves weigh 1 there and fall to 0
    over the breadth of their diffraction, the larger of sqrt(wavelength × depth) and wavelength ×
    depth / aperture. A focused wave weighs as a Hann window over its beam, which is at least as
    wide as wavelength × depth / aperture. The wave of a single element is heard everywhere.
    """
    sends = np.flatnonzero(np.isfinite(transmits.fire_s[index]))
    sends = sends[np.argsort(acquisition.element_mm[sends, 0])]
    if len(sends) < 2:
        return np.ones((len(depth_mm), len(lateral_mm)))
    place, fire = acquisition.element_mm[sends, 0], transmits.fire_s[index, sends]
    slope = np.gradient(fire, place, edge_order=2 if len(sends) > 2 else 1)[[0, -1]]
    sine = np.clip(acquisition.mm_per_s * slope, -0.9, 0.9)
    rays = place[[0, -1]] + depth_mm[:, None] * np.tan(np.arcsin(sine))
    middle, half = rays.mean(1, keepdims=True), 0.5 * np.abs(np.ptp(rays, axis=1))[:, None]
    aside = np.abs(lateral_mm - middle)
    spread = acquisition.wavelength_mm * depth_mm[:, None] / (place[-1] - place[0])
    if transmits.focused[index]:
        beyond = aside / np.maximum(np.maximum(half, spread), acquisition.pitch_mm)
    else:
        fresnel = np.sqrt(acquisition.wavelength_mm * depth_mm[:, None])
        soft = np.maximum(np.maximum(spread, fresnel), acquisition.pitch_mm)
        beyond = np.maximum(aside - half, 0) / soft
    return np.where(beyond < 1, np.cos(0.5 * np.pi * np.minimum(beyond, 1)) ** 2, 0)
