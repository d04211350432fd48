"""Tissue against brute force and the laws it claims to follow."""

import json

import numpy as np
import pytest

from benchmark.errors import UserError
from simulate.shapes import texture
from simulate.tissue import layered, materials
from simulate.tissue.anatomy import AnatomicalTissue
from simulate.tissue.kinds import SAMPLERS, sample_tissue
from simulate.tissue.settings import KINDS, TissueSettings
from simulate.vessels.index import MARGIN_MM, build_index, wall_distance
from simulate.vessels.tree import VesselTree
from tests.simulate.entry import entry

noise = entry(texture.noise)


@pytest.fixture(scope="module")
def limb() -> AnatomicalTissue:
    return sample_tissue(np.random.default_rng(5), TissueSettings())


def brute_force(segments, points):
    """Signed distance (M,) to the nearest of tapering capsules, segment by segment."""
    best = np.full(len(points), np.inf)
    for a, b, radius_a, radius_b in ((s[:3], s[3:6], s[6], s[7]) for s in segments):
        along = b - a
        share = np.clip((points - a) @ along / (along @ along), 0, 1)
        gap = np.linalg.norm(points - a - share[:, None] * along, axis=1)
        best = np.minimum(best, gap - (radius_a + share * (radius_b - radius_a)))
    return best


def test_radius_only_changes_at_branchings_and_stays_in_its_range(limb):
    tree = limb.vessels
    child = np.flatnonzero(tree.parent >= 0)
    changes = tree.radius_mm[child] != tree.radius_mm[tree.parent[child]]
    assert set(tree.parent[child][changes]) == set(tree.branchings)
    assert tree.radius_mm.min() >= 0.4 and tree.radius_mm.max() <= 1.8
    assert (tree.parent < np.arange(len(tree))).all()


def test_vessels_keep_to_their_room(limb):
    depth = limb.depth_below_skin_mm(limb.vessels.points_mm)
    assert depth.min() >= 4.0 - 1e-9 and depth.max() <= 15.0 + 1e-9
    z = limb.vessels.points_mm[:, 2]
    assert z.min() >= -15.0 and z.max() <= 60.0


def test_the_distance_field_agrees_with_brute_force(limb):
    tree = limb.vessels
    rng = np.random.default_rng(0)
    centre = tree.points_mm[rng.integers(len(tree), size=4000)]
    points = centre + rng.normal(0, 0.9, centre.shape)
    expected = brute_force(tree.segments, points)
    index, distance = build_index(tree), entry(wall_distance)
    found = np.array([distance(*point, *index.lookup)[0] for point in points])
    near = expected < MARGIN_MM
    assert near.sum() > 1000 and (expected < 0).sum() > 500
    assert np.allclose(found[near], expected[near], atol=1e-12)
    assert (found[~near] >= MARGIN_MM).all()


def test_lumen_is_dark_and_its_wall_bright(limb):
    rng = np.random.default_rng(1)
    tree = limb.vessels
    points = tree.points_mm[rng.integers(len(tree), size=3000)] + rng.normal(0, 0.8, (3000, 3))
    distance = brute_force(tree.segments, points)
    echo = limb.backscatter(points)
    blood, walls = echo[distance < -1e-9], (materials.INTIMA, materials.MEDIA, materials.ADVENTITIA)
    assert np.sqrt((blood**2).mean()) == pytest.approx(limb.blood_level, rel=0.15)
    assert 0.0 < blood.min() < 0.7 * blood.mean() < blood.max() < 0.1
    wall = (distance > 1e-9) & (distance < 0.14)  # the thinnest wall, 0.10 + 0.06 * 0.4 mm, or more
    wall &= np.isin(limb._classify(points)[1], walls)
    assert wall.sum() > 100
    assert set(echo[wall]) == {limb.materials[number].level for number in walls}
    assert limb.blood_level < 0.05 < 1.0 < limb.materials[materials.INTIMA].level


def test_layers_lie_one_below_the_other(limb):
    """Down any line: outside, skin, fat, fascia, muscle, fascia, deep muscle, vessels aside."""
    order = [materials.OUTSIDE, layered._SKIN, layered._FAT, materials.FASCIA, layered._MUSCLE,
             materials.FASCIA, layered._DEEP]  # fmt: skip
    y = np.arange(-2.0, 24.0, 0.02)
    seen = 0
    for x, z in np.random.default_rng(2).uniform((-12, 0), (12, 40), (60, 2)):
        points = np.column_stack([np.full_like(y, x), y, np.full_like(y, z)])
        _, layer, _ = limb._classify(points)
        if not np.isin(layer, order).all():
            continue
        seen += 1
        assert layer[np.r_[True, np.diff(layer) != 0]].tolist() == order
    assert seen > 10


