"""What a screen does with the images of a sweep: closed forms of each step, and the mask."""

import dataclasses

import numpy as np
import pytest

from benchmark.errors import UserError
from simulate.bmode.overlay import draw_overlay
from simulate.bmode.scan_conversion import field_of_view
from simulate.bmode.screen import draw_screen, show, window
from simulate.bmode.settings import BmodeSettings, ScreenSettings
from simulate.probe.models import PROBES
from simulate.probe.transducer import Probe
from simulate.spec import load_spec
from simulate.sweep.compose import make_sweep

PROBE = Probe(width_px=80, height_px=60, width_mm=31.6, depth_mm=29.5)  # pixels of 0.4 x 0.5 mm
PLAIN = BmodeSettings()
TINY = load_spec("tiny-v2")


def stream(seed=0):
    return np.random.default_rng(seed)


def noise_frames(count=5, seed=1):
    return stream(seed).integers(0, 256, (count, 60, 80)).astype(np.uint8)


def shown(frames, settings=PLAIN, screen=None, times=None):
    out = frames.copy()
    times = np.arange(len(frames)) / 20.0 if times is None else np.asarray(times)
    show(out, times, 20.0, settings, screen or draw_screen(stream(), PROBE, ScreenSettings()))
    return out


def test_off_it_changes_nothing_and_has_no_mask():
    frames = noise_frames()
    np.testing.assert_array_equal(shown(frames), frames)
    assert draw_screen(stream(), PROBE, ScreenSettings()).mask is None


# ---- persistence, blur, grey curve


def test_persistence_is_the_recursive_mean_of_shown_frames():
    frames = noise_frames()
    found = shown(frames, BmodeSettings(persistence=0.6))
    expected = frames[0].astype(float)
    for number, frame in enumerate(frames):
        expected = 0.6 * expected + 0.4 * frame if number else expected
        assert np.abs(found[number] - expected).max() <= 0.51
    np.testing.assert_array_equal(found[0], frames[0])


def test_persistence_of_noise_leaves_the_variance_of_a_recursive_filter():
    frames = np.clip(stream(2).normal(128.0, 20.0, (60, 60, 80)), 0, 255).astype(np.uint8)
    found = shown(frames, BmodeSettings(persistence=0.5))[20:].astype(float)
    assert found.std() / frames.std() == pytest.approx(np.sqrt(0.5 / 1.5), rel=0.03)
    one, two = found[:-1] - found.mean(), found[1:] - found.mean()
    assert (one * two).mean() / found.var() == pytest.approx(0.5, abs=0.03)


def test_lost_frames_fade_what_was_shown_before_as_if_they_had_been_averaged():
    frames = noise_frames(3)
    found = shown(frames, BmodeSettings(persistence=0.7), times=[0.0, 0.15, 0.2])
    first = 0.7**3 * frames[0] + (1.0 - 0.7**3) * frames[1].astype(float)
    assert np.abs(found[1] - first).max() <= 0.51
    assert np.abs(found[2] - 0.7 * first - 0.3 * frames[2]).max() <= 0.51


def test_blur_is_a_gaussian_along_rows():
    frames = np.zeros((1, 60, 80), np.uint8)
    frames[0, :, 40] = 255
    found = shown(frames, BmodeSettings(lateral_blur_px=2.0))[0].astype(float)
    assert np.abs(found - found[0]).max() == 0.0
    place = np.arange(80) - 40
    expected = 255.0 * np.exp(-0.5 * (place / 2.0) ** 2) / np.sqrt(2.0 * np.pi * 4.0)
    np.testing.assert_allclose(found[0], expected, atol=0.6)


@pytest.mark.parametrize("gamma", [0.3, 0.5, 2.0, 4.0])
def test_grey_curve_is_a_power(gamma):
    frames = np.tile(np.arange(256, dtype=np.uint8)[:240].reshape(3, 80), (1, 20, 1))
    found = shown(frames, BmodeSettings(gamma=gamma)).astype(float)
    np.testing.assert_allclose(found, 255.0 * (frames / 255.0) ** gamma, atol=0.51)


# ---- borders, sectors, marks


def test_black_borders_take_their_shares():
    settings = ScreenSettings(black_left=0.1, black_right=0.25, black_top=0.05, black_bottom=0.5)
    screen = draw_screen(stream(), PROBE, settings)
    expected = np.zeros((60, 80), bool)
    expected[3:30, 8:60] = True
    np.testing.assert_array_equal(screen.mask, expected)
    found = shown(noise_frames(), screen=screen)
    assert (found[:, ~expected] == 0).all() and found[:, expected].any()


@pytest.mark.parametrize("degrees", [40.0, 70.0, 150.0])
def test_a_sector_has_its_opening_and_its_arc(degrees):
    found = window(PROBE, ScreenSettings(sector_deg=degrees))
    x, y = 0.4 * (np.arange(80) - 39.5), 0.5 * np.arange(60)
    half = np.deg2rad(0.5 * degrees)
    apex = min(29.5 - 15.8 / np.tan(half), 0.0)  # above the image, or on its upper edge
    angle = np.arctan2(x, y[:, None] - apex)
    radius = np.hypot(x, y[:, None] - apex)
    clear = (np.abs(np.abs(angle) - half) > 1e-6) & (np.abs(radius - 29.75 + apex) > 1e-6)
    expected = (np.abs(angle) <= half) & (radius <= 29.75 - apex)
    np.testing.assert_array_equal(found[clear], expected[clear])
    np.testing.assert_array_equal(found, found[:, ::-1])
    assert 0.1 < found.mean() < 0.95 and found[-2, 39:41].all()


