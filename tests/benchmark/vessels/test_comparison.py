"""Vessel trees of analytic tubes: lengths, diameters, tortuosity and distances in closed form."""

import json

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from benchmark import geometry
from benchmark.errors import UserError
from benchmark.vessels.centreline import extract, tree_of_mask
from benchmark.vessels.comparison import centreline_distances, clip, compare, dice, rasterise
from benchmark.vessels.segmentation import VesselSettings, segment
from benchmark.vessels.tree import VesselTree, branches, measure, read_tree, subdivide
from benchmark.volume.reconstruction import Volume

SPACING = 0.2


def line(points, radius):
    points = np.asarray(points, float)
    return VesselTree(points, np.full(len(points), float(radius)), np.arange(len(points)) - 1)


def helix(radius_mm=0.8, turn_mm=5.0, pitch_mm=6.0, turns=2):
    angle = np.linspace(0, 2 * np.pi * turns, 400)
    x, y = 10 + turn_mm * np.cos(angle), 10 + turn_mm * np.sin(angle)
    return line(np.stack([x, y, 3 + pitch_mm * angle / (2 * np.pi)], 1), radius_mm)


def fork():
    points = np.array([[10.0, 10, 2], [10, 10, 10], [6, 10, 18], [15, 11, 18]])
    return VesselTree(points, np.array([1.0, 1.0, 0.8, 0.6]), np.array([-1, 0, 1, 1]))


def grid(shape=(100, 100, 110), placed=None):
    matrix = np.diag([SPACING, SPACING, SPACING, 1.0])
    return matrix if placed is None else placed @ matrix, shape


def volume_of(tree, placed=None):
    matrix, shape = grid(placed=placed)
    mask = rasterise(tree, matrix, shape)
    return Volume(mask.astype(np.float32), matrix, np.ones(shape, np.float32)), mask


def moved(tree, pose):
    return VesselTree(geometry.apply(pose, tree.points_mm), tree.radius_mm, tree.parent)


# Measures of a given tree -----------------------------------------------------------------------


def test_measures_of_a_helix_are_those_of_the_formula():
    found = measure(helix())
    length = 2 * np.hypot(2 * np.pi * 5.0, 6.0)
    assert found.length_mm == pytest.approx(length, rel=1e-4)
    assert found.tortuosity == pytest.approx(length / 12.0, rel=1e-4)
    assert found.diameter_mm == pytest.approx(1.6)
    assert (found.branch_points, found.branches) == (0, 1)


def test_measures_of_a_fork():
    found, lengths = measure(fork()), [8.0, np.sqrt(80), np.sqrt(90)]
    assert found.length_mm == pytest.approx(sum(lengths))
    assert found.tortuosity == pytest.approx(1)
    assert found.diameter_mm == pytest.approx(np.dot(lengths, [2.0, 1.8, 1.6]) / sum(lengths))
    assert (found.branch_points, found.branches) == (1, 3)


def test_a_root_in_the_middle_of_a_vessel_does_not_cut_it():
    tree = VesselTree(
        np.array([[0.0, 0, 0], [3, 0, 0], [-3, 0, 0]]), np.ones(3), np.array([-1, 0, 0])
    )
    assert [path.tolist() for path in branches(tree)] == [[1, 0, 2]]
    assert measure(tree).tortuosity == pytest.approx(1)


def test_subdividing_changes_no_measure():
    tree = fork()
    fine = subdivide(tree, 0.3)
    np.testing.assert_array_equal(fine.points_mm[:4], tree.points_mm)
    one, two = fine.points_mm[fine.edges].swapaxes(0, 1)
    assert np.linalg.norm(one - two, axis=1).max() <= 0.3 + 1e-12
    assert len(fine.edges) == np.ceil(8 / 0.3) + np.ceil(80**0.5 / 0.3) + np.ceil(90**0.5 / 0.3)
    assert measure(fine).length_mm == pytest.approx(measure(tree).length_mm)
    assert measure(fine).diameter_mm == pytest.approx(measure(tree).diameter_mm)
    assert measure(fine).branch_points == 1


def test_no_vessel_has_no_measures():
    empty = VesselTree(np.zeros((0, 3)), np.zeros(0), np.zeros(0, np.int64))
    assert measure(empty).length_mm == 0 and measure(empty).diameter_mm is None
    volume, mask = volume_of(empty)
    assert not len(tree_of_mask(mask, volume.world_from_voxel))
    assert dice(mask, volume, empty) is None
    found = compare(empty, mask, volume, fork())
    assert found["vessel_dice"] == 0 and found["vessel_centreline_mean_mm"] is None
    assert found["vessel_length_error_percent"] == pytest.approx(-100)
    json.dumps(found, allow_nan=False)


# Voxels and back --------------------------------------------------------------------------------


