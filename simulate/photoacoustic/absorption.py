"""Absorption spectra of oxygenated and deoxygenated blood, and of melanin.

Haemoglobin: molar extinction of M. K. Moaveni (PhD thesis, University of Washington, 1970) and
J. M. Schmitt (Stanford G558-15) as compiled by S. Prahl, in 1/(cm M), with 66 500 g/mol and 150 g/L
in whole blood. Other tables differ from it by up to about a tenth.
"""

import numpy as np

from benchmark.errors import UserError

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


def blood_absorption_per_cm(wavelength_nm: float) -> tuple[float, float]:
    """Return the absorption of oxygenated and of deoxygenated whole blood, 1/cm.

    mu_a = ln(10) eps c / M.

    Raises
    ------
    UserError : a wavelength that is not in the table.
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
