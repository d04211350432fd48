"""The k-Wave engine: photoacoustic sensor data of homogeneous and heterogeneous media.

The only importer of k-wave-python (B. E. Treeby & B. T. Cox, J. Biomed. Opt. 15 (2010) 021314).
Its first import downloads executables that its Python solver does not need, and fails without a
network; `load()` imports it without that download and without writing to the disk.
"""

import contextlib
import importlib
import importlib.util
import logging
import os
import sys
import threading
import urllib.request
import warnings
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any, Literal

import numpy as np
import scipy.fft
from numpy.typing import NDArray

from benchmark.errors import UserError
from simulate.photoacoustic.acoustics import AcousticGrid, check_time_step, friendly_layer
from simulate.tissue.answers import Acoustics

ABSORPTION_POWER = 1.1  # tissue; its dispersion term is singular near 1 and left out
LAYER_NODES = {2: 20, 3: 10}  # thinnest absorbing layer (PML)

_lock = threading.RLock()


def load() -> ModuleType:
    """Import and return kwave without touching the network or the disk; safe in many processes."""
    with _lock:
        if "kwave" not in sys.modules:
            with _no_download():
                importlib.import_module("kwave")
            vars(sys.modules["kwave"])["urlretrieve"] = urllib.request.urlretrieve
        return sys.modules["kwave"]


@contextlib.contextmanager
def _no_download() -> Iterator[None]:
    """While kwave is imported: no download, no folder for it, no handler on the root logger."""
    retrieve, make_folders = urllib.request.urlretrieve, os.makedirs
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level

    def refuse(*_: Any, **__: Any) -> Any:
        raise TimeoutError("downloads are switched off; the Python solver needs none")

    def make_others(name: Any, *arguments: Any, **keywords: Any) -> None:
        if Path(name).parts[-3:-1] != ("kwave", "bin"):
            make_folders(name, *arguments, **keywords)

    root.addHandler(logging.NullHandler())
    root.setLevel(logging.CRITICAL + 1)
    urllib.request.urlretrieve = refuse
    os.makedirs = make_others
    try:
        yield
    finally:
        urllib.request.urlretrieve, os.makedirs = retrieve, make_folders
        root.handlers[:], root.level = handlers, level


def check_backend(backend: str, device: str) -> None:
    """Refuse a backend that this machine does not have, saying what is missing.

    `backend` "python" or "cpp" (k-Wave's compiled executable), `device` "cpu" or "gpu".
    """
    if backend not in ("python", "cpp") or device not in ("cpu", "gpu"):
        raise UserError(
            "kwave: expected backend 'python' or 'cpp' and device 'cpu' or 'gpu', got "
            f"'{backend}' and '{device}'"
        )
    if backend == "cpp":
        name = "kspaceFirstOrder-" + ("CUDA" if device == "gpu" else "OMP")
        program = Path(load().BINARY_PATH) / name
        if not program.exists() and not program.with_suffix(".exe").exists():
            raise UserError(
                f"kwave backend 'cpp': expected the executable {name} in k-wave-python's bin "
                "folder, found none; run `python -c 'import kwave'` once with a network, or use "
                "backend 'python'"
            )
    elif device == "gpu" and importlib.util.find_spec("cupy") is None:
        raise UserError(
            "kwave device 'gpu': expected CuPy to be installed (pip install cupy-cuda12x) beside a "
            "CUDA GPU, found none; use device 'cpu'"
        )


def sensor_rows(
    initial_pressure: NDArray[np.floating],
    grid: AcousticGrid,
    medium: Acoustics | float,
    *,
    elevation_weights: NDArray[np.floating] | None = None,
    backend: Literal["python", "cpp"] = "python",
    device: Literal["cpu", "gpu"] = "cpu",
    fast_fft: bool = True,
    precision: Literal["float32", "float64"] = "float32",
) -> NDArray[np.floating]:
    """Return the pressure along the probe face, simulated by k-Wave's kspaceFirstOrder.

    Parameters
    ----------
    initial_pressure : grid.shape Pa, band-limited (it is not smoothed again).
    medium : sound speed in m/s (homogeneous, lossless), or `Acoustics` with fields of grid.shape.
    elevation_weights : (R, elevation), 3D only: R weighted sums over elevation are returned.
    fast_fft : the Python solver on the CPU with SciPy's real-input FFT, four times faster than with
        NumPy's complex one and equal to rounding; False is k-wave-python without changes.

    Returns
    -------
    (lateral, steps) in 2D, (R, lateral, steps) in 3D. The absorbing layer lies outside the grid and
    is as thick as gives the whole grid a size that the FFT handles fast.
    """
    check_backend(backend, device)
    if initial_pressure.shape != grid.shape:
        raise UserError(
            f"kwave: expected a source of the grid's shape {grid.shape}, got "
            f"{initial_pressure.shape}"
        )
    fastest = float(np.max(medium.sound_speed_m_s if isinstance(medium, Acoustics) else medium))
    check_time_step(grid, fastest)
    listening = _listening_rows(grid, elevation_weights)
    layers = tuple(friendly_layer(n, LAYER_NODES[len(grid.shape)]) for n in grid.shape)
    with _solver(fast_fft and backend == "python" and device == "cpu") as solve:
        data = solve(
            *_problem(initial_pressure, grid, medium, listening, layers),
            pml_size=layers,
            pml_inside=True,
            smooth_p0=False,
            backend=backend,
            device=device,
            dtype=precision if backend == "python" else None,
            quiet=True,
        )["p"]  # fmt: skip
    if elevation_weights is None:
        return data
    planes = data.reshape(grid.shape[1], len(listening), grid.steps)
    return np.einsum("rz,lzt->rlt", elevation_weights[:, listening].astype(data.dtype), planes)