def test_a_rasterised_cone_has_the_volume_of_the_formula():
    tree = VesselTree(
        np.array([[10.0, 10, 3], [10, 10, 18]]), np.array([2.0, 1.0]), np.array([-1, 0])
    )
    _, mask = volume_of(tree)
    frustum = np.pi * 15 / 3 * (4 + 2 + 1)
    caps = 2 / 3 * np.pi * (8 + 1)
    assert mask.sum() * SPACING**3 == pytest.approx(frustum + caps, rel=0.01)


@pytest.mark.parametrize("radius", [0.5, 0.8, 1.2])
def test_an_oblique_tube_is_measured_back(radius):
    tree = line([[4, 5, 3], [14, 12, 18]], radius)
    volume, mask = volume_of(tree)
    found = tree_of_mask(mask, volume.world_from_voxel)
    errors = compare(found, mask, volume, tree)
    assert errors["vessel_dice"] == 1
    assert abs(errors["vessel_length_error_percent"]) < 2
    assert abs(errors["vessel_diameter_error_mm"]) < 0.02
    assert errors["vessel_centreline_mean_mm"] < 0.1
    assert errors["vessel_centreline_hausdorff_mm"] < 0.35
    assert measure(found).tortuosity < 1.01
    assert errors["vessel_branch_point_error"] == 0


def test_a_helix_is_measured_back():
    tree = helix()
    volume, mask = volume_of(tree)
    found = tree_of_mask(mask, volume.world_from_voxel)
    got, true = measure(found), measure(tree)
    assert got.length_mm == pytest.approx(true.length_mm, rel=0.01)
    assert got.tortuosity == pytest.approx(true.tortuosity, rel=0.02)
    assert got.diameter_mm == pytest.approx(true.diameter_mm, rel=0.01)
    there, back = centreline_distances(found, tree)
    assert max(there.mean(), back.mean()) < 0.1


def test_a_fork_is_measured_back_in_a_turned_grid():
    placed = geometry.exp(np.array([4.0, -7.0, 2.0, 0.5, -0.3, 0.9]))
    tree = moved(fork(), placed)
    volume, mask = volume_of(tree, placed)
    found = tree_of_mask(mask, volume.world_from_voxel)
    assert (measure(found).branch_points, measure(found).branches) == (1, 3)
    errors = compare(found, mask, volume, tree)
    assert abs(errors["vessel_length_error_percent"]) < 2
    assert abs(errors["vessel_diameter_error_mm"]) < 0.06
    assert errors["vessel_centreline_p95_mm"] < 0.3
    root = found.points_mm[found.parent < 0]
    np.testing.assert_allclose(root, [tree.points_mm[0]], atol=0.4)  # the thickest end
    at = int(np.flatnonzero(found.degree == 3)[0])
    np.testing.assert_allclose(found.points_mm[at], tree.points_mm[1], atol=0.6)
    tips = found.points_mm[found.degree == 1]
    thin = np.linalg.norm(found.points_mm - tree.points_mm[3], axis=1) < 3
    thick = np.linalg.norm(found.points_mm - tree.points_mm[0], axis=1) < 3
    assert len(tips) == 3
    assert found.radius_mm[thin].mean() < 0.75 < 0.9 < found.radius_mm[thick].mean()


def test_a_vessel_leaving_the_volume_is_carried_to_its_edge():
    tree = line([[10, 10, -5], [10, 10, 30]], 0.8)
    volume, mask = volume_of(tree)
    found = tree_of_mask(mask, volume.world_from_voxel, known=volume.known)
    assert measure(found).length_mm == pytest.approx(110 * SPACING, abs=2 * SPACING)
    seen = clip(tree, volume)
    assert seen.length_mm == pytest.approx(110 * SPACING, abs=SPACING)
    assert abs(compare(found, mask, volume, seen)["vessel_length_error_percent"]) < 2


# Against a displaced truth ----------------------------------------------------------------------


def test_a_shift_gives_the_distance_and_the_dice_of_the_formula():
    radius, shift = 1.5, 1.0
    tree = line([[10, 10, -5], [10, 10, 30]], radius)
    aside = line([[10 + shift, 10, -5], [10 + shift, 10, 30]], radius)
    there, back = centreline_distances(tree, aside)
    np.testing.assert_allclose(there, shift, atol=0.01)
    np.testing.assert_allclose(back, shift, atol=0.01)
    volume, mask = volume_of(tree)
    inside = line([[10 + shift, 10, 0], [10 + shift, 10, 21.8]], radius)
    lens = 2 * radius**2 * np.arccos(shift / (2 * radius))
    lens -= shift / 2 * np.sqrt(4 * radius**2 - shift**2)
    whole = 110 * SPACING
    caps = 4 / 3 * np.pi * radius**3  # of the truth, outside the volume
    wanted = 2 * lens * whole / (2 * np.pi * radius**2 * whole + caps)
    assert dice(mask, volume, inside) == pytest.approx(wanted, rel=0.01)


