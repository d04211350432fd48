"""The pulse-echo field of an array by Rayleigh's integral; shares nothing with `simulate`.

Each element is a rectangle, pitch × height, whose field is the sum over its area of exp(jkr) / r
(Lord Rayleigh, Theory of Sound, § 278), with exact distances. The lens is thin: a delay over the
height that brings sound of its focus into phase. Elements of the transmit aperture are delayed for
the one transmit focus, those of the receive aperture for the sample (dynamic focus); both apertures
end where the array ends. The echo of a point in the sample (line, depth) is, after beamforming,

    h = Σ_f S(f) T(f) R(f),    T, R = Σ over elements and height of exp(jk (r - delays)) / r.

The spectrum of the echo of a point in the middle of the image, at the sample's depth, is taken for
the Gaussian of the probe: S is that Gaussian over |T R| there. With S the same at all depths
(`Face.given_at_foci`) diffraction favours low frequencies where the beam is out of focus, and
speckle is up to a quarter wider for a bandwidth of 60 %.

Speckle of a sample is the sum of h over many scatterers, so that samples of two frames correlate in
intensity as |∫ h(p) h*(p')dp|² / (∫ |h|² dp)², p and p' the same scatterer seen from both poses
(R. F. Wagner et al., IEEE Trans. Sonics Ultrason. 30 (1983) 156).

Frame as in `simulate`: x along the array, y depth below the middle of the face, z elevation, mm.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import map_coordinates, spline_filter

FWHM = 2.0 * np.sqrt(2.0 * np.log(2.0))
ACROSS = 3  # Gauss nodes over the width of an element
SPECTRUM = 3.2  # standard deviations of the pulse's spectrum that are summed
LOWEST = 0.1  # lowest frequency, over the centre frequency
QUIET = 1e-3  # share of the energy that a correlation leaves out
SPLINE = 5  # degree of the interpolation of a sampled response

Floats = NDArray[np.float64]
Complex = NDArray[np.complex128]


@dataclass(frozen=True)
class Face:
    """The numbers of an array; `radius_mm` 0 for a linear one.

    `sigma_frequency_hz`: standard deviation of the Gaussian pulse-echo amplitude spectrum, which is
    that of an echo from the middle at the sample's depth, or with `given_at_foci` from the foci.
    """

    elements: int
    pitch_mm: float
    height_mm: float
    lens_mm: float
    transmit_focus_mm: float
    transmit_f_number: float
    f_number: float
    frequency_hz: float
    sigma_frequency_hz: float
    sound_speed_m_s: float = 1540.0
    radius_mm: float = 0.0
    given_at_foci: bool = False

    @property
    def length_mm(self) -> float:
        return self.elements * self.pitch_mm

    @property
    def wavenumber(self) -> float:
        """2 pi / wavelength at the centre frequency, 1/mm."""
        return 2e-3 * np.pi * self.frequency_hz / self.sound_speed_m_s

    @property
    def sigma_axial_mm(self) -> float:
        return 1e3 * self.sound_speed_m_s / (4.0 * np.pi * self.sigma_frequency_hz)

    def transmit_aperture_mm(self) -> float:
        return min(self.transmit_focus_mm / self.transmit_f_number, self.length_mm)

    def receive_aperture_mm(self, depth_mm: float) -> float:
        return min(depth_mm / self.f_number, self.length_mm)

    def at(self, along_mm: Any, range_mm: Any) -> tuple[Floats, Floats]:
        """Return x, y of points a range below the place `along_mm` of the face (arc length)."""
        along, deep = np.broadcast_arrays(np.asarray(along_mm, float), range_mm)
        if not self.radius_mm:
            return along, deep
        angle, radius = along / self.radius_mm, self.radius_mm + deep
        return radius * np.sin(angle), radius * np.cos(angle) - self.radius_mm


def face_of(probe: Any) -> Face:
    """Return the numbers of anything with the fields of a `probe` table."""
    return Face(
        probe.elements, probe.pitch_mm, probe.element_height_mm, probe.elevation_focus_mm,
        probe.transmit_focus_mm, probe.transmit_f_number, probe.f_number,
        probe.centre_frequency_hz,
        probe.fractional_bandwidth * probe.centre_frequency_hz / FWHM,
        probe.sound_speed_m_s, probe.radius_mm,
    )  # fmt: skip


# ---- the sum over the array


def _aperture(face: Face, line_mm: float, length_mm: float) -> tuple[Floats, Floats, Floats]:
    """Return places (E ACROSS,) on the face, weights and the centres of their elements.

    An element at the aperture's edge counts by the share of it that lies inside.
    """
    centre = (np.arange(face.elements) - 0.5 * (face.elements - 1)) * face.pitch_mm
    half = 0.5 * face.pitch_mm
    inside = np.minimum(centre + half, line_mm + 0.5 * length_mm)
    inside = inside - np.maximum(centre - half, line_mm - 0.5 * length_mm)
    share = np.clip(inside / face.pitch_mm, 0.0, 1.0)
    used = share > 1e-9
    node, weight = np.polynomial.legendre.leggauss(ACROSS)
    place = centre[used, None] + half * node
    weights = share[used, None] * weight / 2.0
    centres = np.broadcast_to(centre[used, None], place.shape)
    return place.ravel(), weights.ravel(), centres.ravel()


def _ways(face: Face, line_mm: float, depth_mm: float) -> list[tuple[Floats, Floats, Floats]]:
    """Return for transmission and reception the places (E, 2), weights (E,) and delays (E,) mm."""
    ways = []
    focus, sample = face.transmit_focus_mm, depth_mm
    for length, target, early in (
        (face.transmit_aperture_mm(), focus, focus - sample),
        (face.receive_aperture_mm(depth_mm), sample, 0.0),
    ):
        place, weight, centre = _aperture(face, line_mm, length)
        x, y = face.at(line_mm, target)
        element = face.at(centre, 0.0)
        delay = np.hypot(element[0] - x, element[1] - y) - early
        ways.append((np.stack(face.at(place, 0.0), axis=1), weight, delay))
    return ways


def _height(face: Face, nodes: int) -> tuple[Floats, Floats, Floats]:
    """Return nodes over an element's height, weights, and the delays of the lens, mm."""
    node, weight = np.polynomial.legendre.leggauss(nodes)
    place = 0.5 * face.height_mm * node
    return place, 0.5 * weight, np.hypot(place, face.lens_mm) - face.lens_mm


