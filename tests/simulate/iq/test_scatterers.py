"""Scatterers drawn by cell: the same whatever is asked in which order, and a Poisson process."""

from dataclasses import dataclass

import numpy as np
import pytest
from scipy import stats

from simulate.iq.drawing import BLOCK_SIDE, CELL_MEAN, CELLS, LANES, poisson_table
from simulate.iq.scatterers import ScattererStore
from tests.simulate.plain_tissue import PlainTissue
from tests.simulate.speckle import entries_of


@dataclass(frozen=True)
class Layered(PlainTissue):
    key: int = 0xFEDCBA9876543210
    attenuation_db_cm_mhz: float = 0.0

    def backscatter(self, points_mm):
        return np.where(points_mm[:, 1] > 3.0, 2.0, 0.5)


def box(low, high):
    grid = np.meshgrid(*[np.arange(a, b) for a, b in zip(low, high, strict=True)], indexing="ij")
    return np.stack([axis.ravel() for axis in grid], axis=1).astype(np.int64)


def contents(store, blocks):
    """Block index -> all that is stored of it."""
    group = store.gather(blocks)
    found = {}
    for number, corner in enumerate(group.corners):
        name = tuple(np.rint(corner / store.block_mm).astype(int))
        found[name] = entries_of(group, number).tobytes()
    return found


def test_poisson_table_is_scipys():
    table = poisson_table(CELL_MEAN)
    np.testing.assert_allclose(
        table, stats.poisson.cdf(np.arange(len(table)), CELL_MEAN), rtol=1e-9
    )


def test_same_block_whatever_order_extent_or_forgetting():
    blocks = box((-2, -1, 0), (2, 2, 4))
    whole = contents(ScattererStore(Layered(), 75.0), blocks)
    small = ScattererStore(Layered(), 75.0, memory_mb=1.0)
    shuffled = np.random.default_rng(0).permutation(blocks)
    for part in [shuffled[:5], shuffled[20:40], shuffled[3:9], shuffled[::-1]]:
        found = contents(small, part)
        assert len(found) == len(part)
        assert found == {name: whole[name] for name in found}


def test_store_forgets_down_to_its_bound():
    store = ScattererStore(Layered(), 75.0, memory_mb=1.0)
    for z in range(200):
        store.gather(box((0, 0, z), (3, 3, z + 1)))
    assert 9 <= len(store) <= 14 and store.bytes < 1e6


def test_what_one_call_needs_is_kept_beyond_the_bound():
    store = ScattererStore(Layered(), 75.0, memory_mb=1.0)
    whole = contents(store, box((0, 0, 0), (6, 6, 10)))
    assert len(store) == len(whole) == 360 and store.bytes > 20e6
    entries = sum(len(entries) for entries in whole.values())
    assert entries < store.bytes < 1.1 * entries


def test_blocks_come_in_order_of_their_index():
    store = ScattererStore(Layered(), 75.0)
    group = store.gather(box((-2, -1, 0), (1, 2, 2))[::-1])
    index = np.rint(group.corners / store.block_mm)
    assert [tuple(i) for i in index] == sorted(tuple(i) for i in index)


def test_stored_block_is_the_drawn_one_padded_and_inside_its_cells():
    store = ScattererStore(Layered(), 75.0)
    block = (1, 0, -3)
    points, amplitudes = store.points(block)
    group = store.gather(np.array([block]))
    entries, starts = entries_of(group, 0), group.starts[0]
    heard = np.flatnonzero(entries[3])
    stored = entries[:3, heard].T
    np.testing.assert_allclose(stored + group.corners[0], points, atol=1e-6)
    np.testing.assert_array_equal(entries[3, heard], amplitudes.astype(np.float32))
    assert np.all(starts % LANES == 0)
    for cell in range(CELLS):
        inside = (heard >= starts[cell]) & (heard < starts[cell + 1])
        place = np.array(np.unravel_index(cell, (BLOCK_SIDE,) * 3)) * store.cell_mm
        assert np.all(stored[inside] >= place - 1e-6)
        assert np.all(stored[inside] <= place + store.cell_mm + 1e-6)


def test_backscatter_scales_by_world_position():
    store = ScattererStore(Layered(), 75.0)
    points, amplitudes = store.points((0, 0, 0))
    np.testing.assert_array_equal(np.abs(amplitudes), np.where(points[:, 1] > 3.0, 2.0, 0.5))


def test_process_is_poisson_uniform_and_of_fair_sign():
    store = ScattererStore(Layered(), 75.0)
    drawn = [store.points(tuple(block)) for block in box((-3, -3, -3), (3, 3, 3))]
    points = np.concatenate([p for p, _ in drawn])
    signs = np.sign(np.concatenate([a for _, a in drawn]))
    volume = (6 * store.block_mm) ** 3
    assert len(points) == pytest.approx(75.0 * volume, abs=4.0 * np.sqrt(75.0 * volume))
    assert abs(signs.mean()) < 4.0 / np.sqrt(len(signs))
    # Counts in boxes that share no wall with the cells: variance = mean at several sizes.
    span = 6 * store.block_mm
    for size in (0.37, 0.83, 2.9):
        bins = int((span - size) / size)
        where = np.floor((points + span / 2 - 0.31 * size) / size).astype(int)
        where = where[np.all((where >= 0) & (where < bins), axis=1)]
        counts = np.bincount(np.ravel_multi_index(tuple(where.T), (bins,) * 3), minlength=bins**3)
        error = np.sqrt((2.0 + 1.0 / counts.mean()) / bins**3)
        assert abs(counts.var() / counts.mean() - 1.0) < 4.0 * error
    for axis in range(3):
        assert stats.kstest(points[:, axis] / span + 0.5, "uniform").pvalue > 1e-3
        within = points[:, axis] / store.cell_mm % 1.0
        assert stats.kstest(within, "uniform").pvalue > 1e-3


def test_different_keys_and_neighbouring_cells_share_nothing():
    store = ScattererStore(Layered(key=1), 75.0)
    shift = np.array([0.0, 0.0, store.block_mm])
    drawn = [
        store.points((0, 0, 0))[0],
        store.points((0, 0, 1))[0] - shift,
        ScattererStore(Layered(key=2), 75.0).points((0, 0, 0))[0],
    ]
    everything = np.round(np.concatenate(drawn), 6)
    assert len(np.unique(everything, axis=0)) == len(everything)


def test_bad_backscatter_is_named():
    class Negative(Layered):
        def backscatter(self, points_mm):
            return -np.ones(len(points_mm))

    with pytest.raises(ValueError, match="backscatter"):
        ScattererStore(Negative(), 75.0).gather(np.array([[0, 0, 0]]))
