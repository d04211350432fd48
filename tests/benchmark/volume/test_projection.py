"""Slices and projections of a volume against the array itself."""

import numpy as np
import pytest

from benchmark.volume.projection import depth_projection, maximum_projection, slice_through
from benchmark.volume.reconstruction import Volume


def small_volume():
    values = np.arange(4 * 5 * 6, dtype=np.float32).reshape(4, 5, 6)
    matrix = np.diag([0.5, 1.0, 2.0, 1.0])
    matrix[:3, 3] = [1.0, 2.0, 3.0]
    return Volume(values, matrix, np.ones_like(values))


def test_a_slice_along_the_axes_is_the_array():
    volume = small_volume()
    picture = slice_through(volume, [1.0, 4.0, 3.0], "xz", spacing_mm=0.5)
    np.testing.assert_allclose(picture.pixels[::4], volume.values[:, 2].T, atol=1e-5)
    np.testing.assert_allclose(picture.across_mm, [1.0, 2.5])
    np.testing.assert_allclose(picture.down_mm, [3.0, 13.0])
    np.testing.assert_allclose(picture.extent, [0.75, 2.75, 13.25, 2.75])


def test_an_oblique_slice_of_a_linear_volume_is_linear():
    volume = small_volume()
    directions = np.array([[0.6, 0.8, 0.0], [0.0, 0.0, 1.0]])
    centre = np.array([1.7, 3.5, 7.0])
    picture = slice_through(volume, centre, directions, spacing_mm=0.25)
    across = np.linspace(*picture.across_mm, picture.pixels.shape[1]) - directions[0] @ centre
    down = np.linspace(*picture.down_mm, picture.pixels.shape[0]) - centre[2]
    points = centre + across[None, :, None] * directions[0] + down[:, None, None] * directions[1]
    index = (points - [1, 2, 3]) / [0.5, 1, 2]
    inside = ((index >= 0) & (index <= [3, 4, 5])).all(-1)
    np.testing.assert_allclose(
        picture.pixels[inside], (index @ [30.0, 6.0, 1.0])[inside], rtol=1e-5, atol=1e-4
    )
    assert inside.sum() > 20


@pytest.mark.parametrize(("axis", "across", "down"), [("x", 2, 1), ("y", 0, 2), ("z", 0, 1)])
def test_projections_show_the_brightest_voxel_in_its_place(axis, across, down):
    volume = small_volume()
    place = (1, 3, 2)
    volume.values[place] = 1000
    picture = maximum_projection(volume, axis)
    assert picture.pixels[place[down], place[across]] == 1000
    assert picture.pixels.shape == (volume.values.shape[down], volume.values.shape[across])
    number = "xyz".index(axis)
    coloured = depth_projection(volume, axis, brightest=100)
    assert coloured.pixels.shape == (*picture.pixels.shape, 3)
    row, column = np.unravel_index(coloured.pixels.max(-1).argmax(), picture.pixels.shape)
    assert (row, column) == (place[down], place[across])
    first = volume.world_from_voxel[number, 3]
    last = first + volume.spacing_mm[number] * (volume.values.shape[number] - 1)
    np.testing.assert_allclose(coloured.depth_mm, [first, last])