def _spectrum(face: Face, range_mm: float) -> tuple[Floats, Floats]:
    """Return wavenumbers 1/mm and amplitudes of a pulse whose echoes cover a range of depths."""
    sigma = 2e-3 * np.pi * face.sigma_frequency_hz / face.sound_speed_m_s
    step = np.pi / (1.3 * range_mm + 4.0 * face.sigma_axial_mm)
    count = int(np.ceil(SPECTRUM * sigma / step))
    offset = np.arange(-count, count + 1) * SPECTRUM * sigma / count
    kept = face.wavenumber + offset > LOWEST * face.wavenumber
    amplitude = np.exp(-0.5 * (offset / sigma) ** 2)
    return face.wavenumber + offset[kept], amplitude[kept] / amplitude.sum()


def _lateness_mm(face: Face, line_mm: float, depth_mm: float) -> float:
    """Return by how much longer than geometry says the path of the pulse to the sample is, mm.

    Out of focus the edges of an aperture are farther than its middle. A sample is the place whose
    echo it is, so this group delay is taken off.
    """
    waves, amplitude = _spectrum(face, 4.0)
    x, y = face.at(line_mm, depth_mm)
    echo = _echo(face, _ways(face, line_mm, depth_mm), waves, (float(x), float(y), 0.0))
    turn = amplitude[1:] * amplitude[:-1] * echo[1:] * echo[:-1].conj()
    return float(np.angle(turn.sum()) / (waves[1] - waves[0]))


