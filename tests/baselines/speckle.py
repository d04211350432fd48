"""Sweeps through developed speckle with exactly known motion, summed scatterer by scatterer.

Plain float64 numpy, written apart from the simulator, so that trackers are tested against physics
and not against the code that will train them. A pixel of the complex image is

    sum_i a_i exp(-dx^2/2 sx^2 - dy^2/2 sy^2 - z_i^2/2 sz(y_i)^2 - 4 pi j y_i / wavelength)

over scatterers at (x_i, y_i, z_i) in image mm; its squared modulus then decorrelates over an
elevational step d as exp(-d^2 / 2 sz^2).
"""

from dataclasses import dataclass

import numpy as np

from benchmark import geometry
from benchmark.sweep import Channel, Sweep


@dataclass(frozen=True)
class Scene:
    """A probe and its image grid (mm): amplitude widths of the beam, pixels, scatterer density."""

    height: int = 96
    width: int = 96
    pixel_mm: float = 0.2
    wavelength_mm: float = 0.308
    lateral_mm: float = 0.23
    axial_mm: float = 0.11
    elevation_mm: float = 0.46
    focus_mm: float = 12.0
    per_cell: float = 6.0
    dynamic_range_db: float = 60.0
    noise_db: float = -50.0  # of the mean intensity
    contrast_db: float = 0.0  # standard deviation of the echogenicity's random structure

    @property
    def mm_from_pixel(self) -> np.ndarray:
        matrix = np.diag([self.pixel_mm, self.pixel_mm, 1.0, 1.0])
        matrix[0, 3] = -self.pixel_mm * (self.width - 1) / 2
        matrix[1, 3] = 2.0
        return matrix

    @property
    def centre_mm(self) -> np.ndarray:
        pixel = [(self.width - 1) / 2, (self.height - 1) / 2, 0.0, 1.0]
        return (self.mm_from_pixel @ pixel)[:3]

    def elevation_at(self, depth_mm: np.ndarray) -> np.ndarray:
        """Elevational width of a Gaussian beam, mm."""
        rayleigh = 4 * np.pi * self.elevation_mm**2 / self.wavelength_mm
        return self.elevation_mm * np.sqrt(1 + ((depth_mm - self.focus_mm) / rayleigh) ** 2)


def hand_steps(scene: Scene, count: int, rng: np.random.Generator, scale=1.0) -> np.ndarray:
    """Return steps (count, 4, 4): elevation 0.25 ± 0.1 mm, lateral ± 0.1, axial ± 0.04, ± 0.25°."""
    spread = np.array([0.1, 0.04, 0.1, *np.deg2rad([0.25, 0.25, 0.25])])
    values = rng.normal(size=(count, 6)) * spread * scale
    values[:, 2] = np.clip(values[:, 2] + 0.25, 0.03, 0.6)
    return geometry.about(-scene.centre_mm, geometry.from_degrees_of_freedom(values))


def smooth_steps(scene: Scene, count: int, rng: np.random.Generator) -> np.ndarray:
    """Return steps like `hand_steps` that vary smoothly over about ten frames."""
    from scipy.ndimage import gaussian_filter1d

    values = gaussian_filter1d(rng.normal(size=(count + 40, 6)), 5.0, axis=0)[20:-20]
    spread = np.array([0.1, 0.04, 0.1, *np.deg2rad([0.2, 0.2, 0.2])])
    values = values / 0.238 * spread  # 0.238: standard deviation that the filter leaves
    values[:, 2] = np.clip(values[:, 2] + 0.25, 0.05, 0.6)
    return geometry.about(-scene.centre_mm, geometry.from_degrees_of_freedom(values))


