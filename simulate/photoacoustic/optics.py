"""Light in tissue: absorption, scattering, fluence, and the initial pressure they give."""

import numpy as np
from numpy.typing import NDArray

from benchmark.errors import UserError
from simulate.photoacoustic.absorption import (
    blood_absorption_per_cm,
    melanosome_absorption_per_cm,
)
from simulate.photoacoustic.settings import Illumination
from simulate.tissue.answers import Chromophores

Array = NDArray[np.floating]

ANISOTROPY = 0.9  # mean cosine of scattering in soft tissue (Jacques 2013)
BOUNDARY = 2.94  # (1 + R) / (1 - R), R what a skin of index 1.4 sends back inside


def absorption_per_cm(chromophores: Chromophores, wavelength_nm: float) -> Array:
    """Return the absorption coefficient (M,) 1/cm as the volume-weighted sum of its absorbers."""
    oxygenated, deoxygenated = blood_absorption_per_cm(wavelength_nm)
    saturation = np.asarray(chromophores.oxygenation, np.float64)
    blood = saturation * oxygenated + (1 - saturation) * deoxygenated
    melanin = melanosome_absorption_per_cm(wavelength_nm)
    return chromophores.blood_fraction * blood + chromophores.melanin_fraction * melanin


def reduced_scattering_per_cm(illumination: Illumination, wavelength_nm: float) -> float:
    """Return mu_s' = a (wavelength / 500 nm)^-b in 1/cm (Jacques 2013, eq. 1)."""
    ratio = float(wavelength_nm) / 500.0
    return illumination.scattering_500nm_per_cm * ratio**-illumination.scattering_power


def effective_attenuation_per_cm(illumination: Illumination, wavelength_nm: float) -> float:
    """Return mu_eff = sqrt(3 mu_a (mu_a + mu_s')) of the bulk, 1/cm (diffusion theory)."""
    absorption = illumination.bulk_absorption_per_cm
    scattering = reduced_scattering_per_cm(illumination, wavelength_nm)
    return float(np.sqrt(3 * absorption * (absorption + scattering)))


def fluence_mj_cm2(
    illumination: Illumination, wavelength_nm: float, points_mm: Array, depth_mm: Array
) -> Array:
    """Return the fluence (M,) mJ/cm2 at points of the image frame; zero above the skin.

    Parameters
    ----------
    points_mm : (M, 3) in the image-mm frame, of which x (lateral) and z (elevation) are used.
    depth_mm : (M,) below the skin.

    Wide beam: see `wide_beam_gain`. Side bars: a row of isotropic sources one transport length
    deep, each with its negative image about the extrapolated boundary (Farrell, Patterson & Wilson,
    Med. Phys. 19 (1992) 879, for the interior of the half space).
    """
    depth = np.asarray(depth_mm, np.float64)
    fluence: Array
    if illumination.kind == "wide":
        gain = wide_beam_gain(illumination, wavelength_nm, np.maximum(depth, 0.0))
        fluence = illumination.surface_fluence_mj_cm2 * gain
    else:
        fluence = _side_bars(illumination, wavelength_nm, np.asarray(points_mm, np.float64), depth)
    return np.where(depth >= 0, fluence, 0.0)