def _pulse(face: Face, line_mm: float, depth_mm: float, range_mm: float) -> tuple[Floats, Complex]:
    """Return wavenumbers and factors of T R, by which the echo in the middle is a Gaussian's."""
    waves, amplitude = _spectrum(face, range_mm)
    x, y = face.at(0.0, depth_mm)
    middle = np.abs(_echo(face, _ways(face, 0.0, depth_mm), waves, (float(x), float(y), 0.0)))
    middle = np.full(len(waves), middle.mean()) if face.given_at_foci else middle
    late = _lateness_mm(face, line_mm, depth_mm)
    return waves, amplitude / middle * np.exp(-1j * waves * late)


def _echo(face: Face, ways: Any, waves: Floats, point_mm: tuple[float, float, float]) -> Complex:
    """Return T R (F,) of one point by the whole sum."""
    x, y, z = point_mm
    z_face, z_weight, lens = _height(face, 24 + int(face.height_mm * waves.max()))
    echo = np.ones(len(waves), complex)
    for place, weight, delay in ways:
        flat = np.hypot(place[:, 0] - x, place[:, 1] - y)
        distance = np.hypot(flat[:, None], z_face - z)
        spread = weight[:, None] * z_weight / distance
        path = distance - delay[:, None] - lens
        echo *= [np.sum(spread * np.exp(1j * wave * path)) for wave in waves]
    return echo


def point_response(
    face: Face, depth_mm: float, points_mm: Floats, line_mm: float = 0.0, range_mm: float = 6.0
) -> Complex:
    """Return the response (M,) of points (M, 3) in one sample, by the whole sum; slow.

    Parameters
    ----------
    line_mm : the place of the sample's line on the face.
    range_mm : within which echoes of the points lie about the sample.
    """
    waves, amplitude = _pulse(face, line_mm, depth_mm, range_mm)
    ways = _ways(face, line_mm, depth_mm)
    points = np.asarray(points_mm, float)
    return np.array([np.sum(amplitude * _echo(face, ways, waves, tuple(p))) for p in points])


def received(face: Face, depth_mm: float, points_mm: Floats, waves: Floats) -> Complex:
    """Return what the array, focused on a sample of its middle line, hears of points (M, F).

    One way, of points (M, 3) that send the same at all wavenumbers (F,) 1/mm.
    """
    way = _ways(face, 0.0, depth_mm)[1:]
    return np.array([_echo(face, way, waves, tuple(p)) for p in np.asarray(points_mm, float)])


# ---- a response on a grid


