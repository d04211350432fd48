"""The memory of photoacoustic grids: what a process takes, what is told, what is refused."""

import dataclasses
import math
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import numpy as np
import pytest

from benchmark.errors import UserError
from benchmark.machine import memory as machine
from simulate.dataset.card import describe
from simulate.dataset.memory import check_memory, memory_bytes, memory_of
from simulate.photoacoustic.memory import photoacoustic_bytes
from simulate.photoacoustic.render import render_photoacoustic
from simulate.photoacoustic.settings import PhotoacousticSettings
from simulate.spec import Spec, load_spec
from simulate.sweep.scene import subject_tissue

ON_LINUX = pytest.mark.skipif(
    not machine.STATUS.exists(), reason="reads Linux's table of processes"
)
SPEC = load_spec("tiny-v2")
PROBE = dataclasses.replace(SPEC.probe, depth_mm=6.0, height_px=24)


def with_light(spec: Spec, **changes: object) -> Spec:
    return dataclasses.replace(
        spec, photoacoustic=dataclasses.replace(spec.photoacoustic, **changes)
    )


@pytest.fixture(scope="module")
def fresh_process() -> Iterator[ProcessPoolExecutor]:
    """A process that holds no freed memory of other tests, which a frame would take up unseen."""
    with ProcessPoolExecutor(1, get_context("spawn")) as pool:
        yield pool


@ON_LINUX
@pytest.mark.parametrize(
    "changes",
    [
        {"dimensions": 3, "cells_per_wavelength": 3.0, "grid_depth_mm": None},
        {"cells_per_wavelength": 12.0},
        {"engine": "kwave", "cells_per_wavelength": 8.0, "steps": None},
    ],
    ids=["propagator 3D", "propagator 2D", "k-Wave 2D"],
)
def test_a_frame_takes_the_memory_that_was_told(
    fresh_process: ProcessPoolExecutor, changes: dict
) -> None:
    """The peak of a process grows by what the estimate says, within a third."""
    settings = dataclasses.replace(SPEC.photoacoustic, **changes)
    grown = fresh_process.submit(growth_bytes, settings).result()
    assert photoacoustic_bytes(PROBE, settings, control=False) == pytest.approx(grown, rel=1 / 3)


def growth_bytes(settings: PhotoacousticSettings) -> float:
    """Return by how much the peak memory of this process grows for a frame, compiled before."""
    tissue, poses = subject_tissue(SPEC, 0), np.eye(4)[None]
    small = dataclasses.replace(settings, dimensions=2, cells_per_wavelength=3.0)
    render_photoacoustic(tissue, PROBE, small, poses, np.array([800.0]), seed=0)  # compiles
    machine.forget_peak_memory()
    before = machine.peak_memory_mb()
    render_photoacoustic(tissue, PROBE, settings, poses, np.array([800.0]), seed=0)
    return (machine.peak_memory_mb() - before) * 2**20


def test_photoacoustic_grids_count_in_what_show_tells() -> None:
    """In 3D the grid of 8.6 million nodes outgrows all else: 1.76 GB were measured."""
    volume = with_light(SPEC, dimensions=3)
    assert memory_of(SPEC).photoacoustic < 2e7
    assert memory_bytes(volume) == pytest.approx(1.76e9, rel=0.05)
    assert "1.7 GB of memory" in describe(volume) and "0.8 GB of memory" in describe(SPEC)
    unseen = dataclasses.replace(volume, showcase=dataclasses.replace(volume.showcase, sweeps=0))
    assert memory_of(unseen).photoacoustic == 0.0


def test_kwave_takes_more_and_so_does_its_control_of_another_engine() -> None:
    settings = dataclasses.replace(SPEC.photoacoustic, dimensions=3)
    propagator = photoacoustic_bytes(SPEC.probe, settings, control=False)
    control = photoacoustic_bytes(SPEC.probe, settings, control=True)
    settings = dataclasses.replace(settings, engine="kwave")
    kwave = photoacoustic_bytes(SPEC.probe, settings, control=False)
    settings = dataclasses.replace(settings, medium="heterogeneous")
    assert propagator < control == kwave < photoacoustic_bytes(SPEC.probe, settings, control=False)


def test_a_photoacoustic_grid_without_memory_is_refused_with_one_that_fits() -> None:
    volume = with_light(SPEC, dimensions=3)
    check_memory(volume, 1, available=1.9e9)
    told = (
        r"photoacoustic: expected a grid of at most about 6.5e\+06 nodes .*cells_per_wavelength.*"
        r"for the 1.5 GB of memory there are, got 240 x 300 x 120 = 8.6e\+06, which needs 1.7 GB"
    )
    with pytest.raises(UserError, match=told):
        check_memory(volume, 1, available=1.5e9)
    check_memory(with_light(volume, cells_per_wavelength=3.0), 1, available=1.5e9)
    with pytest.raises(UserError, match=r"workers: expected at most 1"):
        check_memory(volume, 2, available=1.9e9)
    huge = with_light(load_spec("carotid-v2"), dimensions=3)
    huge = dataclasses.replace(huge, showcase=dataclasses.replace(huge.showcase, sweeps=1))
    with pytest.raises(UserError, match=r"photoacoustic: .* 1024 x 1152 x 250 = 2.9e\+08"):
        check_memory(huge, 1, available=1.6e10)
    check_memory(huge, 1, available=math.inf)
