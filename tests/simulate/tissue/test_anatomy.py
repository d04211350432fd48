"""Forearm, carotid and inclusions: places of their structures, and subjects that differ."""

import dataclasses
import json
import math

import numpy as np
import pytest

from benchmark.errors import UserError
from simulate.shapes.bodies import BODY, Body, Septum, body_rows, septum_rows
from simulate.shapes.septa import septa_crossings
from simulate.shapes.sheets import height, sheet_height, sheet_slope
from simulate.tissue import carotid, forearm, inclusions, materials
from simulate.tissue.anatomy_kernels import body_reach
from simulate.tissue.kinds import sample_tissue
from simulate.tissue.settings import KINDS, TissueSettings
from tests.simulate.entry import entry

height, body_reach = entry(height), entry(body_reach)
ANATOMIES = ("forearm", "carotid", "inclusions")


def subject(kind, seed=4, **changes):
    return sample_tissue(np.random.default_rng(seed), TissueSettings(kind=kind, **changes))


def body_points(count=60_000, seed=0):
    return np.random.default_rng(seed).uniform((-16, -1, 0), (16, 38, 40), (count, 3))


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_answers_every_question(kind):
    tissue, points = subject(kind), body_points(4000)
    echo = tissue.backscatter(points)
    outside = tissue.depth_below_skin_mm(points) < 0
    assert echo.shape == (4000,) and (echo >= 0).all() and not echo[outside].any()
    assert 0.4 < np.sqrt((echo[~outside] ** 2).mean()) < 2.5
    extra = tissue.attenuation_db_per_mm(points, 5e6)
    assert extra.shape == (4000,) and not extra[outside].any()
    assert tissue.in_lumen(points).dtype == bool
    light, sound = tissue.chromophores(points), tissue.acoustics(points)
    assert np.array_equal(light.blood_fraction == 1, tissue.in_lumen(points))
    assert (sound.sound_speed_m_s > 300).all() and (sound.density_kg_m3 > 1).all()
    assert tissue.landmarks_mm.shape[1] == 3
    x, z = points[:50, 0], points[:50, 2]
    y, normal = tissue.skin_surface(x, z)
    assert np.allclose(tissue.depth_below_skin_mm(np.column_stack([x, y, z])), 0, atol=1e-9)
    assert np.allclose(np.linalg.norm(normal, axis=1), 1)


@pytest.mark.parametrize("kind", KINDS)
def test_a_seed_repeats_its_subject_and_another_gives_another(kind):
    options = {"coherent_fraction": 0.3, "specular": 4.0}
    first, again, other = (subject(kind, seed, **options) for seed in (1, 1, 2))
    points = body_points(3000)
    box = np.array([-2.0, 3.0, 4.0]), np.array([2.0, 8.0, 7.0])
    assert np.array_equal(first.backscatter(points), again.backscatter(points))
    for one, two in zip(first.reflectors(*box, 50.0), again.reflectors(*box, 50.0), strict=True):
        assert np.array_equal(one, two)
    assert first.key != other.key
    assert len(first.reflectors(*box, 50.0)[0]) > 50
    if kind != "uniform":
        assert not np.allclose(first.backscatter(points), other.backscatter(points))


@pytest.mark.parametrize("kind", KINDS)
def test_options_of_structure_change_nothing_else_of_a_subject(kind):
    plain, rich = subject(kind, 7), subject(kind, 7, coherent_fraction=0.36, specular=5.0)
    points = body_points(3000)
    assert np.allclose(rich.backscatter(points), 0.8 * plain.backscatter(points))
    assert np.array_equal(plain.vessels.points_mm, rich.vessels.points_mm)
    low, high = np.array([-2.0, 3.0, 4.0]), np.array([2.0, 8.0, 7.0])
    assert len(plain.reflectors(low, high, 50.0)[0]) == 0 and not plain.extended
    assert bool(rich.extended)


def test_material_numbers_are_places_in_the_list_of_materials():
    assert len(materials.COMMON) == materials.ADVENTITIA + 1
    assert materials.COMMON[materials.BLOOD].level < 0.05
    assert materials.COMMON[materials.OUTSIDE].level == 0.0
    assert len(materials.COMMON) + len(forearm._MATERIALS) == forearm._CORTEX + 1
    assert len(materials.COMMON) + len(carotid._MATERIALS) == carotid._CARTILAGE + 1
    assert len(subject("inclusions").materials) == inclusions._DARK + 1