def wide_beam_gain(illumination: Illumination, wavelength_nm: float, depth_mm: Array) -> Array:
    """Return the fluence (M,) of a wide beam per energy per area that enters the skin.

    It is more than 1: light is scattered back and forth, and the skin sends much of it in again.
    Diffusion theory of a beam that enters straight, in the delta-Eddington approximation
    (J. H. Joseph, W. J. Wiscombe & J. A. Weinman, J. Atmos. Sci. 33 (1976) 2452): mu_s (1 - g²) of
    the beam is scattered, with the mean cosine g / (1 + g), and feeds the diffuse fluence D,

        D'' - mu_eff² D = -3 s (mu_tr + c t) exp(-t z),  D - h D' = -3 h c s at the skin,

    s that scattering, t = mu_a + s, c that cosine, mu_tr = mu_a + mu_s', h = 2 A / 3 mu_tr with
    A = 2.94 for an index of 1.4.
    """
    depth = np.asarray(depth_mm, np.float64) / 10
    absorption = illumination.bulk_absorption_per_cm
    reduced = reduced_scattering_per_cm(illumination, wavelength_nm)
    effective = effective_attenuation_per_cm(illumination, wavelength_nm)
    cosine, scattered = ANISOTROPY / (1 + ANISOTROPY), reduced * (1 + ANISOTROPY)
    straight = absorption + scattered
    outside = 2 * BOUNDARY / (3 * (absorption + reduced))
    fed = 3 * scattered * (absorption + reduced + cosine * straight)
    fed /= straight**2 - effective**2
    diffuse = fed * (1 + outside * straight) - 3 * outside * cosine * scattered
    diffuse /= 1 + outside * effective
    return diffuse * np.exp(-effective * depth) - (fed - 1) * np.exp(-straight * depth)


def _side_bars(
    illumination: Illumination, wavelength_nm: float, points_mm: Array, depth_mm: Array
) -> Array:
    attenuation = effective_attenuation_per_cm(illumination, wavelength_nm)
    scattering = reduced_scattering_per_cm(illumination, wavelength_nm)
    diffusion_cm = 1 / (3 * (illumination.bulk_absorption_per_cm + scattering))
    source_depth = 1 / (illumination.bulk_absorption_per_cm + scattering)
    # The extrapolated boundary lies 2 A D outside.
    image_depth = -(source_depth + 4 * BOUNDARY * diffusion_cm)
    spots = 12
    length = illumination.bar_length_mm / 10
    energy = illumination.surface_fluence_mj_cm2 * length * illumination.bar_width_mm / 10 / spots
    fluence = np.zeros(len(depth_mm))
    for spot in ((np.arange(spots) + 0.5) / spots - 0.5) * length:
        for side in (-1, 1):
            across = (points_mm[:, 0] / 10 - spot) ** 2
            across += (points_mm[:, 2] - side * illumination.bar_offset_mm) ** 2 / 100
            near = np.sqrt(across + (depth_mm / 10 - source_depth) ** 2 + 1e-4)
            mirrored = np.sqrt(across + (depth_mm / 10 - image_depth) ** 2)
            fluence += np.exp(-attenuation * near) / near
            fluence -= np.exp(-attenuation * mirrored) / mirrored
    return energy / (4 * np.pi * diffusion_cm) * fluence


def pressure_pa(grueneisen: float, absorption_per_cm: Array, fluence_mj_cm2: Array) -> Array:
    """Return the initial pressure Gamma mu_a Phi in Pa of absorption (1/cm) and fluence (mJ/cm2).

    1/cm is 100 1/m and 1 mJ/cm2 is 10 J/m2; J/m3 is Pa.
    """
    return grueneisen * (100.0 * absorption_per_cm) * (10.0 * fluence_mj_cm2)


def oxygen_saturation(
    first: Array, second: Array, first_wavelength_nm: float, second_wavelength_nm: float
) -> Array:
    """Return the oxygenated share of haemoglobin from the signal at two wavelengths.

    Solves signal_i = k (s mu_oxy_i + (1 - s) mu_deoxy_i) for s; any shape. The signals must be
    proportional to absorption: of the same fluence at both wavelengths, or divided by it.
    """
    if first_wavelength_nm == second_wavelength_nm:
        raise UserError(
            f"oxygen saturation: two different wavelengths, got {first_wavelength_nm:g}"
        )
    first_oxy, first_deoxy = blood_absorption_per_cm(first_wavelength_nm)
    second_oxy, second_deoxy = blood_absorption_per_cm(second_wavelength_nm)
    numerator = first * second_deoxy - second * first_deoxy
    denominator = numerator - first * second_oxy + second * first_oxy
    return numerator / denominator
