"""Gates and attention on values computed by hand."""

import math

import pytest
import torch
from torch import nn

from moglo.attention import ChannelGate, GlobalLocalAttention, SpatialGate, patches_of


def sigmoid(value):
    return 1 / (1 + math.exp(-value))


def test_channel_gate_adds_two_sigmoids_of_one_network():
    gate = ChannelGate(2)
    gate.network = nn.Sequential(nn.Linear(2, 2, bias=False))
    with torch.no_grad():
        gate.network[0].weight.copy_(torch.tensor([[1.0, 0.0], [0.0, -1.0]]))
    maps = torch.tensor([[[[0.0, 4.0]], [[1.0, 3.0]]]])  # means 2 and 2, maxima 4 and 3
    expected = [[sigmoid(2) + sigmoid(4), sigmoid(-2) + sigmoid(-3)]]
    torch.testing.assert_close(gate(maps), torch.tensor(expected))


def test_spatial_gate_reads_channel_mean_and_maximum():
    gate = SpatialGate().eval()
    with torch.no_grad():
        gate.network[0].weight.zero_()
        gate.network[0].weight[0, :, 1, 1] = torch.tensor([1.0, -0.5])
    maps = torch.tensor([[[[1.0]], [[4.0]]]])  # mean 2.5, maximum 4
    normalised = (2.5 - 2.0) / math.sqrt(1 + 1e-5)
    assert gate(maps).item() == pytest.approx(sigmoid(normalised), abs=1e-6)


def test_patches_are_disjoint_squares_row_by_row():
    maps = torch.arange(16.0).reshape(1, 1, 4, 4)
    expected = [[[0, 1], [4, 5]], [[2, 3], [6, 7]], [[8, 9], [12, 13]], [[10, 11], [14, 15]]]
    torch.testing.assert_close(patches_of(maps, 2)[0, ..., 0], torch.tensor(expected).float())


def plain_attention() -> GlobalLocalAttention:
    """One channel, 2x2 patches of a 2x4 map, no gates, the projection being the identity."""
    attention = GlobalLocalAttention(1, 1, patch=2, patches=2, gates=False).eval()
    attention.project = nn.Identity()
    with torch.no_grad():
        attention.mix.weight.copy_(torch.tensor([[1.0, 0], [0, 1], [1, 1], [0, -1]]))
    return attention


def test_scores_and_mixtures_by_hand():
    local_map = torch.tensor([[[[1.0, 0, 0, 2], [0, 0, 0, 0]]]])  # patches e1 and 2 e2
    global_map = torch.tensor([[[[3.0, 0], [0, 0]]]])  # along e1: scores 1 and 1/2
    mixed, goes_on, score = plain_attention()(local_map, global_map)
    assert goes_on is global_map  # which no gate weighs
    torch.testing.assert_close(score, torch.tensor([[[1.0, 0.5]]]))
    shrink = 1 / math.sqrt(1 + 1e-5)
    one, other = torch.tensor([[1.0, 0], [0, 0]]), torch.tensor([[0.0, 1], [0, 0]])
    sums = torch.stack([one, other, one + other, -other]) * shrink
    torch.testing.assert_close(mixed[0], sums * sums.sigmoid())


def test_opposite_patches_score_zero_and_no_score_is_all_ones():
    local_map = torch.tensor([[[[-1.0, 0, 5, 0], [0, 0, 0, 0]]]])
    global_map = torch.tensor([[[[2.0, 0], [0, 0]]]])
    torch.testing.assert_close(
        plain_attention()(local_map, global_map)[2], torch.tensor([[[0.0, 1.0]]])
    )
    off = GlobalLocalAttention(1, 1, patch=2, patches=2, gates=False, score=False)
    assert (off(local_map, global_map)[2] == 1).all()


def test_one_local_gate_of_the_mean_patch_serves_all_patches():
    attention = GlobalLocalAttention(3, 5, patch=2, patches=4, score=False).eval()
    seen = []
    attention.local_gate.register_forward_hook(lambda m, given, result: seen.append(given[0]))
    local_map = torch.randn(2, 3, 4, 4)
    attention(local_map, torch.randn(2, 5, 2, 2))
    corners = [local_map[:, :, i : i + 2, j : j + 2] for i in (0, 2) for j in (0, 2)]
    torch.testing.assert_close(seen[0], torch.stack(corners).mean(0))


@pytest.mark.parametrize("gated_map", [True, False])
def test_the_gated_global_map_goes_on_or_only_the_score_sees_it(gated_map):
    torch.manual_seed(0)
    attention = GlobalLocalAttention(3, 5, patch=2, patches=4, gated_map=gated_map).eval()
    maps = torch.randn(2, 3, 4, 4), torch.randn(2, 5, 2, 2)
    seen = []
    attention.project.register_forward_hook(lambda m, given, result: seen.append(given[0]))
    goes_on = attention(*maps)[1]
    assert not torch.equal(seen[0], maps[1])
    assert torch.equal(goes_on, seen[0] if gated_map else maps[1])