def test_columns_of_bodies_and_septa_are_their_fields():
    body = Body(*np.arange(19.0))
    septum = Septum(*np.arange(9.0))
    assert body_rows([body]).tolist() == [[getattr(body, name) for name in Body._fields]]
    assert septum_rows([septum]).tolist() == [[getattr(septum, name) for name in Septum._fields]]
    assert all(body_rows([body])[0, getattr(BODY, n)] == getattr(body, n) for n in Body._fields)
    assert body_rows([]).shape == (0, 19) and septum_rows([]).shape == (0, 9)


def test_layers_of_a_forearm_lie_in_their_order():
    arm = subject("forearm")
    y = np.arange(-1.0, 75.0, 0.02)
    order = [0, *arm.layers[:, 0].astype(int).tolist()]
    order = [m for n, m in enumerate(order) if n == 0 or m != order[n - 1]]
    seen = 0
    for x, z in np.random.default_rng(2).uniform((-3, 0), (3, 40), (200, 2)):
        points = np.column_stack([np.full_like(y, x), y, np.full_like(y, z)])
        material = arm._classify(points)[1]
        if not np.isin(material, [0, 1, *order]).all():
            continue
        layers = material[material != materials.FASCIA]
        assert layers[np.r_[True, np.diff(layers) != 0]].tolist() == order
        seen += 1
    assert seen > 3


@pytest.mark.parametrize("seed", range(4))
def test_a_forearm_ends_in_skin_and_then_air(seed):
    arm = subject("forearm", seed, limb_thickness_mm=(55.0, 55.0))
    x, z = np.random.default_rng(seed).uniform((-70, 0), (70, 40), (4000, 2)).T
    y, _ = arm.skin_surface(x, z)
    far = sheet_height(arm.sheets[-1], x, z)
    assert far[np.abs(x) < 3.0].min() > 54.0 and far.max() < 58.0
    for gap in (0.2, 20.0):
        beyond = np.column_stack([x, y + np.maximum(far + gap, 0.2), z])
        assert not arm.backscatter(beyond).any()
    before = arm.backscatter(np.column_stack([x, y + far - 0.2, z]))
    assert (before[np.abs(x) < 25.0] > 0.0).all()


def test_a_forearm_has_an_epidermis_that_absorbs_light():
    arm = subject("forearm")
    y, _ = arm.skin_surface(np.zeros(5), np.arange(5.0))
    points = np.column_stack([np.zeros(5), y + 0.05, np.arange(5.0)])
    assert (arm.chromophores(points).melanin_fraction > 0.0).all()


def test_sheets_are_the_same_in_both_languages():
    sheet = subject("forearm").sheets[3]
    rng = np.random.default_rng(0)
    x, z = rng.uniform(-20, 20, 200), rng.uniform(-10, 50, 200)
    assert np.allclose(
        sheet_height(sheet, x, z), [height(sheet, *p) for p in zip(x, z, strict=True)]
    )
    along_x, along_z = sheet_slope(sheet, x, z)
    step = 1e-5
    assert np.allclose(
        along_x, (sheet_height(sheet, x + step, z) - sheet_height(sheet, x - step, z)) / 2e-5,
        atol=1e-6,
    )  # fmt: skip
    assert np.allclose(
        along_z, (sheet_height(sheet, x, z + step) - sheet_height(sheet, x, z - step)) / 2e-5,
        atol=1e-6,
    )  # fmt: skip


@pytest.mark.parametrize("seed", range(6))
def test_bones_hold_sound_back_and_vessels_keep_out_of_them(seed):
    arm = subject("forearm", seed)
    points = body_points(150_000, seed)
    extra = arm.attenuation_db_per_mm(points, 5e6)
    material = arm._classify(points)[1]
    bone = np.isin(material, [forearm._BONE, forearm._CORTEX])
    assert 0.02 < bone.mean() < 0.4
    assert np.allclose(extra[bone], materials.BONE_DB_CM_MHZ * 0.5) and not extra[~bone].any()
    assert np.allclose(arm.attenuation_db_per_mm(points, 1e7), 2 * extra)
    tree = arm.vessels
    inside = arm.attenuation_db_per_mm(tree.points_mm, 5e6)
    assert not inside.any() and arm.in_lumen(tree.points_mm).all()
    assert (arm.depth_below_skin_mm(points[bone]) > 12.0).all()


def test_a_forearm_has_tendons_and_a_nerve_brighter_than_muscle():
    arm, points = subject("forearm"), body_points(300_000)
    material, echo = arm._classify(points)[1], arm.backscatter(points)
    rms = {m: np.sqrt((echo[material == m] ** 2).mean()) for m in range(6, 16)}
    assert rms[forearm._TENDON] > 1.5 * rms[forearm._MIDDLE]
    assert rms[forearm._FAT] < 0.5 * rms[forearm._SUPERFICIAL]
    assert rms[forearm._CORTEX] > 3.5 and rms[forearm._BONE] < 0.1
    assert np.count_nonzero(material == forearm._NERVE) > 50


