"""The beamformer by physics: where a point lands, how wide, and when waves arrive."""

from dataclasses import replace

import numpy as np
import pytest
import scipy.signal

from benchmark.errors import UserError
from benchmark.interop.rf.acquisition import Transmits, arrivals
from benchmark.interop.rf.forming import (
    Beamformer,
    FormedFrames,
    Forming,
    Plane,
    feedthrough,
    grey_of_decibels,
    grey_of_envelope,
    plane_below,
)
from tests.benchmark.interop.rf.scatterers import (
    CARRIER_HZ,
    CYCLES,
    MM_PER_S,
    SAMPLING_HZ,
    WAVELENGTH_MM,
    acquisition_of,
    heard,
    linear_array,
    plane_wave_times,
    plane_waves,
    width_at_half,
)

PLACE = np.array([1.234, 12.37, 0.0])
ELEMENTS = linear_array()
ANGLES = np.radians(np.arange(-18.0, 19, 6))
F_NUMBER = 1.5
FINE = 0.04  # mm; a fifth of the wavelength


def around(place: np.ndarray, lateral: float = 1.2, axial: float = 0.4) -> Plane:
    return Plane(
        place[0] + np.arange(-lateral, lateral + FINE / 2, FINE),
        place[1] + np.arange(-axial, axial + FINE / 4, FINE / 2),
    )


def envelope_around(acquisition, rf, place=PLACE, **size) -> tuple[Plane, np.ndarray]:
    plane = around(place, **size)
    return plane, np.abs(Beamformer(acquisition, plane, F_NUMBER).image(rf))


def peak(plane: Plane, envelope: np.ndarray) -> np.ndarray:
    row, column = np.unravel_index(np.argmax(envelope), envelope.shape)
    return np.array([plane.lateral_mm[column], plane.depth_mm[row]])


@pytest.mark.parametrize("angles", [[0.0], [0.2], [-0.3], ANGLES], ids=["0", "11", "-17", "7"])
@pytest.mark.parametrize("place", [PLACE, np.array([-4.1, 8.0, 0.0])], ids=["middle", "aside"])
def test_a_point_lands_at_its_place(angles, place: np.ndarray) -> None:
    """Within a tenth of a wavelength, and the mean over elements keeps the pulse's height of 1."""
    acquisition = acquisition_of(ELEMENTS, plane_waves(ELEMENTS, angles))
    rf = heard(acquisition, place, plane_wave_times(acquisition, place), 700)
    plane, envelope = envelope_around(acquisition, rf, place)
    np.testing.assert_allclose(peak(plane, envelope), place[:2], atol=0.1 * WAVELENGTH_MM)
    assert envelope.max() == pytest.approx(1, abs=0.03)


def test_the_width_of_a_point() -> None:
    """Laterally 2 λF, the amplitude of a Hann window's spectrum; axially half the pulse."""
    acquisition = acquisition_of(ELEMENTS, plane_waves(ELEMENTS, [0.0]))
    rf = heard(acquisition, PLACE, plane_wave_times(acquisition, PLACE), 700)
    plane, envelope = envelope_around(acquisition, rf, axial=0.8)
    row, column = np.unravel_index(np.argmax(envelope), envelope.shape)
    lateral = width_at_half(plane.lateral_mm, envelope[row])
    axial = width_at_half(plane.depth_mm, envelope[:, column])
    assert lateral == pytest.approx(2.0 * WAVELENGTH_MM * F_NUMBER, rel=0.05)
    pulse_mm = np.sqrt(8 * np.log(2)) * CYCLES / CARRIER_HZ * MM_PER_S
    assert axial == pytest.approx(pulse_mm / 2, rel=0.03)


