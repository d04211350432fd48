"""Where the input grid lies on images: by depth, by lateral centre, and by whose pixels."""

import pytest
import torch

from moglo.grid import own_grid, placement

PIXEL, TOP = torch.tensor([0.25, 0.2], dtype=torch.double), torch.tensor(1.0, dtype=torch.double)


def matrix(x: float = 0.25, y: float = 0.2, left: float = -11.875, top: float = 1.0):
    found = torch.diag(torch.tensor([x, y, 1.0, 1.0], dtype=torch.double))
    found[0, 3], found[1, 3] = left, top
    return found[None]


def test_images_of_training_have_the_grid_as_their_own():
    found = placement(matrix(), (96, 96), 96, PIXEL, TOP)
    assert (found.first == 0).all() and (found.step == 1).all()
    torch.testing.assert_close(found.centre_mm[0], torch.tensor([0.0, 10.5, 0.0]).double())


@pytest.mark.parametrize(
    ("top_mm", "rows"), [(1.0, 95), (1.0, 80), (2.6, 88), (0.0, 120), (1.0, 60)]
)
def test_depth_decides_the_rows_and_the_centre_whatever_is_cut(top_mm, rows):
    found = placement(matrix(top=top_mm), (rows, 96), 96, PIXEL, TOP)
    assert found.first[0, 1].item() == pytest.approx((1.0 - top_mm) / 0.2)
    assert found.centre_mm[0, 1].item() == pytest.approx(1.0 + 95 / 2 * 0.2)


def test_columns_are_cut_or_added_alike_at_both_sides():
    found = placement(matrix(left=-10.875), (96, 88), 96, PIXEL, TOP)
    assert found.first[0].tolist() == [-4, 0]
    assert found.centre_mm[0, 0].item() == pytest.approx(0)


def test_pixels_of_another_size_keep_the_places_in_mm():
    seen = matrix(x=0.1, y=0.08, top=0.0)
    found = placement(seen, (300, 240), 96, PIXEL, TOP)
    first = seen[0, :2, :2] @ found.first[0] + seen[0, :2, 3]
    assert first[1].item() == pytest.approx(1.0)
    torch.testing.assert_close(found.step[0], torch.tensor([2.5, 2.5]).double())


@pytest.mark.parametrize("turn", ["far", "upwards"])
def test_depths_of_another_origin_are_centred(turn):
    seen = matrix(top=40.0)
    if turn == "upwards":
        seen = matrix(top=20.0)
        seen[0, 1, 1] *= -1
    found = placement(seen, (90, 96), 96, PIXEL, TOP)
    assert found.first[0].tolist() == [0, -3]


def test_each_image_of_a_batch_has_its_own_place():
    seen = torch.cat([matrix(), matrix(top=1.4), matrix(x=0.5)])
    found = placement(seen, (96, 96), 96, PIXEL, TOP)
    assert found.first[:, 1].tolist() == pytest.approx([0, -2, 0])
    assert found.step[:, 0].tolist() == [1, 1, 0.5]


def test_a_grid_of_other_size_shares_the_outer_edges_of_images():
    pixel, top = own_grid(matrix(), (96, 96), 48)
    assert pixel.tolist() == pytest.approx([0.5, 0.4])
    assert top.item() == pytest.approx(1.0 - 0.1 + 0.2)
    found = placement(matrix(), (96, 96), 48, pixel, top)
    assert found.first[0].tolist() == pytest.approx([0.5, 0.5])
