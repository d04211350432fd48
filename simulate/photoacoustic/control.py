"""k-Wave as a control of photoacoustic frames made by another engine."""

from dataclasses import replace
from typing import Any

import numpy as np

from simulate.photoacoustic.render import render_photoacoustic
from simulate.photoacoustic.settings import PhotoacousticSettings
from simulate.probe.transducer import Probe
from simulate.tissue.answers import Absorber, Displacement


def kwave_control(
    tissue: Absorber,
    probe: Probe,
    settings: PhotoacousticSettings,
    world_from_image: np.ndarray,
    wavelength_nm: np.ndarray,
    displacement: Displacement | None = None,
    times_s: np.ndarray | None = None,
) -> dict[str, Any]:
    """Compare frames of the settings' engine with k-Wave's: the same poses, one pulse, no noise.

    Parameters are those of `render_photoacoustic`.

    Returns
    -------
    frames : their number.
    relative_difference : per frame, root mean square of the difference over that of k-Wave's image.
    largest_difference : the largest in any pixel of any frame, over k-Wave's brightest pixel.
    """
    silent = replace(settings, noise_pa=0.0, pulses_averaged=1)
    fast, slow = (
        render_photoacoustic(
            tissue,
            probe,
            replace(silent, engine=engine),
            world_from_image,
            wavelength_nm,
            seed=0,
            displacement=displacement,
            times_s=times_s,
        ).astype(np.float64)
        for engine in (settings.engine, "kwave")
    )
    off = np.sqrt(((fast - slow) ** 2).mean((1, 2))) / np.sqrt((slow**2).mean((1, 2)))
    return {
        "frames": len(slow),
        "relative_difference": [float(f"{value:.3g}") for value in off],
        "largest_difference": float(f"{np.abs(fast - slow).max() / slow.max():.3g}"),
    }