def test_backscatter_is_zero_outside_and_about_one_in_muscle(limb):
    rng = np.random.default_rng(3)
    points = rng.uniform((-12, -3, 0), (12, 22, 40), (200_000, 3))
    depth, layer, _ = limb._classify(points)
    echo = limb.backscatter(points)
    assert np.array_equal(depth < 0, echo == 0)
    assert np.allclose(depth, limb.depth_below_skin_mm(points), atol=1e-12)
    muscle = np.isin(layer, [layered._MUSCLE, layered._DEEP])
    assert 0.7 < np.sqrt((echo[muscle] ** 2).mean()) < 1.4
    fat = np.sqrt((echo[layer == layered._FAT] ** 2).mean())
    assert fat < 0.5 * np.sqrt((echo[muscle] ** 2).mean())


def test_muscle_is_smoother_along_its_fibres_than_across(limb):
    rng = np.random.default_rng(4)
    start = rng.uniform((-10, 8, 0), (10, 20, 40), (40_000, 3))

    def correlation(offset):
        ends = start + offset
        layers = limb._classify(start)[1], limb._classify(ends)[1]
        same = (layers[0] == layers[1]) & np.isin(layers[0], [layered._DEEP])
        return np.corrcoef(limb.backscatter(start[same]), limb.backscatter(ends[same]))[0, 1]

    slope = limb.materials[layered._DEEP].slope
    along = correlation(np.array([0.0, slope, 1.0]) / np.hypot(1.0, slope))
    assert along > correlation(np.array([1.0, 0.0, 0.0])) + 0.2


def test_echoes_do_not_depend_on_what_is_asked_beside(limb):
    points = np.random.default_rng(6).uniform((-12, 0, 0), (12, 22, 40), (5000, 3))
    whole = limb.backscatter(points)
    assert np.array_equal(whole[1234:1300], limb.backscatter(points[1234:1300]))


def test_noise_is_smooth_and_bounded():
    rng = np.random.default_rng(7)
    points = rng.uniform(-50, 50, (20_000, 3))
    seed, points = np.uint32(9), points.astype(np.float32)
    value = np.array([noise(seed, *p) for p in points])
    assert value.min() >= 0.0 and value.max() <= 1.0
    assert value.mean() == pytest.approx(0.5, abs=0.01)
    moved = np.array([noise(seed, *(p + np.float32(1e-4))) for p in points])
    assert np.abs(moved - value).max() < 1e-3  # slope of at most 1.5 along each axis


def test_noise_at_lattice_points_is_uniform_and_independent():
    place = np.stack(np.meshgrid(*[np.arange(-20, 21)] * 3, indexing="ij"), -1).astype(np.float32)
    value = np.array([noise(np.uint32(3), *p) for p in place.reshape(-1, 3)])
    cube = value.reshape(place.shape[:3])
    share = np.histogram(value, bins=10, range=(0.0, 1.0))[0] / len(value)
    assert np.abs(share - 0.1).max() < 0.006
    for axis in range(3):
        ahead, behind = np.delete(cube, 0, axis).ravel(), np.delete(cube, -1, axis).ravel()
        assert abs(np.corrcoef(ahead, behind)[0, 1]) < 0.02


TEXTURES = {
    "lobules": texture.LOBULES, "strands": texture.STRANDS, "loose": texture.LOOSE,
    "fibrils": texture.FIBRILS, "honeycomb": texture.HONEYCOMB, "grains": texture.GRAINS,
    "swirls": texture.SWIRLS,
}  # fmt: skip


@pytest.mark.parametrize("terms", TEXTURES.values(), ids=TEXTURES)
def test_a_texture_keeps_the_power_and_lies_along_its_slope(terms):
    x, below, z = np.random.default_rng(8).uniform(0, 300, (3, 200_000)).astype(np.float32)

    def values(across, down, along, slope=0.3):
        result = np.ones(len(across), np.float32)
        rows = texture.term_rows(terms, slope)
        texture.add_texture(np.uint32(5), rows, across, down, along, result)
        return result

    here = values(x, below, z)
    assert here.min() > 0.0
    assert np.sqrt((here**2).mean()) == pytest.approx(1.0, abs=0.03)
    turned = values(x, below + np.float32(0.3) * z, z)
    np.testing.assert_allclose(turned, values(x, below, z, slope=0.0), rtol=2e-2, atol=2e-2)