@dataclass(frozen=True, eq=False)
class Response:
    """The response of one sample on a grid of points, and what speckle it makes.

    lateral, range_, elevation : axes (L,), (D,), (Z,) mm, evenly spaced. Lateral from the sample's
        line, along the arc through the sample for a curvilinear array; range below the face.
    values : (L, D, Z), without the carrier exp(j carrier range).
    """

    lateral: Floats
    range_: Floats
    elevation: Floats
    values: Complex
    carrier: float
    depth_mm: float
    line_mm: float
    radius_mm: float

    @cached_property
    def _splines(self) -> tuple[Floats, Floats]:
        return tuple(spline_filter(part, SPLINE) for part in (self.values.real, self.values.imag))

    @cached_property
    def _grid(self) -> tuple[Floats, Floats]:
        """Points (M, 3) of the image and the volume (M,) of each, up to a factor."""
        across, down, aside = np.meshgrid(self.lateral, self.range_, self.elevation, indexing="ij")
        if not self.radius_mm:
            points = np.stack([across + self.line_mm, down, aside], axis=-1)
            return points.reshape(-1, 3), np.ones(points[..., 0].size)
        angle = across / (self.radius_mm + self.depth_mm) + self.line_mm / self.radius_mm
        radius = self.radius_mm + down
        plane = radius * np.sin(angle), radius * np.cos(angle) - self.radius_mm
        points = np.stack([*plane, aside], axis=-1)
        return points.reshape(-1, 3), (radius / (self.radius_mm + self.depth_mm)).ravel()

    def at(self, points_mm: Floats) -> Complex:
        """Return the response (M,), carrier and all, at points (M, 3); 0 outside the grid."""
        x, y, z = points_mm.T
        if self.radius_mm:
            radius = np.hypot(x, y + self.radius_mm)
            angle = np.arctan2(x, y + self.radius_mm) - self.line_mm / self.radius_mm
            x, y = angle * (self.radius_mm + self.depth_mm), radius - self.radius_mm
        else:
            x = x - self.line_mm
        axes = zip((self.lateral, self.range_, self.elevation), (x, y, z), strict=True)
        places = np.stack([(at - axis[0]) / (axis[1] - axis[0]) for axis, at in axes])
        real, imaginary = (
            map_coordinates(part, places, order=SPLINE, prefilter=False, mode="constant")
            for part in self._splines
        )
        return (real + 1j * imaginary) * np.exp(1j * self.carrier * (y - self.depth_mm))

    @cached_property
    def _loud(self) -> tuple[NDArray[np.bool_], float]:
        """Which points (M,) hold all but QUIET of the energy, and the whole energy."""
        energy = np.abs(self.values.ravel()) ** 2 * self._grid[1]
        falling = np.sort(energy)[::-1]
        enough = np.searchsorted(np.cumsum(falling), (1.0 - QUIET) * falling.sum())
        return energy >= falling[enough], float(energy.sum())

    def correlation(self, motion: Floats) -> float:
        """Return how intensities correlate after a motion (4, 4), image 1 from image 2, mm."""
        (points, volume), (loud, energy) = self._grid, self._loud
        back = np.linalg.inv(motion)
        moved = self.at(points[loud] @ back[:3, :3].T + back[:3, 3])
        down = np.exp(1j * self.carrier * (self.range_ - self.depth_mm))
        here = (self.values * down[:, None]).ravel()[loud]
        return float(np.abs(np.sum(volume[loud] * here * moved.conj()) / energy) ** 2)

    def lateral_step(self, step_mm: float) -> Floats:
        """Return the motion (4, 4) to a sample `step_mm` aside at the same depth."""
        motion = np.eye(4)
        if not self.radius_mm:
            motion[0, 3] = step_mm
            return motion
        angle = step_mm / (self.radius_mm + self.depth_mm)
        motion[:2, :2] = [[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]]
        centre = np.array([0.0, -self.radius_mm])
        motion[:2, 3] = centre - motion[:2, :2] @ centre
        return motion

    def half_correlation_mm(self) -> tuple[float, float]:
        """Return the lateral and the elevational step after which speckle correlates by 1/2."""
        return self.half_correlation_along_mm(0), self.half_correlation_along_mm(2)

    def half_correlation_along_mm(self, axis: int) -> float:
        """Return that step along an axis of the grid, by the power of the response's transform."""
        place = (self.lateral, self.range_, self.elevation)[axis]
        count = 2 * len(place)
        weighted = self.values * np.sqrt(self._grid[1]).reshape(self.values.shape)
        power = np.abs(np.fft.fft(weighted, count, axis=axis)) ** 2
        power = power.sum(axis=tuple(other for other in range(3) if other != axis))
        wave = 2.0 * np.pi * np.fft.fftfreq(count, place[1] - place[0])
        step = np.linspace(0.0, 0.6 * place[-1], 3000)
        curve = np.abs(np.exp(1j * np.outer(step, wave)) @ power / power.sum()) ** 2
        below = int(np.argmax(curve < 0.5))
        return float(np.interp(0.5, curve[below : below - 2 : -1], step[below : below - 2 : -1]))

    def widths_mm(self) -> tuple[float, float]:
        """Return the lateral and elevational -6 dB widths of a point's rms echo over range."""
        energy = np.sqrt(np.sum(np.abs(self.values) ** 2, axis=1))
        middle = int(np.argmin(np.abs(self.lateral))), int(np.argmin(np.abs(self.elevation)))
        across = _full_width(self.lateral, energy[:, middle[1]], middle[0])
        return across, _full_width(self.elevation, energy[middle[0]], middle[1])


