"""Options of the B-mode engine: lines, moving tissue, shadows, thinning, filters.

As in `test_render.py`, the oracle is a direct double-precision sum or a closed form.
"""

import dataclasses
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from benchmark.errors import UserError
from simulate.bmode.render import (
    beam_for,
    image_from_iq,
    iq_mm_from_sample,
    render_bmode,
    render_iq,
)
from simulate.bmode.settings import BmodeSettings
from simulate.iq.scatterers import ScattererStore
from simulate.probe.models import PROBES
from tests.simulate.speckle import (
    FOCUS,
    QUIET,
    SIGMA_Z,
    WAVENUMBER,
    WINDOW,
    Uniform,
    all_points,
    correlation,
    listed,
    oblique,
    pose,
    sigma_elevation,
    sigma_lateral,
)

NARROW = dataclasses.replace(WINDOW, width_mm=9.0, width_px=64, depth_mm=26.0, height_px=80)


def direct_sum(x, y, z, amplitudes, lateral, depth):
    """One IQ sample: the scatterers' echoes seen from one line, float64."""
    weight = amplitudes * np.exp(
        -0.5 * (z / sigma_elevation(y)) ** 2
        - 0.5 * ((lateral - x) / sigma_lateral(y)) ** 2
        - 0.5 * ((depth - y) / SIGMA_Z) ** 2
    )
    return np.sum(weight * np.exp(-2j * WAVENUMBER * y))


