"""k-Wave: offline import, agreement with the propagator, heterogeneous media, refusals."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from benchmark.errors import UserError
from simulate.photoacoustic import acoustics, kwave, propagator
from simulate.photoacoustic.acoustics import AcousticGrid
from simulate.tissue.answers import Acoustics

SPEED, SPACING = 1500.0, 0.2  # m/s, mm

OFFLINE = """
import logging, os, socket, sys, urllib.request
from pathlib import Path
from importlib.util import find_spec
def fail(*_, **__): raise OSError("there is no network")
socket.socket.connect = socket.create_connection = socket.getaddrinfo = fail
urllib.request.urlopen = urllib.request.urlretrieve = fail
folder = Path(find_spec("kwave").submodule_search_locations[0])
def listing(): return sorted(p.name for p in folder.iterdir() if p.name != "__pycache__")
before, makedirs = listing(), os.makedirs
from simulate.photoacoustic import kwave
module = kwave.load()
assert module is sys.modules["kwave"] and kwave.load() is module
assert listing() == before, listing()
assert urllib.request.urlretrieve is fail and os.makedirs is makedirs
assert not logging.getLogger().handlers and logging.getLogger().level == logging.WARNING
import numpy as np
from simulate.photoacoustic.acoustics import AcousticGrid
p = np.zeros((32, 32), np.float32); p[16, 16] = 1
grid = AcousticGrid(0.1, (32, 32), (0.0, 0.0), 2, 2e-8, 40)
assert np.abs(kwave.sensor_rows(p, grid, 1500.0)).max() > 1e-3
print("heard")
"""


def _run_offline():
    root = Path(__file__).parents[3]
    return subprocess.Popen(
        [sys.executable, "-c", OFFLINE], cwd=root, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        text=True,
    )  # fmt: skip


def test_two_processes_import_it_at_once_without_a_network_and_write_nothing():
    for process in [_run_offline() for _ in range(2)]:
        output, errors = process.communicate(timeout=120)
        assert output.strip() == "heard", errors


def _grid(shape, cfl, steps):
    return AcousticGrid(SPACING, shape, (0.0,) * len(shape), 4, cfl * SPACING * 1e-3 / SPEED, steps)


def _points(shape, *places):
    source = np.zeros(shape, np.float32)
    for place in places:
        source[place] = 1
    return gaussian_filter(source, acoustics.SOURCE_SIGMA_CELLS, mode="constant", truncate=5)


def _relative(found, expected):
    return np.linalg.norm(found - expected) / np.linalg.norm(expected)


def test_agrees_with_the_propagator_in_2d():
    grid = _grid((64, 64), 0.44, 180)
    source = _points(grid.shape, (40, 20), (16, 45))
    found = kwave.sensor_rows(source, grid, SPEED)
    expected = propagator.sensor_rows(source, SPACING, SPEED, grid.time_step_s, 180, sensor_row=4)
    assert np.abs(expected).max() > 0.1 * source.max()  # the wave is in the window
    assert _relative(found, expected) < 1e-3


def test_agrees_with_the_propagator_in_3d_at_64_cubed():
    grid = _grid((64, 64, 64), 0.36, 80)
    source = _points(grid.shape, (16, 30, 34), (20, 40, 26))
    weights = np.zeros((1, 64))
    weights[0, 26:38] = 1 / 12  # an element 12 nodes high
    found = kwave.sensor_rows(source, grid, SPEED, elevation_weights=weights)
    expected = propagator.sensor_rows(
        source, SPACING, SPEED, grid.time_step_s, 80, sensor_row=4, elevation_weights=weights
    )
    assert np.abs(expected).max() > 0.03 * source.max()
    assert _relative(found, expected) < 1e-3


def _layers(shape, edge):
    fast = np.broadcast_to(np.arange(shape[0])[:, None] >= edge, shape)
    return Acoustics(
        np.where(fast, 1600.0, 1400.0), np.where(fast, 1060.0, 920.0), np.where(fast, 0.6, 0.4)
    )


def test_real_fft_changes_nothing():
    grid = _grid((48, 40), 0.3, 120)
    source = _points(grid.shape, (30, 15))
    medium = _layers(grid.shape, 20)
    fast = kwave.sensor_rows(source, grid, medium)
    stock = kwave.sensor_rows(source, grid, medium, fast_fft=False, precision="float64")
    assert np.abs(fast - stock).max() < 2e-5 * np.abs(stock).max()


def test_sound_crosses_two_tissues_at_their_own_speeds():
    shape, edge = (80, 16), 36
    grid = _grid(shape, 0.3, 420)
    source = np.zeros(shape, np.float32)
    source[64] = 1  # a plane across the whole width
    source = gaussian_filter(source, acoustics.SOURCE_SIGMA_CELLS, mode="nearest")
    lossless = _layers(shape, edge)._replace(absorption_db_cm_mhz=np.zeros(shape))
    found = kwave.sensor_rows(source, grid, lossless)[8]
    arrival = np.argmax(found) * grid.time_step_s
    crossed = (edge - 0.5 - 4) * SPACING * 1e-3 / 1400 + (64 - edge + 0.5) * SPACING * 1e-3 / 1600
    assert arrival == pytest.approx(crossed, abs=2.5 * grid.time_step_s)


def test_absorption_follows_its_power_law():
    grid = _grid((128, 32), 0.3, 420)
    source = _points(grid.shape, (110, 16))
    constant = np.ones(grid.shape)
    lossless = Acoustics(1500 * constant, 1000 * constant, 0 * constant)
    clear = kwave.sensor_rows(source, grid, lossless)[16]
    lossy = kwave.sensor_rows(source, grid, lossless._replace(absorption_db_cm_mhz=constant))[16]
    frequency = np.fft.rfftfreq(grid.steps, grid.time_step_s) / 1e6
    ratio = np.abs(np.fft.rfft(lossy)) / np.abs(np.fft.rfft(clear))
    used = (frequency > 0.5) & (frequency < 1.5)
    expected = 10 ** (-1.0 * frequency[used] ** 1.1 * (106 * SPACING / 10) / 20)
    np.testing.assert_allclose(ratio[used], expected, rtol=0.03)


def test_unstable_time_step_is_refused_with_one_that_works():
    grid = _grid((64, 64), 0.6, 50)
    with pytest.raises(UserError, match=r"unstable in 2D, expected at most 0\.45.*60\.02 ns"):
        kwave.sensor_rows(np.ones((64, 64), np.float32), grid, SPEED)


def test_source_of_another_shape_is_refused():
    with pytest.raises(UserError, match=r"\(64, 64\)"):
        kwave.sensor_rows(np.ones((64, 32), np.float32), _grid((64, 64), 0.3, 50), SPEED)


def test_missing_backends_are_named():
    with pytest.raises(UserError, match=r"executable kspaceFirstOrder-OMP.*backend 'python'"):
        kwave.check_backend("cpp", "cpu")
    if kwave.importlib.util.find_spec("cupy") is None:
        with pytest.raises(UserError, match="CuPy"):
            kwave.check_backend("python", "gpu")
    with pytest.raises(UserError, match="expected backend 'python' or 'cpp'"):
        kwave.check_backend("matlab", "cpu")


@pytest.mark.parametrize("nodes", [64, 118, 190, 254, 530])
def test_layers_make_friendly_grids(nodes):
    layer = acoustics.friendly_layer(nodes, 20)
    size = nodes + 2 * layer
    for factor in (2, 3, 5):
        while size % factor == 0:
            size //= factor
    assert size == 1
    assert 20 <= layer <= 20 + nodes // 8