def test_compounding_sharpens_as_theory_says() -> None:
    """The two-way pattern is the receiving aperture's times the Dirichlet kernel of the angles."""
    acquisition = acquisition_of(ELEMENTS, plane_waves(ELEMENTS, ANGLES))
    rf = heard(acquisition, PLACE, plane_wave_times(acquisition, PLACE), 700)
    plane, envelope = envelope_around(acquisition, rf)
    row = np.argmax(envelope.max(1))
    aside = (plane.lateral_mm - PLACE[0]) / WAVELENGTH_MM
    receiving = np.sinc(aside / F_NUMBER) / (1 - (aside / F_NUMBER) ** 2 + 1e-12)
    sending = np.exp(2j * np.pi * np.sin(ANGLES)[:, None] * aside).mean(0)
    expected = width_at_half(plane.lateral_mm, np.abs(receiving * sending))
    assert width_at_half(plane.lateral_mm, envelope[row]) == pytest.approx(expected, rel=0.05)


def test_transmits_that_start_at_other_times_stay_in_phase() -> None:
    transmits = plane_waves(ELEMENTS, ANGLES)
    starts = 2e-6 + 1e-7 * np.random.default_rng(0).uniform(0, 1, len(ANGLES))
    acquisition = acquisition_of(ELEMENTS, transmits, start_s=0)
    acquisition = replace(acquisition, start_s=starts)
    rf = heard(acquisition, PLACE, plane_wave_times(acquisition, PLACE), 700)
    _, envelope = envelope_around(acquisition, rf, lateral=0.2)
    assert envelope.max() == pytest.approx(1, abs=0.02)


@pytest.mark.parametrize("decimation", [1, 4])
def test_iq_gives_the_image_of_rf(decimation: int) -> None:
    """IQ by SciPy's Hilbert transform, also at one sample per period."""
    acquisition = acquisition_of(ELEMENTS, plane_waves(ELEMENTS, ANGLES[::3]))
    rf = heard(acquisition, PLACE, plane_wave_times(acquisition, PLACE), 700)
    turn = np.exp(-2j * np.pi * CARRIER_HZ / SAMPLING_HZ * np.arange(700))
    iq = (scipy.signal.hilbert(rf) * turn)[..., ::decimation]
    demodulated = replace(acquisition, is_iq=True, sampling_hz=SAMPLING_HZ / decimation)
    plane = around(PLACE, 0.6, 0.3)
    expected = Beamformer(acquisition, plane, F_NUMBER).image(rf)
    image = Beamformer(demodulated, plane, F_NUMBER).image(iq.astype(np.complex64))
    np.testing.assert_allclose(image, expected, atol=0.02)


def test_the_lens_delays_sound_both_ways() -> None:
    lens_s = 0.2e-6
    acquisition = acquisition_of(ELEMENTS, plane_waves(ELEMENTS, [0.0]))
    rf = heard(acquisition, PLACE, plane_wave_times(acquisition, PLACE) + 2 * lens_s, 700)
    plane, envelope = envelope_around(replace(acquisition, lens_s=lens_s), rf)
    np.testing.assert_allclose(peak(plane, envelope), PLACE[:2], atol=0.1 * WAVELENGTH_MM)
    plane, envelope = envelope_around(acquisition, rf, axial=0.6)
    assert peak(plane, envelope)[1] - PLACE[1] == pytest.approx(lens_s * MM_PER_S, abs=0.02)


def test_sound_of_the_tissue_itself_travels_one_way() -> None:
    """A photoacoustic point: heard after the way to each element alone."""
    acquisition = acquisition_of(ELEMENTS, None, start_s=1e-6)
    rf = heard(acquisition, PLACE, np.zeros(1), 400)
    plane, envelope = envelope_around(acquisition, rf)
    np.testing.assert_allclose(peak(plane, envelope), PLACE[:2], atol=0.1 * WAVELENGTH_MM)
    assert envelope.max() == pytest.approx(1, abs=0.03)


