"""The published network's shapes and counts, and every ablation."""

import pytest
import torch

from benchmark.errors import UserError
from moglo.config import MoGLoConfig, MoGLoPaperConfig
from moglo.model import MoGLoNet, ResidualBlock


def parameters(net):
    return sum(values.numel() for values in net.parameters())


@pytest.fixture(scope="module")
def paper():
    torch.manual_seed(0)
    return MoGLoNet(MoGLoPaperConfig()).eval()


def test_published_parameter_count(paper):
    assert parameters(paper) == 26_702_032


def test_parts_never_used_by_the_released_code_make_up_the_difference(paper):
    # A 1x1 shortcut convolution with bias in every block whose width does not change, and a
    # channel gate (reduction 16, two biased layers) over the 256 patches.
    blocks = [part for part in paper.modules() if isinstance(part, ResidualBlock)]
    widths = [block.body[0].in_channels for block in blocks]
    equal = [w for w, block in zip(widths, blocks, strict=True) if block.body[0].out_channels == w]
    shortcuts = sum(w * w + w for w in equal)
    gate = 256 * 16 + 16 + 16 * 256 + 256
    assert (len(blocks), len(equal)) == (16, 15)
    assert parameters(paper) + shortcuts + gate == 27_905_952


def test_published_shapes(paper):
    frames = torch.rand(1, 2, 256, 256)
    seen = {}
    for key in ("stage1", "stage2", "stage3", "stage4", "attention"):
        part = getattr(paper, key)
        part.register_forward_hook(lambda m, i, result, key=key: seen.update({key: result}))
    with torch.inference_mode():
        maps = paper.encode_frames(frames[0])
        pairs = paper.encode_pairs(maps[:1], maps[1:])
        vectors = [v.expand(4, -1)[None] for v in (pairs.local_vector, pairs.global_vector)]
        branches = paper.estimate(*vectors)
    assert maps.shape == (2, 64, 64, 64)
    assert seen["stage2"].shape == (1, 128, 64, 64)  # local map
    assert seen["stage3"].shape == (1, 256, 16, 16)
    assert pairs.volume.shape == (1, 256, 16, 16)
    assert seen["stage4"].shape == (1, 512, 8, 8)
    assert seen["attention"][0].shape == (1, 512, 4, 4)  # mixed local patches
    assert pairs.embedding.shape == (1, 512 + 512, 4, 4)  # with the global map
    assert pairs.score.shape == (1, 16, 16)
    assert [branch.shape for branch in branches] == [(1, 4, 6)] * 2


def test_published_network_learns_three_updates():
    torch.manual_seed(0)
    net = MoGLoNet(MoGLoPaperConfig(window=2))
    optimiser = torch.optim.AdamW(net.parameters(), lr=1e-4)
    frames, label = torch.rand(1, 2, 256, 256), torch.randn(1, 1, 6)
    values = []
    for _ in range(4):
        branches, _ = net(frames)
        loss = sum((branch - label).abs().mean() for branch in branches)
        values.append(loss.item())
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    assert values[0] > values[1] > values[2] > values[3]


SMALL = {"frame_size": 48, "width": 4, "patch": 3, "stem_stride": 2, "stage_stride": 1}


@pytest.mark.parametrize(
    "change",
    [
        {},
        {"correlation": "off"},
        {"correlation": "fixed"},
        {"centre_features": False},
        {"last_stride": 2},
        {"gates": False},
        {"score": False},
        {"gates": False, "score": False},
        {"lstm": False},
        {"head": "local"},
        {"head": "global"},
        {"window": 2},
        {"window": 10},
        {"stem_stride": 1, "stage_stride": 2},
        {"stage_blocks_4": 1},
        {"stem_stride": 1, "stage_stride": 4},
        {"stage_stride": 3, "patch": 2, "pool_first": False},
        {"stem_stride": 1, "last_stride": 4},
        {"stem_stride": 1, "last_stride": 4, "pool_first": False, "stage_blocks_4": 3},
        {"gated_map": True},
        {"gated_map": True, "score": False},
        {"inner_twice": True, "row_shift_last": True, "pool_first": False},
        {"stage_blocks_3": 6, "stage_blocks_1": 3},
    ],
    ids=str,
)
def test_every_ablation_runs_and_uses_all_its_parameters(change):
    config = MoGLoConfig(**{**SMALL, **change})
    net = MoGLoNet(config)
    branches, embedding = net(torch.rand(3, config.window, 48, 48))
    assert len(branches) == (2 if config.head == "mean" else 1)
    assert all(branch.shape == (3, config.window - 1, 6) for branch in branches)
    (sum(branch.square().sum() for branch in branches) + embedding.square().sum()).backward()
    unused = [k for k, v in net.named_parameters() if v.grad is None]
    other = {"local": "global_estimator", "global": "local_estimator"}.get(config.head, "none")
    assert [key for key in unused if not key.startswith(other)] == []


@pytest.mark.parametrize("correlation", ["fixed", "learned"])
def test_gradient_through_the_volume_is_a_switch(correlation):
    net = MoGLoNet(MoGLoConfig(**SMALL, correlation=correlation))
    maps = torch.rand(2, 1, 4, 24, 24, requires_grad=True)
    volume = net.encode_pairs(maps[0], maps[1]).volume
    assert volume.shape == (1, 9, 6, 6)
    assert volume.requires_grad == (correlation == "learned")


@pytest.mark.parametrize(
    ("change", "key"),
    [
        ({"frame_size": 100}, "frame_size"),
        ({"correlation": "on"}, "correlation"),
        ({"head": "both"}, "head"),
        ({"motion_weight": "none"}, "motion_weight"),
        ({"window": 1}, "window"),
        ({"stage_blocks_3": 1}, "stage_blocks_3"),
    ],
)
def test_a_configuration_that_cannot_be_is_refused_with_its_key(change, key):
    with pytest.raises(UserError, match=f"^{key}: expected"):
        MoGLoConfig(**change)