def error_against_direct_sum(iq, grid, view_of_column, world, amplitudes, samples=80):
    """Relative rms error of random samples; each column sees the world points by its own view."""
    rng = np.random.default_rng(1)
    rows = rng.integers(0, len(grid.depths_mm), samples)
    columns = rng.integers(0, len(grid.lateral), samples)
    middle = view_of_column(len(grid.lateral) // 2)
    seen = world @ middle[:3, :3].T + middle[:3, 3]
    expected = np.empty(samples, complex)
    for n, (row, column) in enumerate(zip(rows, columns, strict=True)):
        lateral, depth = grid.lateral[column], grid.depths_mm[row]
        near = (np.abs(seen[:, 0] - lateral) < 2.0) & (np.abs(seen[:, 1] - depth) < 1.2)
        view = view_of_column(column)
        x, y, z = (world[near] @ view[:3, :3].T + view[:3, 3]).T
        expected[n] = direct_sum(x, y, z, amplitudes[near], lateral, depth)
        expected[n] /= np.sqrt(sigma_lateral(depth) * sigma_elevation(depth))  # compensated gain
    found = iq[rows, columns]
    scale = np.vdot(expected, found).real / np.vdot(expected, expected).real
    return np.linalg.norm(found - scale * expected) / np.linalg.norm(scale * expected)


# ---- poses that change along the lines


def moving_pose(share):
    """Return the pose at a share (0 to 1) of the width of a frame 9 mm wide.

    The hand is hasty: over a frame of 38 mm, four times as wide, it would move by 0.8 mm, of which
    0.1 mm axially, and turn by 2 degrees.
    """
    turn = np.array([0.003, -0.006, 0.004]) * (share - 0.5)
    shift = np.array([0.08, 0.02, 0.15]) * (share - 0.5) + np.array([0.0, 0.005, 0.04]) * share**2
    return pose((0.2, -0.1, 0.1), (3.0, -2.0, 41.0)) @ pose(turn, shift)


def test_each_line_is_the_direct_sum_at_its_own_pose():
    tissue = Uniform()
    shares = np.linspace(0.0, 1.0, 48)
    lines = np.stack([moving_pose(share) for share in shares])
    iq = render_iq(tissue, NARROW, QUIET, lines[None])[0]
    grid = beam_for(tissue, NARROW, QUIET).grid
    points, amplitudes = all_points(tissue, NARROW, moving_pose(0.5), reach=5.0)
    middle = moving_pose(0.5)
    world = points @ middle[:3, :3].T + middle[:3, 3]

    def view(column):
        return np.linalg.inv(moving_pose(grid.lateral[column] / 9.0 + 0.5))

    assert error_against_direct_sum(iq, grid, view, world, amplitudes) <= 0.04
    still = render_iq(tissue, NARROW, QUIET, middle[None])[0]
    assert error_against_direct_sum(still, grid, view, world, amplitudes) > 0.3


def test_lines_that_share_a_pose_are_one_pose():
    poses = oblique(2)
    lines = np.repeat(poses[:, None], 8, axis=1)
    one = render_iq(Uniform(), WINDOW, QUIET, poses)
    many = render_iq(Uniform(), WINDOW, QUIET, lines)
    assert np.linalg.norm(one - many) <= 1e-4 * np.linalg.norm(one)


def test_curvilinear_lines_follow_their_angle(monkeypatch):
    """A scatterer on the line at an angle is seen with that line's pose."""
    probe = dataclasses.replace(PROBES["curvilinear-6MHz"], depth_mm=60.0, height_px=256)
    half = 0.5 * probe.aperture_mm / probe.radius_mm
    shares = np.linspace(0.0, 1.0, 65)
    lines = np.stack([pose(translation=(0.0, 2.0 * share, 0.0)) for share in shares])
    angles = half * np.array([-0.75, 0.0, 0.5])
    targets = 100.0 * np.stack([np.sin(angles), np.cos(angles) - 0.6, 0.0 * angles], axis=1)
    listed(monkeypatch, targets, np.full(3, 1e3))
    iq = np.abs(render_iq(Uniform(), probe, QUIET, lines[None])[0])
    grid = beam_for(Uniform(), probe, QUIET).grid
    for angle in angles:
        near = np.abs(grid.lateral - angle) < 0.05
        row, column = np.unravel_index(np.argmax(iq[:, near]), iq[:, near].shape)
        moved = (angle / half * 0.5 + 0.5) * 2.0
        expected = np.hypot(100.0 * np.sin(angle), 100.0 * np.cos(angle) - moved) - 60.0
        assert grid.depths_mm[row] == pytest.approx(expected, abs=grid.row_step)
        assert grid.lateral[near][column] == pytest.approx(angle, abs=0.02)


# ---- tissue that moves


def swelling(points, time_s, world_from_image):
    """A smooth field that grows with time and pulls from far outside the slab."""
    x, y, _ = points.T
    return time_s * np.stack(
        [0.2 * np.sin(0.3 * y), -0.3 * (1.0 - np.exp(-y / 15.0)), 2.0 + 0.3 * np.cos(0.2 * x)], 1
    )


def test_moved_tissue_is_the_direct_sum_of_moved_scatterers():
    tissue, there = Uniform(), pose((0.1, -0.2, 0.1), (3.0, -2.0, 41.0))
    iq = render_iq(
        tissue, NARROW, QUIET, np.stack([there, there]), timestamps=[0.0, 1.0],
        displacement=swelling,
    )  # fmt: skip
    grid = beam_for(tissue, NARROW, QUIET).grid
    points, amplitudes = all_points(tissue, NARROW, there, reach=8.0)
    rest = points @ there[:3, :3].T + there[:3, 3]
    moved = rest + swelling(rest, 1.0, there)
    view = np.linalg.inv(there)
    assert error_against_direct_sum(iq[1], grid, lambda _: view, moved, amplitudes) <= 0.015
    assert error_against_direct_sum(iq[0], grid, lambda _: view, rest, amplitudes) <= 0.015


def test_tissue_shifted_by_centimetres_is_the_probe_shifted_back():
    shift = np.array([3.0, -1.0, 17.0])
    there = oblique(1)[0]
    moved = render_iq(
        Uniform(), WINDOW, QUIET, there[None], timestamps=[2.0],
        displacement=lambda points, time_s, pose: np.tile(0.5 * time_s * shift, (len(points), 1)),
    )  # fmt: skip
    back = render_iq(Uniform(), WINDOW, QUIET, pose(translation=-shift)[None] @ there)
    assert np.linalg.norm(moved - back) <= 1e-3 * np.linalg.norm(back)


def test_field_that_is_zero_changes_no_bit():
    def nothing(points, time_s, world_from_image):
        return np.zeros_like(points)

    poses = oblique(2)
    still = render_bmode(Uniform(), WINDOW, QUIET, poses, seed=1)
    moved = render_bmode(
        Uniform(), WINDOW, QUIET, poses, seed=1, timestamps=[0.0, 0.1], displacement=nothing
    )
    assert still.tobytes() == moved.tobytes()


def test_a_displacement_is_used_with_timestamps_only():
    def breathing(points, time_s, world_from_image):
        return np.full_like(points, 0.2 * time_s)

    poses = np.repeat(oblique(1), 2, axis=0)
    still = render_iq(Uniform(), FOCUS, QUIET, poses, displacement=breathing)
    assert correlation(still[0], still[1]) > 0.9999
    moving = render_iq(
        Uniform(), FOCUS, QUIET, poses, timestamps=[0.0, 1.0], displacement=breathing
    )
    assert correlation(moving[0], moving[1]) < 0.9
    with pytest.raises(ValueError, match="timestamps"):
        render_iq(Uniform(), FOCUS, QUIET, poses, timestamps=[0.0], displacement=breathing)


def test_displacement_that_is_not_a_number_is_named():
    with pytest.raises(ValueError, match="displacement"):
        render_iq(
            Uniform(), FOCUS, QUIET, oblique(1), timestamps=[0.0],
            displacement=lambda points, time_s, pose: np.full_like(points, np.nan),
        )  # fmt: skip


# ---- shadows


@dataclass(frozen=True)
class Slab(Uniform):
    """From 20 to 22 mm of depth, where x > 0, attenuation of 1.2 dB/mm one way at 5 MHz."""

    def attenuation_db_per_mm(self, points_mm, frequency_hz):
        x, y, _ = points_mm.T
        inside = (x > 0.0) & (y > 20.0) & (y < 22.0)
        return np.where(inside, 1.2 * frequency_hz / 5e6, 0.0)


def test_shadow_of_a_slab_is_its_two_way_loss():
    probe = dataclasses.replace(WINDOW, depth_mm=28.0, height_px=96)
    settings = dataclasses.replace(QUIET, shadows=True)
    poses = np.stack([pose(translation=(0.0, 0.0, 5.0 * n)) for n in range(3)])
    grid = beam_for(Slab(), probe, settings).grid
    dark = render_iq(Slab(), probe, settings, poses)
    light = render_iq(Slab(), probe, QUIET, poses)
    loss = 20.0 * np.log10(np.abs(dark) / np.abs(light))
    depth, lateral = grid.depths_mm, grid.lateral
    # Beside the aperture's view past the slab, at most (28 - 20) / 2 F mm wide, and the beam.
    clear = 4.0 / probe.f_number + 1.0
    behind = np.median(loss[:, depth > 22.7][:, :, lateral > clear])
    # Edges are placed to half a row: two of them, 2.4 dB/mm.
    assert behind == pytest.approx(-2.0 * 1.2 * 2.0, abs=2.4 * grid.row_step)
    assert np.abs(loss[:, :, lateral < -clear]).max() < 0.01
    assert np.abs(loss[:, depth < 19.0]).max() < 0.01
    inside = (depth > 20.7) & (depth < 21.4)
    expected = -2.4 * (depth[inside, None] - 20.0)
    seen = np.median(loss[:, inside][:, :, lateral > 1.0], axis=(0, 2))
    np.testing.assert_allclose(seen, expected[:, 0], atol=0.25)


def test_shadow_moves_with_the_tissue_and_leaves_the_noise():
    probe = dataclasses.replace(WINDOW, depth_mm=28.0, height_px=96)
    lateral = beam_for(Slab(), probe, QUIET).grid.lateral
    settings = dataclasses.replace(QUIET, shadows=True)

    def aside(points, time_s, world_from_image):
        return np.tile([4.0, 0.0, 0.0], (len(points), 1))

    moved = render_iq(
        Slab(), probe, settings, pose()[None], timestamps=[0.0], displacement=aside
    )[0]  # fmt: skip
    light = render_iq(Slab(), probe, QUIET, pose()[None], timestamps=[0.0], displacement=aside)[0]
    loss = 20.0 * np.log10(np.abs(moved[-60:]) / np.abs(light[-60:]))
    clear = 4.0 / probe.f_number  # of the aperture's view past the edge, which has moved to 4 mm
    assert np.median(loss[:, lateral < 3.5 - clear]) == pytest.approx(0.0, abs=0.05)
    assert np.median(loss[:, lateral > 4.5 + clear]) == pytest.approx(-4.8, abs=0.16)

    class Black(Slab):
        def attenuation_db_per_mm(self, points_mm, frequency_hz):
            return np.full(len(points_mm), 20.0)

    noisy = dataclasses.replace(settings, noise_db=-20.0)
    left = render_iq(Black(), probe, noisy, pose()[None], seed=3)[0]
    assert 10 * np.log10(np.mean(np.abs(left[:60]) ** 2)) == pytest.approx(-20.0, abs=2.0)


# ---- fewer scatterers where cells are large


DEEP = dataclasses.replace(WINDOW, start_depth_mm=4.0, depth_mm=40.0, height_px=160, width_px=128)


def test_thinned_scatterers_are_as_many_per_cell_at_every_depth():
    settings = dataclasses.replace(QUIET, scatterers_per_cell=4.0, depth_adaptive=True)
    poses = np.stack([pose(translation=(0, 0, 6.0 * i)) for i in range(24)])
    iq = render_iq(Uniform(), DEEP, settings, poses)
    depth = beam_for(Uniform(), DEEP, settings).grid.depths_mm
    number = 4.0 * (2.0 * np.pi) ** 1.5 / 2.35482**3
    for low, high in ((5.0, 10.0), (18.0, 22.0), (30.0, 38.0)):
        intensity = np.abs(iq[:, (depth > low) & (depth < high)].astype(complex)) ** 2
        assert intensity.mean() == pytest.approx(1.0, abs=0.05)
        contrast = intensity.std() / intensity.mean()
        assert contrast == pytest.approx(np.sqrt(1.0 + 1.0 / number), rel=0.05)


def test_thinning_hardly_decorrelates_axial_steps():
    """A scatterer that fades as it changes depth must not look like motion."""
    settings = dataclasses.replace(QUIET, depth_adaptive=True)
    grid = beam_for(Uniform(), DEEP, settings).grid
    poses = np.stack([pose(translation=(0.0, -2.0 * grid.row_step * n, 0.0)) for n in (0, 1)])
    for chosen, least in ((QUIET, 0.995), (settings, 0.985)):
        iq = render_iq(Uniform(), DEEP, chosen, poses)
        deep = grid.depths_mm[2:] > 28.0
        assert correlation(iq[1][2:][deep], iq[0][:-2][deep]) > least


def test_listed_reflectors_are_not_thinned_and_fit_whatever_their_number():
    @dataclass(frozen=True)
    class Wire(Uniform):
        strength: float = 50.0
        count: int = 20000

        def backscatter(self, points_mm):
            return np.zeros(len(points_mm))

        def reflectors(self, low_mm, high_mm, density_per_mm3):
            z = np.linspace(-3.0, 3.0, self.count)
            points = np.stack([np.zeros_like(z), np.full_like(z, 36.0), z], axis=1)
            inside = np.all((points >= low_mm) & (points < high_mm), axis=1)
            return points[inside], np.full(inside.sum(), self.strength / self.count)

    thin = dataclasses.replace(QUIET, depth_adaptive=True)
    few = render_iq(Wire(count=2000), DEEP, QUIET, pose()[None])
    many = render_iq(Wire(), DEEP, QUIET, pose()[None])
    assert np.linalg.norm(many - few) <= 0.01 * np.linalg.norm(many)
    kept = render_iq(Wire(), DEEP, thin, pose()[None])
    assert np.linalg.norm(many - kept) <= 1e-4 * np.linalg.norm(many)
    store = ScattererStore(Wire(), 60.0)
    total = sum(len(store.points((0, 8, k))[0]) for k in range(-2, 2))
    total += sum(len(store.points((0, 9, k))[0]) for k in range(-2, 2))
    assert total in (0, 20000)


# ---- everything at once, and what comes after


def test_all_options_give_the_same_bytes_from_one_and_two_threads():
    settings = BmodeSettings(
        noise_db=-30.0, shadows=True, depth_adaptive=True, speckle_reduction="median",
        dynamic_range_db=85.0,
    )  # fmt: skip
    poses = oblique(5)
    lines = np.stack([[p @ pose(translation=(0, 0, 0.02 * n)) for n in range(4)] for p in poses])
    times = 0.05 * np.arange(5)
    images = [
        render_bmode(
            Slab(), WINDOW, settings, lines, seed=5, timestamps=times, displacement=swelling,
            gain_db=np.arange(5.0), threads=threads,
        )
        for threads in (1, 2)
    ]  # fmt: skip
    assert images[0].tobytes() == images[1].tobytes()
    alone = render_bmode(
        Slab(), WINDOW, settings, lines[3:4], seed=5, timestamps=times[3:4],
        displacement=swelling, gain_db=3.0, first_frame=3,
    )  # fmt: skip
    assert alone[0].tobytes() == images[0][3].tobytes()


def test_gain_of_a_frame_shifts_its_gray_levels():
    poses = np.repeat(oblique(1), 2, axis=0)
    images = render_bmode(Uniform(), FOCUS, QUIET, poses, seed=1, gain_db=[0.0, 6.0]).astype(int)
    inside = (images[0] > 0) & (images[1] < 255)
    assert np.abs(images[1] - images[0] - 25.5)[inside].max() <= 1.0


def test_gray_levels_span_the_dynamic_range():
    """The same echo has the same decibels below white, whatever range the gray levels span."""
    decibels, inside = [], True
    for dynamic_range_db in (40.0, 85.0):
        settings = dataclasses.replace(QUIET, dynamic_range_db=dynamic_range_db)
        image = render_bmode(Uniform(), FOCUS, settings, oblique(2), seed=1).astype(float)
        decibels.append((image / 255.0 - 1.0) * dynamic_range_db)
        inside = inside & (image > 0) & (image < 255)
    assert inside.mean() > 0.95
    assert np.abs(decibels[0] - decibels[1])[inside].max() <= 0.5 * (40.0 + 85.0) / 255.0 + 1e-6


@pytest.mark.parametrize("method", ["median", "bilateral"])
def test_speckle_reduction_reduces_speckle(method):
    settings = dataclasses.replace(QUIET, speckle_reduction=method)
    poses = oblique(1)
    raw = render_bmode(Uniform(), FOCUS, QUIET, poses, seed=1).astype(float)
    smooth = render_bmode(Uniform(), FOCUS, settings, poses, seed=1).astype(float)
    assert smooth.std() < 0.8 * raw.std()
    assert abs(smooth.mean() - raw.mean()) < 6.0


def test_iq_places_its_samples():
    beam = beam_for(Uniform(), WINDOW, QUIET)
    iq = render_iq(Uniform(), WINDOW, QUIET, oblique(2))
    corner = iq_mm_from_sample(beam) @ [iq.shape[2] - 1, iq.shape[1] - 1, 0.0, 1.0]
    np.testing.assert_allclose(corner[:2], [beam.grid.lateral[-1], beam.grid.depths_mm[-1]])
    brighter = image_from_iq(iq, WINDOW, QUIET, beam, gain_db=[0.0, 3.0])
    expected = render_bmode(Uniform(), WINDOW, QUIET, oblique(2), seed=0, gain_db=[0.0, 3.0])
    np.testing.assert_array_equal(brighter, expected)


def test_line_times_lie_about_the_middle_of_the_frame():
    settings = BmodeSettings(line_time_s=1e-4, lines=101)
    times = settings.line_times(np.array([1.0, 2.0]))
    assert times.shape == (2, 101)
    np.testing.assert_allclose(times.mean(axis=1), [1.0, 2.0])
    np.testing.assert_allclose(np.diff(times), 1e-4)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("line_time_s", -1.0),
        ("lines", 1),
        ("speckle_reduction", "magic"),
        ("speckle_reduction_px", 4),
    ],
)
def test_impossible_options_are_refused(field, value):
    with pytest.raises(UserError, match=field):
        BmodeSettings(**{field: value})


# ---- the cache of compiled kernels


def test_cached_kernels_notice_a_change_of_what_they_swallowed(tmp_path):
    package = tmp_path / "kernels"
    package.mkdir()
    shutil.copy(Path(sys.modules["simulate.compiled"].__file__), package / "compiled.py")
    (package / "__init__.py").touch()
    inner = "import numba\nfrom kernels.compiled import kernel\n@kernel\ndef inner(x):\n"
    (package / "outer.py").write_text(
        "from kernels.compiled import kernel\nfrom kernels.inner import inner\n"
        "@kernel\ndef outer(x):\n    return inner(x) + 1\n"
    )
    code = (
        "from kernels.outer import outer\nprint(outer(1), sum(outer.stats.cache_hits.values()))\n"
    )
    answers = []
    for body in ("    return 10 * x\n", "    return 10 * x\n", "    return 20 * x\n"):
        (package / "inner.py").write_text(inner + body)
        done = subprocess.run(
            [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True
        )
        answers.append(done.stdout.split())
    assert answers == [["11", "0"], ["11", "1"], ["21", "0"]]