@pytest.mark.parametrize("focus_mm", [20.0, -15.0], ids=["focused", "diverging"])
def test_spherical_waves_arrive_by_their_distance_to_the_focus(focus_mm: float) -> None:
    """Inside the beam the wave is a sphere about the focus, shrinking before it, growing after."""
    point = np.array([1.0, focus_mm])
    path = np.linalg.norm(ELEMENTS[:, :2] - point, axis=1)
    fire = -np.sign(focus_mm) * path / MM_PER_S
    first = fire.min()
    transmits = Transmits(
        (fire - first)[None], np.array([focus_mm]), np.array([[1.0, 0, 0]]), np.zeros(1)
    )
    acquisition = acquisition_of(ELEMENTS, transmits, start_s=0.0)
    lateral, depth = np.linspace(0.5, 1.5, 5), np.array([6.0, 14.0, 26.0, 35.0])
    arrival, weight = arrivals(acquisition, lateral, depth)
    distance = np.hypot(lateral - point[0], depth[:, None] - point[1])
    sign = np.where(depth < focus_mm, -1, 1)[:, None]
    expected = (sign * distance) / MM_PER_S - first
    np.testing.assert_allclose(arrival[..., 0], expected, atol=WAVELENGTH_MM / 16 / MM_PER_S)
    assert weight[0, 2] == 1 if focus_mm < 0 else weight[0, 2] > 0.8


def test_a_focused_beam_narrows_to_its_focus_and_widens_beyond() -> None:
    """A Hann window between the rays from the aperture's ends through the focus."""
    point = np.array([1.0, 20.0])
    path = np.linalg.norm(ELEMENTS[:, :2] - point, axis=1)
    transmits = Transmits(
        ((path.max() - path) / MM_PER_S)[None], point[1:], np.array([[1.0, 0, 0]]), np.zeros(1)
    )
    acquisition = acquisition_of(ELEMENTS, transmits, start_s=0.0)
    across, depth = np.linspace(-6, 8, 57), np.array([10.0, 30.0, 20.0])
    weight = arrivals(acquisition, across, depth)[1][..., 0]
    for row, share in enumerate((0.5, 1.5)):
        cone = np.abs(across - share * point[0]) / (0.5 * np.ptp(ELEMENTS[:, 0]) * 0.5)
        hann = np.where(cone < 1, np.cos(np.pi / 2 * np.minimum(cone, 1)) ** 2, 0)
        np.testing.assert_allclose(weight[row], hann, atol=0.01)
    waist = WAVELENGTH_MM * 20 / np.ptp(ELEMENTS[:, 0])
    assert (weight[2] > 0).sum() == (np.abs(across - point[0]) < waist).sum()


def test_a_plane_wave_is_heard_below_the_elements_that_send_it() -> None:
    """Half the array at 15 degrees: full between the edges' rays, soft beside, silent farther."""
    angle = np.radians(15.0)
    waves = plane_waves(ELEMENTS, [angle])
    half = np.where(ELEMENTS[:, 0] > 0, waves.fire_s, np.nan)
    acquisition = acquisition_of(ELEMENTS, replace(waves, fire_s=half), start_s=0.0)
    across, depth = np.linspace(-6, 12, 181), np.array([12.0])
    weight = arrivals(acquisition, across, depth)[1][0, :, 0]
    left, right = 0.1 + 12 * np.tan(angle), 6.3 + 12 * np.tan(angle)
    soft = np.sqrt(WAVELENGTH_MM * 12)
    assert (weight[(across > left) & (across < right)] == 1).all()
    assert not weight[(across < left - soft) | (across > right + soft)].any()
    assert (weight[(across > left - 0.9 * soft) & (across < left - 0.01)] < 1).all()
    alone = np.where(np.arange(64) == 20, 0.0, np.nan)[None]
    single = acquisition_of(ELEMENTS, replace(waves, fire_s=alone), start_s=0.0)
    assert (arrivals(single, across, depth)[1] == 1).all()


def test_apertures_that_walk_along_the_array() -> None:
    """A point lit by one of two halves of the array is as bright as one lit by all of it."""
    waves = plane_waves(ELEMENTS, [0.0, 0.0])
    left = ELEMENTS[:, 0] < 0
    halves = np.where(np.stack([left, ~left]), waves.fire_s, np.nan)
    acquisition = acquisition_of(ELEMENTS, replace(waves, fire_s=halves))
    place = np.array([-4.0, 8.0, 0.0])
    rf = heard(acquisition, place, plane_wave_times(acquisition, place), 700)
    rf[:, 1] = 0  # the other half's wave does not pass there
    plane, envelope = envelope_around(acquisition, rf, place)
    np.testing.assert_allclose(peak(plane, envelope), place[:2], atol=0.1 * WAVELENGTH_MM)
    assert envelope.max() == pytest.approx(1, abs=0.03)


