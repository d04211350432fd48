"""EfficientNet on pairs: published size, corner loss."""

import numpy as np
import pytest
import torch

from baselines.efficientnet import TusRecBaseline, TusRecBaselineB1, efficient_net
from baselines.parts.motion import true_motion
from benchmark import geometry
from tests.baselines.networks import TINY, batch_of, made

CONFIG = TINY[TusRecBaseline]


def test_full_preset_is_efficientnet_b1():
    """7 794 184 parameters (torchvision's b1), less one input channel and 994 of 1000 classes."""
    one_channel = 32 * 3 * 3
    classes = (1280 + 1) * (1000 - 6)
    network = efficient_net(TusRecBaselineB1().config, 2, 6)
    assert sum(p.numel() for p in network.parameters()) == 7_794_184 - one_channel - classes


def test_corner_loss_of_the_mean_is_the_spread_of_the_corners(training_sweeps, test_sweep):
    """With its last layer at zero the network answers the mean: the loss in float64 numpy."""
    tracker = made(TusRecBaseline, CONFIG, training_sweeps)
    last = tracker.module()._fc
    torch.nn.init.zeros_(last.weight)
    torch.nn.init.zeros_(last.bias)
    mean = np.concatenate([true_motion(s) for s in training_sweeps]).mean(0)
    matrix = test_sweep.bmode.mm_from_pixel
    height, width = test_sweep.bmode.frames.shape[1:]
    centre = (matrix @ [(width - 1) / 2, (height - 1) / 2, 0, 1])[:3]
    answer = geometry.about(-centre, geometry.from_degrees_of_freedom(mean))
    corners = [matrix @ [x, y, 0, 1] for x in (0, width - 1) for y in (0, height - 1)]
    steps = test_sweep.prev_from_frame[[0, 5, 10, 15]]
    errors = [((step - answer) @ corner)[:3] for step in steps for corner in corners]
    loss = tracker.loss(*batch_of(test_sweep, 2)).item()
    assert loss == pytest.approx((np.array(errors) ** 2).mean(), rel=1e-3)
