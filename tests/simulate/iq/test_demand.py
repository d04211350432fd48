"""Asking only for what some frame hears changes no bit, and asks for less."""

from dataclasses import replace

import numpy as np
import pytest

from simulate.bmode.render import beam_for, frame_source
from simulate.bmode.settings import BmodeSettings
from simulate.iq.drawing import CELLS
from simulate.iq.frames import make_frames
from simulate.iq.scatterers import ScattererStore
from simulate.probe.transducer import Probe
from simulate.tissue.kinds import sample_tissue
from simulate.tissue.settings import TissueSettings
from tests.simulate.speckle import entries_of

PROBE = Probe(
    elements=32, pitch_mm=0.3, element_height_mm=3.0, elevation_focus_mm=8.0,
    transmit_focus_mm=8.0, width_px=32, height_px=32, width_mm=7.75, depth_mm=12.0,
)  # fmt: skip
TISSUE = sample_tissue(
    np.random.default_rng(2),
    TissueSettings(kind="forearm", coherent_fraction=0.2, specular=2.0),
)


def sweep(frames=3):
    """Poses tilted and in the tissue, advancing by half a millimetre."""
    poses = np.tile(np.eye(4), (frames, 1, 1))
    angle = 0.2
    poses[:, 1:3, 1:3] = [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]
    poses[:, 2, 3] = 3.0 + 0.5 * np.arange(frames)
    return poses


def source_and_frames(thinned, whole):
    settings = BmodeSettings(scatterers_per_cell=3.0, depth_adaptive=thinned, shadows=True)
    beam = beam_for(TISSUE, PROBE, settings)
    source = frame_source(TISSUE, PROBE, settings, beam, sweep(), seed=5)
    if whole:
        source.__dict__["demand"] = None  # in place of what the cached property would hold
    found = {}
    for _ in make_frames(source, lambda frame, iq: found.__setitem__(frame, iq.tobytes()), 1):
        pass
    return source, found


@pytest.mark.parametrize("thinned", [False, True])
def test_demand_changes_no_bit_of_a_frame_and_draws_less(thinned):
    lazy, frames = source_and_frames(thinned, whole=False)
    eager, expected = source_and_frames(thinned, whole=True)
    assert frames == expected and len(set(frames.values())) == 3

    assert lazy.store.bytes < (0.5 if thinned else 0.85) * eager.store.bytes


def test_a_block_of_which_more_is_wanted_is_the_whole_one():
    block = np.array([[0, 2, 1]])
    some = np.zeros((1, CELLS))
    some[0, 21:40], some[0, 3] = 0.3, 1.0
    rest = np.where(some > 0.0, 0.0, 1.0)
    store = ScattererStore(TISSUE, 60.0)
    contents = []
    for shares in (some, rest, np.ones((1, CELLS)), None, some):
        group = store.gather(block, shares=shares)
        contents.append([entries_of(group, n).tobytes() for n in range(len(group.places))])
    apart = ScattererStore(TISSUE, 60.0)
    whole = apart.gather(block)
    assert contents[2] == contents[3] == contents[4] != contents[0]
    assert contents[2] == [entries_of(whole, n).tobytes() for n in range(len(whole.places))]


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_blocks_drawn_together_are_those_drawn_alone(axis):
    step = np.eye(3, dtype=np.int64)[axis]
    blocks = np.array([-1, 1, 2]) + np.arange(11)[:, None] * step
    shares = np.random.default_rng(axis).choice([0.0, 0.0, 0.4, 1.0], (11, CELLS))
    shares[4] = 0.0
    store = ScattererStore(TISSUE, 60.0)
    group = store.gather(blocks, shares=shares)
    assert group.listed.any() and not group.listed.all() and 4 not in group.owner
    for n, block in enumerate(blocks):
        one = ScattererStore(TISSUE, 60.0)
        alone = one.gather(block[None], shares=shares[n : n + 1])
        together = np.flatnonzero(group.owner == n)
        assert len(together) == len(alone.places)
        for here, there in zip(together, range(len(alone.places)), strict=True):
            np.testing.assert_array_equal(group.counts[here], alone.counts[there])
            np.testing.assert_array_equal(entries_of(group, here), entries_of(alone, there))


def test_what_is_wanted_of_a_cell_is_the_first_of_it():
    store, block = ScattererStore(replace(TISSUE, key=9), 60.0), (0, 3, 1)
    shares = np.linspace(0.0, 0.9, CELLS)
    (_, whole), (_, part) = store._draw([(block, np.ones(CELLS)), (block, shares)])
    np.testing.assert_array_equal(part.counts, whole.counts)
    for cell in range(CELLS):
        held, first = (p.entries[:, p.starts[cell] : p.starts[cell + 1]] for p in (part, whole))
        held, first = (entries[:, entries[3] != 0.0] for entries in (held, first))
        assert held.shape[1] >= shares[cell] * min(whole.counts[cell], first.shape[1])
        assert held.shape[1] <= shares[cell] * whole.counts[cell] + 1
        np.testing.assert_array_equal(held, first[:, : held.shape[1]])
