"""The losses on values computed by hand."""

import math
from itertools import combinations

import pytest
import torch

from moglo.losses import correlation_loss, margin_triplet_loss, motion_weighted_error


def test_motion_weighted_error_in_both_forms():
    predicted = torch.tensor([[[1.0, 0.0, 0.0, 0.0, 0.0, 2.0]]])
    label = torch.tensor([[[0.5, 0.0, 0.0, 0.0, 0.0, -1.0]]])
    # |p - y| = 0.5 and 3; the weights |y| + 2 = 2.5 and 3
    assert motion_weighted_error(predicted, label).item() == pytest.approx(3.5 / 6)
    paper = motion_weighted_error(predicted, label, "paper").item()
    assert paper == pytest.approx((0.5 * 2.5 + 3 * 3) / 6)


def test_correlation_loss_is_one_minus_the_cosine_over_the_whole_batch():
    label = torch.tensor([[[3.0, 0, 0, 0, 0, 0]], [[4.0, 0, 0, 0, 0, 0]]])
    predicted = torch.tensor([[[4.0, 0, 0, 0, 0, 0]], [[3.0, 0, 0, 0, 0, 0]]])
    assert correlation_loss(predicted, label).item() == pytest.approx(1 - 24 / 25, abs=1e-6)
    assert correlation_loss(7 * label, label).item() == pytest.approx(0, abs=1e-6)
    # not centred: a constant predictor is not at 1, as with Pearson's correlation
    constant = torch.ones_like(label) * torch.tensor([1.0, 0, 0, 0, 0, 0])
    assert correlation_loss(constant, label).item() == pytest.approx(
        1 - 7 / math.sqrt(50), abs=1e-6
    )


def test_triplet_loss_by_hand():
    label = torch.zeros(3, 6)
    label[0, 0], label[1, 0], label[2, 1] = 1.0, 5.0, 1.0  # b points as a does, c across
    near = torch.tensor([[0.0, 0.0], [3.0, 4.0], [6.0, 8.0]])
    # q = +1, |a-b| = 5, |a-c| = 10: relu(5 - 10 + 0.1) = 0, in the right order by more than 0.1
    assert margin_triplet_loss(near, label).item() == 0
    # b and c exchanged in the embedding: relu(10 - 5 + 0.1) = 5.1
    assert margin_triplet_loss(near[[0, 2, 1]], label).item() == pytest.approx(5.1)
    # equal label distances: the margin remains
    assert margin_triplet_loss(near, torch.ones(3, 6), 0.25).item() == pytest.approx(0.25)


def test_triplet_loss_takes_every_triplet_of_the_batch():
    torch.manual_seed(0)
    embedding, label = torch.randn(7, 20), torch.randn(7, 6)
    terms = []
    for a, b, c in combinations(range(7), 3):
        likeness = [torch.cosine_similarity(label[a], label[x], dim=0) for x in (b, c)]
        sign = torch.sign(likeness[0] - likeness[1])
        gap = (embedding[a] - embedding[b]).norm() - (embedding[a] - embedding[c]).norm()
        terms.append(torch.relu(sign * gap + 0.1))
    expected = torch.stack(terms).mean()
    torch.testing.assert_close(margin_triplet_loss(embedding, label), expected)


def test_triplet_loss_of_two_samples_and_of_equal_embeddings_has_a_finite_gradient():
    for count in (2, 4):
        embedding = torch.ones(count, 5, requires_grad=True)
        loss = margin_triplet_loss(embedding, torch.randn(count, 6))
        loss.backward()
        assert torch.isfinite(loss)
        assert torch.isfinite(embedding.grad).all()
