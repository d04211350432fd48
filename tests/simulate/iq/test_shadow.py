"""Shadows of simple obstacles against the share of the aperture that sees past them."""

from dataclasses import replace

import numpy as np
import pytest

from simulate.iq.beam import sampled_beam
from simulate.iq.shadow import RAYS, transmission
from simulate.probe.transducer import Probe

LINEAR = Probe(depth_mm=40.0)
CURVED = replace(
    LINEAR, geometry="curvilinear", radius_mm=60.0, elements=128, pitch_mm=0.48, f_number=3.0,
    elevation_focus_mm=60.0, element_height_mm=13.0, transmit_focus_mm=60.0, depth_mm=60.0,
    start_depth_mm=-10.0, width_mm=60.0,
)  # fmt: skip


def shadow(probe, attenuation):
    """Amplitude (rows, lines), depths (rows,) mm and lateral positions (lines,)."""
    beam = sampled_beam(probe, 0.5, 50.0)
    left = transmission(attenuation, beam, np.eye(4)[None])
    grid = beam.grid
    depths = grid.first_row + grid.row_step * np.arange(grid.rows)
    columns = np.linspace(0.0, grid.columns - 1.0, left.shape[1])
    return left, depths, grid.first_column + grid.column_step * columns


def wall(points, frequency_hz):
    """Where x > 0, nothing passes from 10 to 10.5 mm below a flat face."""
    x, y, _ = points.T
    return np.where((x > 0.0) & (y > 10.0) & (y < 10.5), 1000.0, 0.0)


def test_the_penumbra_of_a_half_plane_is_the_free_share_of_the_aperture():
    left, depths, lateral = shadow(LINEAR, wall)
    step = lateral[1] - lateral[0]
    for depth in (14.0, 20.0, 30.0, 38.0):
        row = left[np.abs(depths - depth).argmin()]
        half = (depth - 10.25) / (2.0 * LINEAR.f_number)  # of the aperture, seen from the wall
        free = np.clip(0.5 * (1.0 - lateral / half), 0.0, 1.0)
        slack = 1.0 / RAYS + 0.5 * step / half
        inside = np.abs(lateral) < 12.0
        assert np.abs(np.sqrt(row) - free)[inside].max() < slack
        assert np.abs(np.sqrt(row) - free)[inside].mean() < 0.3 * slack
    above = left[depths < 9.9]
    np.testing.assert_array_equal(above, 1.0)


def test_an_even_layer_takes_its_loss_for_any_aperture():
    """1 dB/mm below 12 mm: rays count as long as the line."""

    def layer(points, frequency_hz):
        return np.where(points[:, 1] > 12.0, 1.0 * frequency_hz / 5e6, 0.0)

    left, depths, _ = shadow(LINEAR, layer)
    np.testing.assert_array_equal(left[depths < 11.9], 1.0)
    row = np.abs(depths - 20.0).argmin()
    assert 20.0 * np.log10(left[row]) == pytest.approx(-2.0 * (depths[row] - 12.0), rel=0.12)
    assert np.ptp(left, axis=1).max() < 1e-6


def test_behind_the_edge_of_a_curved_array_half_of_each_way_is_free():
    def sector(points, frequency_hz):
        x, y, _ = points.T
        depth = np.hypot(x, y + CURVED.radius_mm) - CURVED.radius_mm
        return np.where((x > 0.0) & (depth > 15.0) & (depth < 16.0), 1000.0, 0.0)

    left, depths, lateral = shadow(CURVED, sector)
    row = left[np.abs(depths - 45.0).argmin()]
    assert np.interp(0.0, lateral, row) == pytest.approx(0.25, abs=0.06)
    assert row[lateral < -0.15].min() > 0.99 and row[lateral > 0.15].max() < 0.01


def test_an_obstacle_narrower_than_the_aperture_leaves_a_faint_shadow_far_behind():
    """A rod two millimetres wide, of 20 dB, dims what of the aperture it covers from the point.

    Losses in dB are interpolated from line to line, so an opaque rod would be a line wider.
    """

    def rod(points, frequency_hz):
        x, y, _ = points.T
        return np.where((np.abs(x) < 1.0) & (y > 10.0) & (y < 10.5), 40.0, 0.0)

    left, depths, lateral = shadow(LINEAR, rod)
    middle = np.abs(lateral).argmin()
    half = (depths - 10.25) / (2.0 * LINEAR.f_number)
    for depth in (12.0, 25.0, 39.0):
        row = np.abs(depths - depth).argmin()
        free = max(1.0 - 1.0 / half[row], 0.0)
        assert np.sqrt(left[row, middle]) == pytest.approx(free + 0.1 * (1.0 - free), abs=0.12)
