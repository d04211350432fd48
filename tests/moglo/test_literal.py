"""The network of `moglo-paper` against a plain loop written from the published facts."""

import pytest
import torch
from torch import nn

from moglo.config import MoGLoPaperConfig
from moglo.model import MoGLoNet
from tests.moglo.literal import LiteralNetwork

SIZE, WIDTH = 128, 2
TOLERANCE = 1e-7  # in double precision
PUBLISHED = {"gated_map": True, "row_shift_last": True, "pool_first": False, "inner_twice": True}


def network(**change) -> MoGLoNet:
    """The published network at small width; its statistics are those of some frames."""
    torch.manual_seed(0)
    net = MoGLoNet(MoGLoPaperConfig(frame_size=SIZE, width=WIDTH, window=3, **change)).double()
    for part in net.modules():
        if isinstance(part, nn.BatchNorm1d | nn.BatchNorm2d):
            nn.init.uniform_(part.weight, 0.5, 1.5)
            nn.init.uniform_(part.bias, -0.5, 0.5)
            part.momentum = 0.9
    with torch.no_grad():
        net.train()(torch.rand(2, 3, SIZE, SIZE, dtype=torch.double))
    return net


def frames() -> torch.Tensor:
    return torch.rand(2, 3, SIZE, SIZE, dtype=torch.double, generator=torch.manual_seed(1))


def literal(net: MoGLoNet, training: bool):
    weights = dict(net.named_parameters())
    weights |= {key: value.clone() for key, value in net.named_buffers()}
    return LiteralNetwork(weights, training, SIZE)(frames())


@pytest.mark.parametrize("training", [False, True])
def test_the_network_and_its_gradient_equal_a_plain_loop(training):
    net = network().train(training)
    expected, embedding = literal(net, training)
    found, found_embedding = net(frames())
    for one, other in zip((*found, found_embedding), (*expected, embedding), strict=True):
        assert other.std() > 0.01
        torch.testing.assert_close(one, other, atol=TOLERANCE, rtol=0)
    weights = [value for value in net.parameters() if value.requires_grad]
    gradients = [
        torch.autograd.grad(sum(part.square().sum() for part in (*branches, last)), weights)
        for branches, last in ((found, found_embedding), (expected, embedding))
    ]
    assert sum(part.abs().sum() for part in gradients[1]) > 1
    for one, other in zip(*gradients, strict=True):
        torch.testing.assert_close(
            one, other, atol=TOLERANCE * float(1 + other.abs().max()), rtol=0
        )


@pytest.mark.parametrize("key", PUBLISHED)
def test_each_published_choice_decides_the_answer(key):
    """Without any one of them the network is another one, so the comparison sees all four."""
    assert getattr(MoGLoPaperConfig(), key) == PUBLISHED[key]
    net, other = network(), network(**{key: not PUBLISHED[key]})
    names = dict(zip(net.state_dict(), other.state_dict(), strict=True))
    other.load_state_dict({names[name]: value for name, value in net.state_dict().items()})
    training = key == "inner_twice"
    with torch.no_grad():
        one = torch.stack(net.train(training)(frames())[0])
        two = torch.stack(other.train(training)(frames())[0])
    print(key, float((one - two).norm() / one.norm()))
    assert (one - two).abs().max() > 10 * TOLERANCE


def test_gates_without_a_score_weigh_the_global_map_and_no_gates_leave_it():
    gated, plain = network(score=False), network(score=False, gates=False)
    assert hasattr(gated.attention, "global_gate") and hasattr(gated.attention, "spatial_gate")
    names = {key for key, _ in plain.named_parameters()}
    assert {key for key, _ in gated.named_parameters() if key not in names} == {
        key for key, _ in gated.named_parameters() if "gate" in key
    }
    maps = torch.rand(2, 4, 32, 32, dtype=torch.double), torch.rand(2, 16, 4, 4, dtype=torch.double)
    gate = gated.attention.global_gate(maps[1])[:, :, None, None] * maps[1]
    expected = gate * gated.eval().attention.spatial_gate(gate)
    torch.testing.assert_close(gated.attention(*maps)[1], expected)
    assert plain.eval().attention(*maps)[1] is maps[1]
