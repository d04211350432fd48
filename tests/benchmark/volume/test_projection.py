"""Projections of a volume against the array itself."""

import numpy as np
import pytest

from benchmark.volume.projection import depth_projection, maximum_projection
from benchmark.volume.reconstruction import Volume


def small_volume():
    values = np.arange(4 * 5 * 6, dtype=np.float32).reshape(4, 5, 6)
    matrix = np.diag([0.5, 1.0, 2.0, 1.0])
    matrix[:3, 3] = [1.0, 2.0, 3.0]
    return Volume(values, matrix, np.ones_like(values))


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