def _full_width(place: Floats, profile: Floats, middle: int) -> float:
    """Return the full width to where a profile first falls below half, on both sides."""
    fine = np.linspace(0.0, place[-1] - place[middle], 4000)
    total = 0.0
    for sign in (-1.0, 1.0):
        at = (fine * sign + place[middle] - place[0]) / (place[1] - place[0])
        values = map_coordinates(profile, at[None], order=3, mode="nearest")
        total += float(fine[np.argmax(values < 0.5 * values[0])])
    return total


def response(
    face: Face, depth_mm: float, line_mm: float = 0.0, *, wider: float = 1.0, finer: float = 1.0
) -> Response:
    """Return the response of a sample on a grid about it.

    The sums are those of `point_response`: the sum over height depends on the distance in the
    plane only, and smoothly, so it is taken at Chebyshev nodes of its inverse and interpolated.

    Parameters
    ----------
    line_mm : the place of the sample's line on the face.
    wider, finer : factors on the extent of the grid and on the number of its points.
    """
    lateral, down, half = _axes(face, depth_mm, wider, finer)
    waves, amplitude = _pulse(face, line_mm, depth_mm, down[-1] - down[0])
    ways = _ways(face, line_mm, depth_mm)
    along = lateral / (face.radius_mm + depth_mm) * face.radius_mm if face.radius_mm else lateral
    rows = [np.stack(face.at(line_mm + along, row), axis=1) for row in down]
    flats = [
        [np.hypot(*(row[:, None] - place).transpose(2, 0, 1)) for row in rows]
        for place, _, _ in ways
    ]
    nearest = min(flat.min() for way in flats for flat in way)
    farthest = max(flat.max() for way in flats for flat in way)
    nodes, table = _height_table(face, waves, nearest, farthest, half)
    values = np.empty((len(lateral), len(down), len(half)), complex)
    for row in range(len(down)):
        echo = amplitude[:, None, None]
        for (_, weight, delay), flat in zip(ways, flats, strict=True):
            echo = echo * _field(flat[row], weight, delay, waves, nodes, table)
        values[:, row] = echo.sum(axis=0) * np.exp(-2j * face.wavenumber * (down[row] - depth_mm))
    whole = np.concatenate([values[:, :, :0:-1], values], axis=2)
    elevation = np.concatenate([-half[:0:-1], half])
    return Response(
        lateral, down, elevation, whole, 2.0 * face.wavenumber, depth_mm, line_mm, face.radius_mm
    )