def test_septa_cross_where_the_landmarks_say():
    """All landmarks but those of vessels lie on a fascia, and on two septa at once."""
    found = 0
    for seed in range(8):
        arm = subject("forearm", seed)
        for point in arm.features_mm:
            depth = arm.depth_below_skin_mm(point[None])[0]
            x, z = point[[0]], point[[2]]
            gaps = [abs(depth - sheet_height(s, x, z)[0]) for s in arm.sheets[1:]]
            assert min(gaps) < 1e-6
            near = [
                abs(row[1] + row[2] * (depth - row[3]) + row[4] * z[0]
                    + row[5] * math.sin(row[6] * z[0] + row[7]) - x[0])
                for row in arm.septa
            ]  # fmt: skip
            assert sorted(near)[1] < 1e-5
            found += 1
        assert {tuple(p) for p in arm.features_mm} <= {tuple(p) for p in arm.landmarks_mm}
    assert found > 10


def test_two_straight_septa_cross_where_lines_do():
    flat = np.zeros((3, 1, 4))
    flat[1:, 0, 0] = 2.0, 6.0
    lines = [
        Septum(1, -4.0, 0.0, 4.0, 0.5, 0.0, 1.0, 0.0, 0.1),
        Septum(1, 6.0, 0.0, 4.0, -0.5, 0.0, 1.0, 0.0, 0.1),
    ]
    points = septa_crossings(lines, flat, (0.0, 30.0), 15.0)
    assert np.allclose(points, [[1.0, 6.0, 10.0]], atol=1e-9)


@pytest.mark.parametrize("seed", range(8))
def test_a_carotid_forks_once_by_murrays_law_and_clear_of_the_vein(seed):
    neck = subject("carotid", seed)
    tree = neck.vessels
    (fork,) = tree.branchings
    children = np.flatnonzero(tree.parent == fork)
    cubes = (tree.radius_mm[children] ** 3).sum()
    assert cubes == pytest.approx(tree.radius_mm[fork] ** 3, rel=1e-9)
    assert (tree.kind == 1).any() and (np.flatnonzero(tree.parent < 0).size) == 2
    artery, vein = tree.kind == 0, tree.kind == 1
    apart = np.linalg.norm(tree.points_mm[artery][:, None] - tree.points_mm[vein], axis=2)
    walls = tree.radius_mm[artery][:, None] + tree.radius_mm[vein]
    assert (apart - walls).min() > 0.3
    steps = tree.segments[:, 3:6] - tree.segments[:, :3]
    assert np.linalg.norm(steps, axis=1).max() < 0.6
    widest, origin = tree.radius_mm[artery].max(), tree.radius_mm[children].max()
    assert max(tree.radius_mm[fork], 1.1 * origin) <= widest < 1.15 * tree.radius_mm[fork]
    depth = neck.depth_below_skin_mm(tree.points_mm) - tree.radius_mm
    assert depth.min() > 3.0 and neck.in_lumen(tree.points_mm).all()
    ends = tree.points_mm[~np.isin(np.arange(len(tree)), tree.parent), 2]
    assert len(ends) == 3 and (ends > 55).all()


def test_an_arterial_wall_is_bright_dark_bright():
    neck = subject("carotid")
    tree = neck.vessels
    node = 20
    radius = tree.radius_mm[node]
    thickness = neck.walls[0, 0] + neck.walls[0, 1] * radius
    shares = np.array([-0.5, 0.1, 0.4, 0.8])
    ahead = tree.points_mm[node + 1] - tree.points_mm[node]
    across = np.cross(ahead, [0.0, 0.0, 1.0] if abs(ahead[2]) < 0.4 else [0.0, 1.0, 0.0])
    across /= np.linalg.norm(across)
    points = tree.points_mm[node] + (radius + shares * thickness)[:, None] * across
    blood, intima, media, adventitia = neck.backscatter(points)
    assert blood < 0.1 < media < 0.5 < 2 < intima and adventitia > 2
    assert 0.6 < thickness < 1.1  # intima and media together about 0.6 mm