def test_the_pulse_itself_in_the_first_samples_is_told() -> None:
    rf = np.random.default_rng(0).normal(0, 1, (8, 2, 400))
    assert feedthrough(rf) == 0
    rf[3, 1, :3] = 200, -150, 90
    assert feedthrough(rf) == 3


def test_grey_levels() -> None:
    """White at the reference and above, black at the range below it, straight lines in dB."""
    levels = 10.0 ** (-np.array([-6.0, 0, 15, 30, 60, 90]) / 20)
    assert grey_of_envelope(levels, 1.0, 60.0).tolist() == [255, 255, 191, 128, 0, 0]
    assert grey_of_decibels([3, 0, -15, -30, -60, -np.inf, np.nan], 60.0).tolist() == [
        255, 255, 191, 128, 0, 0, 0,
    ]  # fmt: skip
    assert not grey_of_envelope(np.zeros(3), 0.0, 60.0).any()


def test_frames_share_their_white() -> None:
    """A frame whose sound is 20 dB weaker is darker by a third of a range of 60 dB."""
    acquisition = acquisition_of(ELEMENTS, plane_waves(ELEMENTS, [0.0]))
    rf = heard(acquisition, PLACE, plane_wave_times(acquisition, PLACE), 700)
    beamformer = Beamformer(acquisition, around(PLACE, 0.4, 0.2), F_NUMBER)
    frames = FormedFrames(4, lambda index: rf * (10.0, 1.0)[index % 2], beamformer, 60.0)
    assert (frames.shape, frames.dtype) == ((4, 21, 21), np.uint8)
    loud, soft = frames[2].astype(int), frames[3].astype(int)
    grey = (loud < 255) & (soft > 0)
    assert grey.mean() > 0.5
    assert np.abs((loud - soft)[grey] - 85).max() <= 1
    assert np.array_equal(frames[:][1], frames[1])


def test_planes_below_the_array() -> None:
    """Half wavelengths across the elements, down to where the last sample comes from."""
    acquisition = acquisition_of(ELEMENTS, plane_waves(ELEMENTS, [0.0]), start_s=0.0)
    plane = plane_below(acquisition, 700, Forming(), "x")
    assert np.diff(plane.lateral_mm) == pytest.approx(WAVELENGTH_MM / 2)
    assert plane.lateral_mm[[0, -1]].sum() == pytest.approx(0, abs=1e-9)
    assert plane.depth_mm[-1] == pytest.approx(700 / SAMPLING_HZ * MM_PER_S / 2, abs=0.11)
    fixed = plane_below(acquisition, 700, Forming(formed_pixel_mm=0.5, formed_depth_mm=8), "x")
    assert (len(fixed.lateral_mm), len(fixed.depth_mm)) == (26, 17)
    centre = fixed.mm_from_pixel @ [12.5, 16, 0, 1]
    np.testing.assert_allclose(centre[:2], [0, 8], atol=1e-9)


def test_what_cannot_be_formed() -> None:
    acquisition = acquisition_of(ELEMENTS, plane_waves(ELEMENTS, [0.0]))
    bent = ELEMENTS.copy()
    bent[:, 1] = -0.01 * bent[:, 0] ** 2 * 3
    with pytest.raises(UserError, match="x: expected the elements of a flat"):
        plane_below(replace(acquisition, element_mm=bent), 700, Forming(), "x")
    with pytest.raises(UserError, match="expected 2 x 2"):
        plane_below(acquisition, 700, Forming(formed_pixel_mm=90), "x")
    with pytest.raises(UserError, match="--blank-samples: expected 0 or more"):
        Forming(blank_samples=-1)
    with pytest.raises(UserError, match="--f-number: expected a number above 0, got 0"):
        Forming(f_number=0)
