"""Channel data of point scatterers by exact delays, independent of the beamformer under test."""

import numpy as np

from benchmark.interop.rf.acquisition import Acquisition, Transmits

SOUND_SPEED, CARRIER_HZ, SAMPLING_HZ = 1540.0, 7.5e6, 31.25e6
MM_PER_S = 1e3 * SOUND_SPEED
WAVELENGTH_MM = MM_PER_S / CARRIER_HZ
CYCLES = 1.5  # standard deviation of the pulse's envelope, periods


def linear_array(elements: int = 64, pitch_mm: float = 0.2) -> np.ndarray:
    """Return places (E, 3), image mm, of a linear array."""
    lateral = pitch_mm * (np.arange(elements) - 0.5 * (elements - 1))
    return np.stack([lateral, 0 * lateral, 0 * lateral], -1)


def plane_waves(element_mm: np.ndarray, angles_rad: np.ndarray) -> Transmits:
    """Return plane waves of given angles; the first element fires at 0."""
    ahead = element_mm[:, 0] * np.sin(np.asarray(angles_rad, float))[:, None] / MM_PER_S
    count = len(angles_rad)
    return Transmits(
        ahead - ahead.min(1, keepdims=True),
        np.full(count, np.inf),
        np.zeros((count, 3)),
        np.asarray(angles_rad, float),
    )


def acquisition_of(
    element_mm: np.ndarray, transmits: Transmits | None, start_s: float = 2e-6, **changes
) -> Acquisition:
    """Return how the channel data below were recorded, all transmits starting at one time."""
    count = 1 if transmits is None else len(transmits.fire_s)
    values = {"start_s": np.full(count, start_s), "transmits": transmits, **changes}
    return Acquisition(element_mm, SAMPLING_HZ, CARRIER_HZ, SOUND_SPEED, **values)


def plane_wave_times(acquisition: Acquisition, place_mm: np.ndarray) -> np.ndarray:
    """Return when plane waves (T,) reach a place (3,), by the closed form: a projection."""
    transmits = acquisition.transmits
    sine = np.sin(transmits.angle_rad)
    at_origin = -(acquisition.element_mm[:, 0] * sine[:, None]).min(1)
    along = place_mm[0] * sine + place_mm[1] * np.cos(transmits.angle_rad)
    return (at_origin + along) / MM_PER_S


def heard(
    acquisition: Acquisition, place_mm: np.ndarray, arrival_s: np.ndarray, samples: int
) -> np.ndarray:
    """Return RF (E, T, S) of one point whose waves arrive at the times (T,)."""
    back = np.linalg.norm(acquisition.element_mm - place_mm, axis=1) / MM_PER_S
    when = np.arange(samples) / SAMPLING_HZ + acquisition.start_s[:, None]
    late = when - (arrival_s[:, None] + back[:, None, None])
    envelope = np.exp(-0.5 * (late * CARRIER_HZ / CYCLES) ** 2)
    return (envelope * np.cos(2 * np.pi * CARRIER_HZ * late)).astype(np.float32)


def width_at_half(positions: np.ndarray, values: np.ndarray) -> float:
    """Return the full width at half maximum of one peak, by linear interpolation."""
    peak = int(np.argmax(values))
    half = 0.5 * values[peak]
    left = np.flatnonzero(values[:peak] < half)[-1]
    right = peak + np.flatnonzero(values[peak:] < half)[0]
    low = np.interp(half, values[left : left + 2], positions[left : left + 2])
    high = np.interp(half, values[right : right - 2 : -1], positions[right : right - 2 : -1])
    return float(high - low)