def test_true_vessels_outside_the_volume_count_as_missed():
    tree, far = line([[10, 10, 5], [10, 10, 15]], 1), line([[10, -30, 5], [10, -30, 15]], 1)
    volume, mask = volume_of(tree)
    assert dice(mask, volume, far) == 0
    both = VesselTree(
        np.vstack([tree.points_mm, far.points_mm]), np.ones(4), np.array([-1, 0, -1, 2])
    )
    assert dice(mask, volume, both) == pytest.approx(2 / 3, rel=0.01)
    found = compare(tree, mask, volume, both)
    assert found["vessel_missed_mm"] == pytest.approx(20, rel=0.01)
    assert found["vessel_spurious_mm"] == 0
    assert found["vessel_centreline_hausdorff_mm"] == pytest.approx(40)


def test_clipping_keeps_what_was_seen_and_is_thick_enough():
    volume, _ = volume_of(fork())
    half = Volume(volume.values, volume.world_from_voxel, volume.weight.copy())
    half.weight[:, :, 25:] = 0  # beyond z = 5 mm nothing was seen
    assert clip(fork(), half).length_mm == pytest.approx(3, abs=SPACING)
    thick = clip(fork(), volume, min_radius_mm=0.8 - 1e-9)
    # All of the trunk and the first child, half of the second (from 1.0 down to 0.6).
    assert thick.length_mm == pytest.approx(8 + np.sqrt(80) + np.sqrt(90) / 2, abs=SPACING)


# Segmentation -----------------------------------------------------------------------------------


@pytest.mark.parametrize("polarity", ["bright", "dark"])
def test_blurred_noisy_vessels_are_segmented_at_their_wall(polarity):
    """A tree of amplitude 1 over noise of 0.15, blurred by 0.2 mm; a corner was never seen."""
    rng = np.random.default_rng(3)
    volume, mask = volume_of(fork())
    shown = gaussian_filter(mask.astype(np.float32), 0.2 / SPACING)
    shown += rng.normal(0, 0.15, mask.shape).astype(np.float32)
    weight = volume.weight.copy()
    weight[:30, :30, :30] = 0
    shown = np.where(weight > 0, 100 + 40 * (shown if polarity == "bright" else -shown), 0)
    noisy = Volume(shown.astype(np.float32), volume.world_from_voxel, weight)
    tree, found = extract(noisy, VesselSettings(polarity=polarity))
    errors = compare(tree, found, noisy, fork())
    assert errors["vessel_dice"] > 0.9
    assert abs(errors["vessel_diameter_error_mm"]) < 0.15
    assert abs(errors["vessel_length_error_percent"]) < 4
    assert errors["vessel_centreline_p95_mm"] < 0.4
    assert errors["vessel_branch_point_error"] == 0


def test_noise_alone_holds_no_vessel():
    rng = np.random.default_rng(4)
    matrix, _ = grid()
    values = rng.normal(size=(60, 60, 60)).astype(np.float32)
    assert not segment(Volume(values, matrix, np.ones_like(values))).any()
    flat = Volume(np.full_like(values, 7), matrix, np.ones_like(values))
    assert not segment(flat).any()
    nothing = Volume(np.zeros_like(values), matrix, np.zeros_like(values))
    assert not segment(nothing).any()


def test_a_weak_vessel_is_found_beside_a_strong_one():
    """The level is relative to the neighbourhood, as photoacoustic light fades with depth."""
    strong, weak = line([[5, 5, -5], [5, 5, 30]], 1), line([[15, 15, -5], [15, 15, 30]], 1)
    volume, mask = volume_of(strong)
    _, other = volume_of(weak)
    both = Volume(5 * volume.values + other, volume.world_from_voxel, volume.weight)
    found = segment(both, VesselSettings(smooth_mm=0))
    np.testing.assert_array_equal(found, mask | other)
    only = segment(both, VesselSettings(smooth_mm=0, faintest=0.3))
    np.testing.assert_array_equal(only, mask)


# Files ------------------------------------------------------------------------------------------


def test_the_truth_file_is_read(tmp_path):
    tree = fork()
    data = {"frame": "world", "kind": ["artery"] * 4}
    data |= {key: getattr(tree, key).tolist() for key in ("points_mm", "radius_mm", "parent")}
    (tmp_path / "s.json").write_text(json.dumps(data))
    found = read_tree(tmp_path / "s.json")
    for key in ("points_mm", "radius_mm", "parent"):
        np.testing.assert_array_equal(getattr(found, key), getattr(tree, key))


@pytest.mark.parametrize(
    "change",
    [
        {"parent": [-1, 0, 1, 9]},
        {"parent": [2, 0, 1, 1]},
        {"parent": [-1, 0]},
        {"radius_mm": [1.0]},
        {"points_mm": "none"},
    ],
)
def test_a_wrong_truth_file_is_one_line(tmp_path, change):
    tree = fork()
    data = {key: getattr(tree, key).tolist() for key in ("points_mm", "radius_mm", "parent")}
    (tmp_path / "s.json").write_text(json.dumps(data | change))
    with pytest.raises(UserError, match=r"s\.json"):
        read_tree(tmp_path / "s.json")