def test_a_sector_lies_in_what_the_borders_leave():
    settings = ScreenSettings(black_left=0.5, black_bottom=0.2, sector_deg=60.0)
    found = window(PROBE, settings)
    rows, columns = np.nonzero(found)
    assert columns.min() >= 40 and rows.max() == 47
    assert (found[:, 40:] == found[:, 40:][:, ::-1]).all()


def test_marks_are_fixed_by_their_stream_and_grow_with_the_amount():
    taken = []
    for amount in (0.0, 0.2, 0.6, 1.0):
        drawn = draw_overlay(stream(4), PROBE, amount)
        again = draw_overlay(stream(4), PROBE, amount)
        np.testing.assert_array_equal(drawn.gray, again.gray)
        assert not drawn.gray[~drawn.taken].any()
        taken.append(drawn.taken.sum())
    assert taken[0] == 0 and (np.diff(taken) > 0).all() and taken[-1] < 0.5 * 60 * 80
    other = draw_overlay(stream(5), PROBE, 1.0)
    assert (other.taken != draw_overlay(stream(4), PROBE, 1.0).taken).any()


def test_ticks_of_the_scale_have_their_depths():
    probe = dataclasses.replace(PROBE, height_px=600, depth_mm=39.0)
    for seed in range(4):
        drawn = draw_overlay(stream(seed), probe, 0.01)
        sides = [drawn.taken[:, :3], drawn.taken[:, -3:]]
        side = max(sides, key=lambda part: part.sum())
        starts = np.flatnonzero(np.diff(side[:, 0].astype(int), prepend=0) == 1)
        np.testing.assert_allclose(probe.row_depths_mm[starts], np.arange(20) * 2.0, atol=0.04)


def test_marks_are_shown_as_they_are_and_left_out_of_the_mask():
    screen = draw_screen(stream(1), PROBE, ScreenSettings(overlay=1.0))
    found = shown(noise_frames(), BmodeSettings(gamma=2.0, persistence=0.5), screen)
    taken = screen.overlay.taken
    assert (found[:, taken] == screen.overlay.gray[taken]).all()
    np.testing.assert_array_equal(screen.mask, ~taken)


# ---- sweeps


def test_a_convex_probe_has_the_mask_of_its_fan():
    probe = dataclasses.replace(
        PROBES["curvilinear-6MHz"], width_px=160, height_px=120, name="coarse"
    )
    screen = draw_screen(stream(), probe, ScreenSettings())
    x = np.linspace(-0.5, 0.5, 160) * probe.width_mm
    y = np.linspace(probe.start_depth_mm, probe.depth_mm, 120)[:, None] + 60.0
    radius, half = np.hypot(x, y), 0.5 * 128 * 0.48 / 60.0
    expected = (radius >= 60.0) & (radius <= 155.0) & (np.abs(np.arctan2(x, y)) <= half)
    np.testing.assert_array_equal(screen.mask, expected)
    np.testing.assert_array_equal(field_of_view(probe), expected)


def test_a_sweep_has_its_screen_and_its_mask():
    spec = dataclasses.replace(
        TINY,
        showcase=dataclasses.replace(TINY.showcase, sweeps=0),
        screen=ScreenSettings(black_left=0.25, sector_deg=80.0, overlay=0.5),
        bmode=dataclasses.replace(TINY.bmode, persistence=0.3, gamma=1.5),
        contact=dataclasses.replace(TINY.contact, indent_mm=0.5),
    )
    sweep = make_sweep(spec, 0)
    mask, frames = sweep.bmode.mask, sweep.bmode.frames
    assert mask is not None and not mask[:, :12].any() and mask.any()
    assert (frames[:, ~mask] == frames[0][~mask]).all()  # black, or a mark that stays
    assert make_sweep(TINY, 0).bmode.mask is None


@pytest.mark.parametrize(
    ("table", "field", "value"),
    [
        (ScreenSettings, "black_left", -0.1),
        (ScreenSettings, "black_bottom", 0.95),
        (ScreenSettings, "sector_deg", 5.0),
        (ScreenSettings, "sector_deg", 200.0),
        (ScreenSettings, "overlay", 1.1),
        (BmodeSettings, "persistence", 1.0),
        (BmodeSettings, "persistence", -0.1),
        (BmodeSettings, "lateral_blur_px", -1.0),
        (BmodeSettings, "gamma", 0.0),
        (BmodeSettings, "gamma", 9.0),
    ],
)
def test_impossible_screens_are_refused(table, field, value):
    name = "screen" if table is ScreenSettings else "bmode"
    with pytest.raises(UserError, match=rf"{name}\.{field}: expected .*, got"):
        table(**{field: value})


def test_borders_that_leave_nothing_are_refused():
    with pytest.raises(UserError, match=r"screen.black_right: .* with screen.black_left, got 1"):
        ScreenSettings(black_left=0.5, black_right=0.5)