def test_chromophores_are_blood_in_vessels_and_melanin_in_the_skin(limb):
    tree = limb.vessels
    inside = limb.chromophores(tree.points_mm)
    assert (inside.blood_fraction == 1.0).all()
    arterial = tree.kind == 0
    clear = np.flatnonzero(tree.parent >= 0)
    assert np.mean(inside.oxygenation[clear][arterial[clear]] == 0.97) > 0.97
    assert np.mean(inside.oxygenation[clear][~arterial[clear]] == 0.70) > 0.97
    x, z = np.linspace(-10, 10, 50), np.linspace(0, 30, 50)
    y, _ = limb.skin_surface(x, z)
    skin = limb.chromophores(np.column_stack([x, y + 0.05, z]))
    assert (skin.melanin_fraction > 0).all() and (skin.blood_fraction == 0).all()
    below = limb.chromophores(np.column_stack([x, y + 1.0, z]))
    assert (below.melanin_fraction == 0).all()


def test_acoustics_tell_fat_from_muscle_and_gel(limb):
    y = np.arange(-1.0, 22.0, 0.1)
    points = np.column_stack([np.full_like(y, 11.0), y, np.full_like(y, 3.0)])
    layer = limb._classify(points)[1]
    speed = limb.acoustics(points).sound_speed_m_s
    assert (speed[layer == layered._FAT] == 1450).all()
    assert (speed[layer == layered._DEEP] == 1580).all()
    assert (speed[layer == materials.OUTSIDE] == 1500).all()


def test_subjects_differ_and_a_seed_repeats_its_subject():
    settings = TissueSettings()
    first, again, other = (
        sample_tissue(np.random.default_rng(seed), settings) for seed in (1, 1, 2)
    )
    points = np.random.default_rng(0).uniform((-12, 0, 0), (12, 22, 40), (2000, 3))
    assert np.array_equal(first.backscatter(points), again.backscatter(points))
    assert np.array_equal(first.vessels.points_mm, again.vessels.points_mm)
    assert first.key != other.key
    assert not np.allclose(first.backscatter(points), other.backscatter(points))


def test_landmarks_are_branchings_and_centres_of_visible_vessels(limb):
    tree = limb.vessels
    marks = limb.landmarks_mm
    nodes = {tuple(point) for point in tree.points_mm[tree.radius_mm >= 0.5]}
    assert len(marks) and all(tuple(mark) in nodes for mark in marks)
    thick = tree.branchings[tree.radius_mm[tree.branchings] >= 0.5]
    assert {tuple(tree.points_mm[node]) for node in thick} <= {tuple(mark) for mark in marks}


def test_truth_is_plain_json_that_gives_the_tree_back(limb):
    content = json.loads(json.dumps(limb.vessels.to_json()))
    assert np.allclose(content["points_mm"], limb.vessels.points_mm, atol=1e-6)
    assert np.allclose(content["radius_mm"], limb.vessels.radius_mm, atol=1e-9)
    assert content["parent"] == limb.vessels.parent.tolist()
    assert set(content["kind"]) == {"artery", "vein"}


def test_uniform_tissue_is_uniform_and_has_no_vessels():
    tissue = sample_tissue(np.random.default_rng(0), TissueSettings(kind="uniform"))
    points = np.array([[0.0, -0.1, 0.0], [0.0, 0.1, 3.0], [9.0, 30.0, -8.0]])
    assert tissue.backscatter(points).tolist() == [0.0, 1.0, 1.0]
    assert len(tissue.vessels) == 0 and len(tissue.landmarks_mm) == 0
    assert len(VesselTree.empty().segments) == 0
    y, normal = tissue.skin_surface(np.array([3.0]), np.array([4.0]))
    assert y[0] == 0.0 and normal[0].tolist() == [0.0, 1.0, 0.0]


@pytest.mark.parametrize(
    ("change", "key"),
    [
        ({"vessel_radius_mm": (-0.1, 1.0)}, "tissue.vessel_radius_mm"),
        ({"vessel_radius_mm": (1.0, 0.5)}, "tissue.vessel_radius_mm"),
        ({"arteries": -1}, "tissue.arteries"),
        ({"kind": "layerd"}, "did you mean 'layered'"),
        ({"fat_mm": (0.0, 1.0)}, "tissue.fat_mm"),
        ({"vessel_extent_mm": (3.0, 3.0)}, "tissue.vessel_extent_mm"),
    ],
)
def test_impossible_tissue_is_refused(change, key):
    with pytest.raises(UserError, match=key):
        TissueSettings(**change)


def test_every_kind_that_a_spec_may_ask_for_is_drawn():
    assert sorted(SAMPLERS) == sorted(KINDS)