def _axes(face: Face, depth_mm: float, wider: float, finer: float) -> tuple[Floats, Floats, Floats]:
    """Return the axes of a grid that holds the response; elevation from 0 upwards."""
    wavelength = 2.0 * np.pi / face.wavenumber
    sent, heard = face.transmit_aperture_mm(), face.receive_aperture_mm(depth_mm)
    zero = wavelength * depth_mm / heard  # first zero of the receive beam
    shadow = 0.5 * sent * abs(1.0 - depth_mm / face.transmit_focus_mm)
    aside = min(8.0 * zero, shadow + 3.0 * wavelength * depth_mm / sent)
    out = 0.5 * face.height_mm * abs(1.0 - depth_mm / face.lens_mm)
    lobe = wavelength * depth_mm / face.height_mm
    reach = out + 2.5 * lobe
    # Sound from aside and through the lens's edge is later: its points lie nearer to the face.
    late = 0.5 * ((out + lobe) ** 2 + min(aside, 3.0 * zero) ** 2) / depth_mm
    bent = face.height_mm**2 / 24.0 * abs(1.0 / depth_mm - 1.0 / face.lens_mm)
    bent += sent**2 / 48.0 * abs(1.0 / depth_mm - 1.0 / face.transmit_focus_mm)
    nearer = late + 0.5 * bent + 3.6 * face.sigma_axial_mm
    farther = bent + 3.6 * face.sigma_axial_mm
    first = max(depth_mm - wider * nearer, 0.1 * depth_mm)
    fastest = 0.5 * (sent + heard) / depth_mm  # sines of the extreme rays, both ways
    lateral_step = 0.25 * wavelength / np.hypot(1.0, fastest) * 2.0 / max(fastest, 0.1)
    steepest = (0.5 * face.height_mm + reach) / depth_mm
    out_step = 0.125 * wavelength * np.hypot(1.0, steepest) / max(steepest, 0.02)
    lateral = _even(wider * aside, min(lateral_step, 0.3 * zero) / finer)
    down = np.arange(first, depth_mm + wider * farther, 0.45 * face.sigma_axial_mm / finer)
    half = _even(wider * reach, min(out_step, 0.25 * lobe) / finer)
    return lateral, down, half[len(half) // 2 :]


def _even(reach: float, step: float) -> Floats:
    count = int(np.ceil(reach / step))
    return np.linspace(-reach, reach, 2 * count + 1)


def _height_table(
    face: Face, waves: Floats, nearest: float, farthest: float, elevation: Floats
) -> tuple[Floats, Complex]:
    """Return Chebyshev nodes (N,) of 1 / distance, and sums over the height (F, N, Z) there.

    Without exp(jk distance).
    """
    low, high = 1.0 / farthest, 1.0 / nearest
    widest = elevation[-1] + 0.5 * face.height_mm
    turn = waves[-1] * np.hypot(widest, nearest) - waves[-1] * nearest
    turn -= waves[-1] * (np.hypot(widest, farthest) - farthest)
    count = 16 + int(0.8 * turn)
    nodes = np.cos(np.pi * (np.arange(count) + 0.5) / count)
    flat = 1.0 / (0.5 * (low + high) + 0.5 * (high - low) * nodes)
    steepest = np.sin(np.arctan(widest / nearest)) + 0.5 * face.height_mm / face.lens_mm
    place, weight, lens = _height(face, 20 + int(0.55 * face.height_mm * waves[-1] * steepest))
    distance = np.hypot(flat[:, None, None], elevation[:, None] - place)
    path = distance - flat[:, None, None] - lens
    phase = np.exp(1j * waves[0] * path) * (weight / distance)
    turn_on = np.exp(1j * (waves[1] - waves[0]) * path)
    table = np.empty((len(waves), count, len(elevation)), complex)
    for number in range(len(waves)):
        table[number] = phase.sum(axis=2)
        phase *= turn_on
    return 0.5 * (low + high) + 0.5 * (high - low) * nodes, table


def _field(
    flat: Floats, weight: Floats, delay: Floats, waves: Floats, nodes: Floats, table: Complex
) -> Complex:
    """Return one way's field (F, L, Z) at points whose distances to the places are flat (L, E)."""
    away = 1.0 / flat[:, :, None] - nodes
    sign = np.sin(np.pi * (np.arange(len(nodes)) + 0.5) / len(nodes))
    basis = sign * (-1.0) ** np.arange(len(nodes)) / np.where(np.abs(away) < 1e-13, 1e-13, away)
    basis *= (weight / basis.sum(axis=2))[:, :, None]
    path = flat - delay
    phase, turn = np.exp(1j * waves[0] * path), np.exp(1j * (waves[1] - waves[0]) * path)
    result = np.empty((len(waves), *flat.shape), complex)
    for number in range(len(waves)):
        result[number] = phase
        phase = phase * turn
    parts = np.concatenate([result.real, result.imag]).transpose(1, 0, 2) @ basis
    mixed = parts[:, : len(waves)] + 1j * parts[:, len(waves) :]
    return np.matmul(mixed.transpose(1, 0, 2), table)