@pytest.mark.parametrize("seed", range(4))
def test_inclusions_are_apart_and_of_three_kinds(seed):
    phantom = subject("inclusions", seed)
    rows = phantom.bodies
    assert len(rows) == 36 and set(rows[:, BODY.material]) == {7.0, 8.0, 9.0}
    centre = rows[:, [BODY.x, BODY.depth, BODY.middle]]
    reach = rows[:, [BODY.across, BODY.high, BODY.half_length]].max(1)
    apart = np.linalg.norm(centre[:, None] - centre, axis=2) - reach[:, None] - reach
    assert apart[~np.eye(36, dtype=bool)].min() > 0.9
    echo = phantom.backscatter(phantom.features_mm)
    assert (echo[rows[:, BODY.material] == 7] < 0.05).all() and (
        echo[rows[:, BODY.material] == 8] > 1.5
    ).all()
    assert (echo[rows[:, BODY.material] == 9] < 0.7).all()
    extra = phantom.attenuation_db_per_mm(phantom.features_mm, 5e6)
    assert np.allclose(extra[rows[:, BODY.material] == 7], -0.5 * 5 / 10)
    assert not extra[rows[:, BODY.material] != 7].any()


def test_the_surface_of_a_body_is_where_its_inside_ends():
    arm = subject("forearm", specular=5.0)
    surface = arm.extended.surfaces
    rng = np.random.default_rng(0)
    chosen = rng.choice(len(surface.points_mm), 4000, replace=False)
    points = surface.points_mm[chosen]
    below = arm.depth_below_skin_mm(points)
    least = np.full(len(points), np.inf)
    for row in arm.bodies:
        reach = [body_reach(row, p[0], d, p[2])
                 for p, d in zip(points, below, strict=True)]  # fmt: skip
        least = np.minimum(least, [abs(gap) for _, gap in reach])
    on_body = least < 1e-6
    assert 0.2 < on_body.mean() < 0.95
    assert surface.area_mm2.min() >= 0


def test_too_many_inclusions_are_refused():
    with pytest.raises(UserError, match=r"tissue\.inclusions: expected as many as fit"):
        subject("inclusions", inclusions=2000, inclusion_radius_mm=(4.0, 5.0))


@pytest.mark.parametrize(
    ("change", "key"),
    [({"coherent_fraction": 1.2}, "coherent_fraction"), ({"coherent_length_mm": 0.0}, "coherent"),
     ({"specular": -1.0}, "specular"), ({"bone_depth_mm": (9.0, 3.0)}, "bone_depth_mm"),
     ({"inclusions": -1}, "inclusions"), ({"kind": "carotis"}, "carotid"),
     ({"sheet_fraction": 1.2}, "sheet_fraction"), ({"coherent_depth_mm": 0.0}, "coherent_depth_mm"),
     ({"limb_thickness_mm": (60.0, 50.0)}, "limb_thickness_mm")],
)  # fmt: skip
def test_impossible_tissue_is_refused(change, key):
    with pytest.raises(UserError, match=key):
        dataclasses.replace(TissueSettings(), **change)


@pytest.mark.parametrize("kind", ANATOMIES)
def test_truth_of_an_anatomy_is_plain_json(kind):
    tree = subject(kind).vessels
    content = json.loads(json.dumps(tree.to_json()))
    assert np.allclose(np.array(content["points_mm"]).reshape(-1, 3), tree.points_mm, atol=1e-6)


@pytest.mark.parametrize("kind", ANATOMIES)
def test_a_point_echoes_alike_alone_and_among_others(kind):
    """What is skipped because it is far from all points of a call changes no answer."""
    tissue = subject(kind)
    points = body_points(1500, seed=3)
    together = tissue.backscatter(points)
    alone = np.concatenate([tissue.backscatter(point[None]) for point in points])
    np.testing.assert_array_equal(together, alone)
    material = tissue._classify(points)[1]
    levels = np.array([m.level for m in tissue.materials])[material]
    np.testing.assert_array_equal(together > 0.0, levels > 0.0)


@pytest.mark.parametrize("kind", ["forearm", "carotid"])
def test_extra_attenuation_is_that_of_the_body_that_holds_the_point(kind):
    tissue, points = subject(kind), body_points(3000, seed=8)
    below = points[:, 1] - np.array([height(tissue.sheets[0], p[0], p[2]) for p in points])
    expected = np.zeros(len(points))
    for n, (point, depth) in enumerate(zip(points, below, strict=True)):
        held = [b for b in tissue.bodies if body_reach(b, point[0], depth, point[2])[0] < 1.0]
        if held:
            material = tissue.materials[int(held[0][BODY.material])]
            expected[n] = material.extra_db_cm_mhz * 0.5
    np.testing.assert_allclose(tissue.attenuation_db_per_mm(points, 5e6), expected, rtol=1e-12)
    assert (expected > 0.0).any()
