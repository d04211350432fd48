"""Light in tissue: what absorbs it, how deep it gets, and the pressure it leaves behind.

Haemoglobin: molar extinction of M. K. Moaveni (PhD thesis, University of Washington, 1970) and
J. M. Schmitt (Stanford G558-15) as compiled by S. Prahl, in 1/(cm M), with 66 500 g/mol and 150 g/L
in whole blood. Other tables differ from it by up to about a tenth.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from benchmark.errors import UserError
from simulate.tissue.answers import Chromophores

# wavelength nm: (oxygenated, deoxygenated), 1/(cm M)
MOAVENI_EXTINCTION: dict[int, tuple[float, float]] = {
    700: (320, 2160), 710: (340, 1840), 720: (360, 1520), 730: (400, 1500), 740: (440, 1520),
    750: (520, 1620), 760: (600, 1720), 770: (660, 1420), 780: (720, 1120), 790: (760, 1020),
    800: (800, 920), 810: (860, 880), 820: (920, 840), 830: (980, 840), 840: (1040, 840),
    850: (1060, 800), 860: (1080, 840), 870: (1120, 840), 880: (1160, 840), 890: (1180, 860),
    900: (1200, 880),
}  # fmt: skip
HAEMOGLOBIN_GRAMS_PER_LITRE = 150.0
HAEMOGLOBIN_GRAMS_PER_MOLE = 66_500.0

Array = NDArray[np.floating]


@dataclass(frozen=True)
class Illumination:
    """The laser pulse and the tissue it crosses.

    `kind` "wide" is a beam much wider than deep, whose fluence depends on depth alone; "sides" is
    two bars of light beside the probe, parallel to its lateral axis, `bar_offset_mm` to either side
    of the image plane. `surface_fluence_mj_cm2` is the pulse energy per area that enters the skin.
    Bulk absorption (1/cm) is held constant over wavelength; reduced scattering follows
    a (wavelength / 500 nm)^-b with the mean of soft tissue in S. L. Jacques, Phys. Med. Biol. 58
    (2013) R37, table 2. `background_absorption_per_cm` absorbs, and so sounds, wherever there is
    tissue.
    """

    kind: Literal["wide", "sides"] = "wide"
    surface_fluence_mj_cm2: float = 10.0
    bulk_absorption_per_cm: float = 0.2
    scattering_500nm_per_cm: float = 18.9
    scattering_power: float = 1.286
    background_absorption_per_cm: float = 0.05
    grueneisen: float = 0.2
    bar_offset_mm: float = 6.0
    bar_length_mm: float = 38.0
    bar_width_mm: float = 2.0

    def __post_init__(self) -> None:
        if self.kind not in ("wide", "sides"):
            raise UserError(f"illumination.kind: expected 'wide' or 'sides', got '{self.kind}'")
        for key in ("surface_fluence_mj_cm2", "scattering_500nm_per_cm", "grueneisen"):
            if not getattr(self, key) > 0:
                raise UserError(f"illumination.{key}: expected > 0, got {getattr(self, key)}")
        for key in ("bulk_absorption_per_cm", "background_absorption_per_cm"):
            if not getattr(self, key) >= 0:
                raise UserError(f"illumination.{key}: expected >= 0, got {getattr(self, key)}")


def blood_absorption_per_cm(wavelength_nm: float) -> tuple[float, float]:
    """Return the absorption of oxygenated and of deoxygenated whole blood, 1/cm.

    mu_a = ln(10) eps c / M. Only tabulated wavelengths are answered: anything else is a UserError.
    """
    pair = MOAVENI_EXTINCTION.get(wavelength_nm)  # type: ignore[call-overload]
    if pair is None:
        raise UserError(
            f"wavelength_nm: expected one of {min(MOAVENI_EXTINCTION)}, "
            f"{min(MOAVENI_EXTINCTION) + 10}, ... {max(MOAVENI_EXTINCTION)} (the haemoglobin "
            f"table's), got {wavelength_nm:g}"
        )
    molar = HAEMOGLOBIN_GRAMS_PER_LITRE / HAEMOGLOBIN_GRAMS_PER_MOLE
    return float(np.log(10) * pair[0] * molar), float(np.log(10) * pair[1] * molar)


def melanosome_absorption_per_cm(wavelength_nm: float) -> float:
    """Return the absorption inside a skin melanosome, 1.70e12 nm^-3.48 1/cm (Jacques 1998)."""
    return 1.70e12 * float(wavelength_nm) ** -3.48


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
    points_mm : (M, 3) in the image-mm frame (x lateral, z elevation; depth is taken from the next).
    depth_mm : (M,) below the skin.

    Wide beam: Phi0 exp(-mu_eff depth). Side bars: a row of isotropic sources one transport length
    deep, each with its negative image about the extrapolated boundary (Farrell, Patterson & Wilson,
    Med. Phys. 19 (1992) 879, for the interior of the half space).
    """
    depth = np.asarray(depth_mm, np.float64)
    fluence: Array
    if illumination.kind == "wide":
        attenuation = effective_attenuation_per_cm(illumination, wavelength_nm)
        fluence = illumination.surface_fluence_mj_cm2 * np.exp(-attenuation * depth / 10)
    else:
        fluence = _side_bars(illumination, wavelength_nm, np.asarray(points_mm, np.float64), depth)
    return np.where(depth >= 0, fluence, 0.0)


def _side_bars(
    illumination: Illumination, wavelength_nm: float, points_mm: Array, depth_mm: Array
) -> Array:
    attenuation = effective_attenuation_per_cm(illumination, wavelength_nm)
    scattering = reduced_scattering_per_cm(illumination, wavelength_nm)
    diffusion_cm = 1 / (3 * (illumination.bulk_absorption_per_cm + scattering))
    source_depth = 1 / (illumination.bulk_absorption_per_cm + scattering)
    image_depth = -(source_depth + 4 * 2.94 * diffusion_cm)  # 2 A D twice, A of index 1.4 to air
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

    Solves signal_i = k (s mu_oxy_i + (1 - s) mu_deoxy_i) for s; the signals must be proportional to
    absorption (the same fluence at both wavelengths, or divided by it). Same shape as the signals.
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