def _listening_rows(
    grid: AcousticGrid, elevation_weights: NDArray[np.floating] | None
) -> NDArray[np.int64]:
    """Return the elevational nodes that some element covers."""
    if len(grid.shape) == 2:
        if elevation_weights is not None:
            raise UserError("kwave: elevation weights are for 3D grids, got a 2D one")
        return np.zeros(1, np.int64)
    if elevation_weights is None or elevation_weights.shape[1] != grid.shape[2]:
        raise UserError(f"kwave: a 3D grid needs elevation weights of {grid.shape[2]} nodes")
    return np.flatnonzero(np.any(elevation_weights != 0, axis=0))


def _problem(
    initial_pressure: NDArray[np.floating],
    grid: AcousticGrid,
    medium: Acoustics | float,
    listening: NDArray[np.int64],
    layers: tuple[int, ...],
) -> tuple[Any, Any, Any, Any]:
    """Return k-Wave's grid, medium, source and sensor, with the absorbing layers around them."""
    load()
    from kwave.kgrid import kWaveGrid
    from kwave.kmedium import kWaveMedium
    from kwave.ksensor import kSensor
    from kwave.ksource import kSource

    margin = [(n, n) for n in layers]
    shape = [n + 2 * layer for n, layer in zip(grid.shape, layers, strict=True)]
    space = kWaveGrid(shape, [grid.spacing_mm * 1e-3] * len(shape))
    space.setTime(grid.steps, grid.time_step_s)
    if isinstance(medium, Acoustics):
        speed, density, absorption = (
            np.pad(np.reshape(values, grid.shape), margin, mode="edge") for values in medium
        )
        absorbs = bool(np.any(absorption))
        stuff = kWaveMedium(
            sound_speed=speed,
            density=density,
            alpha_coeff=absorption if absorbs else None,
            alpha_power=ABSORPTION_POWER if absorbs else None,
            alpha_mode="no_dispersion" if absorbs else None,
        )
    else:
        stuff = kWaveMedium(sound_speed=float(medium))
    source, sensor = kSource(), kSensor()
    source.p0 = np.pad(initial_pressure, margin)
    mask = np.zeros(grid.shape, bool)
    if len(grid.shape) == 2:
        mask[grid.sensor_row] = True
    else:
        mask[grid.sensor_row][:, listening] = True
    sensor.mask = np.pad(mask, margin)
    sensor.record = ["p"]
    return space, stuff, source, sensor


@contextlib.contextmanager
def _solver(fast_fft: bool) -> Iterator[Any]:
    """Yield kspaceFirstOrder; with `fast_fft`, its Simulation class is replaced meanwhile."""
    load()
    from kwave.kspaceFirstOrder import kspaceFirstOrder
    from kwave.solvers import kspace_solver

    with _lock, warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        stock = kspace_solver.Simulation
        if fast_fft:
            kspace_solver.Simulation = _with_real_fft(stock)
        try:
            yield kspaceFirstOrder
        finally:
            kspace_solver.Simulation = stock


class _HalfSpectrum:
    """NumPy, except that `fft` is SciPy's, from real fields to half spectra and back."""

    def __init__(self, shape: tuple[int, ...]) -> None:
        self.shape = shape
        self.fft = self

    def __getattr__(self, name: str) -> Any:
        return getattr(np, name)

    def fftn(self, field: NDArray) -> NDArray:
        return scipy.fft.rfftn(field)

    def ifftn(self, spectrum: NDArray) -> NDArray:
        return scipy.fft.irfftn(spectrum, s=self.shape, overwrite_x=True)


def _with_real_fft(simulation: type) -> type:
    """Return k-Wave's Simulation on half spectra: every field is real, so half of each suffices."""

    class Fast(simulation):
        def setup(self) -> Any:
            super().setup()
            kept = self.grid_shape[-1] // 2 + 1
            for name in ("op_grad_list", "op_div_list"):
                operators = [np.broadcast_to(o, self.grid_shape) for o in getattr(self, name)]
                operators = [o[..., :kept].astype(self._complex_dtype) for o in operators]
                setattr(self, name, operators)
            for name in ("nabla1", "nabla2"):
                if getattr(self, name) is not None:
                    setattr(self, name, getattr(self, name)[..., :kept])
            self.xp = _HalfSpectrum(self.grid_shape)
            return self

    return Fast