def speckle_sweep(scene: Scene, prev_from_frame: np.ndarray, seed: int, name="speckle") -> Sweep:
    """Return the sweep (log-compressed uint8 B-mode, exact poses) of steps (N-1, 4, 4)."""
    rng = np.random.default_rng(seed)
    poses = geometry.chain(prev_from_frame)
    points, weights = _scatterers(scene, poses, rng)
    frames = np.stack([_intensity(scene, points, weights, pose) for pose in poses])
    mean = frames.mean((0, 2), keepdims=True)  # gain compensation: every depth alike
    frames = frames / mean
    noise = rng.normal(size=(2, *frames.shape)) * np.sqrt(10 ** (scene.noise_db / 10) / 2)
    frames = (np.sqrt(frames) + noise[0]) ** 2 + noise[1] ** 2
    decibels = 10 * np.log10(np.maximum(frames, 1e-12)) - 12.0  # the brightest speckle fits
    levels = np.clip(np.rint(255 * (1 + decibels / scene.dynamic_range_db)), 0, 255)
    channel = Channel(
        levels.astype(np.uint8),
        np.arange(len(poses)) / 20.0,
        scene.mm_from_pixel,
        world_from_image=poses,
    )
    probe = {
        "name": "direct-sum",
        "centre_frequency_hz": 1540e3 / scene.wavelength_mm,
        "sound_speed_m_s": 1540.0,
        "dynamic_range_db": scene.dynamic_range_db,
        # The lens whose Gaussian beam is `elevation_at`: its waist is 0.376 wavelength f-number.
        "element_height_mm": 0.3762 * scene.wavelength_mm * scene.focus_mm / scene.elevation_mm,
        "elevation_focus_mm": scene.focus_mm,
        "attenuation_db_cm_mhz": 0.0,
        "diffraction": False,
    }
    return Sweep(name, {"bmode": channel}, probe=probe, factors={"subject": name})


def _scatterers(scene, poses, rng):
    """Uniform scatterers of weight ± 1 in the box that the beam sweeps over."""
    columns = np.array([0, scene.width - 1]) * scene.pixel_mm + scene.mm_from_pixel[0, 3]
    rows = np.array([0, scene.height - 1]) * scene.pixel_mm + scene.mm_from_pixel[1, 3]
    reach = 3.5 * scene.elevation_at(rows).max()
    corners = np.array([[x, y, z] for x in columns for y in rows for z in (-reach, reach)])
    swept = geometry.apply(poses, corners[None]).reshape(-1, 3)
    margin = 4 * np.array([scene.lateral_mm, scene.axial_mm, 0.0])
    low, high = swept.min(0) - margin, swept.max(0) + margin
    cell = (2 * np.pi) ** 1.5 * scene.lateral_mm * scene.axial_mm * scene.elevation_mm
    count = int(np.prod(high - low) * scene.per_cell / cell)
    points = rng.uniform(low, high, (count, 3))
    weights = rng.choice([-1.0, 1.0], count)
    return points, weights * 10 ** (scene.contrast_db * _structure(points, rng) / 20)


def _structure(points, rng):
    """A smooth random field of unit variance: waves of 3 to 12 mm, the longest along the limb."""
    field = np.zeros(len(points))
    for _ in range(12):
        direction = rng.normal(size=3) * [1.0, 1.0, 0.4]
        wave = 2 * np.pi / rng.uniform(3, 12) * direction / np.linalg.norm(direction)
        field += np.cos(points @ wave + rng.uniform(0, 2 * np.pi))
    return field / np.sqrt(6)


def _intensity(scene, points, weights, world_from_image):
    """Sum over scatterers; rows are taken in blocks, so that only near scatterers are touched."""
    local = geometry.apply(geometry.inverse(world_from_image), points)
    elevation = scene.elevation_at(local[:, 1])
    near = np.abs(local[:, 2]) < 3.5 * elevation
    local, elevation, weights = local[near], elevation[near], weights[near]
    order = np.argsort(local[:, 1])
    (x, y, z), elevation = local[order].T, elevation[order]
    profile = weights[order] * np.exp(-(z**2) / (2 * elevation**2))
    profile = profile * np.exp(-4j * np.pi * y / scene.wavelength_mm)
    columns = np.arange(scene.width) * scene.pixel_mm + scene.mm_from_pixel[0, 3]
    rows = np.arange(scene.height) * scene.pixel_mm + scene.mm_from_pixel[1, 3]
    lateral = np.exp(-((columns - x[:, None]) ** 2) / (2 * scene.lateral_mm**2))
    image = np.zeros((2, scene.height, scene.width))  # real and imaginary part
    reach = 4 * scene.axial_mm
    for start in range(0, scene.height, 8):
        block = rows[start : start + 8]
        low, high = np.searchsorted(y, [block[0] - reach, block[-1] + reach])
        axial = np.exp(-((block[:, None] - y[low:high]) ** 2) / (2 * scene.axial_mm**2))
        for part, values in zip(image, (profile.real, profile.imag), strict=True):
            part[start : start + 8] = (axial * values[low:high]) @ lateral[low:high]
    return (image**2).sum(0)
