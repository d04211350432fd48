"""The three losses of MoGLo-Net; predictions and labels are scaled six-vectors."""

import torch
from torch import Tensor
from torch.nn import functional

PAPER_WEIGHT_OFFSET = 2.0  # c of the released training script; the class's own default is 1


def motion_weighted_error(predicted: Tensor, label: Tensor, form: str = "released") -> Tensor:
    """Return the motion-weighted mean absolute error of (..., 6) against (..., 6).

    "paper": mean of |p - y| (|y| + 2), so that fast motion counts more; "released": the plain mean
    of |p - y|, since the released training script never passes the weight.
    """
    error = (predicted - label).abs()
    if form == "paper":
        error = error * (label.abs() + PAPER_WEIGHT_OFFSET)
    return error.mean()


def correlation_loss(predicted: Tensor, label: Tensor) -> Tensor:
    """Return 1 - cos(p, y), all samples, steps and components in one vector each, not centred."""
    return 1 - functional.cosine_similarity(predicted.flatten(), label.flatten(), dim=0)


def margin_triplet_loss(embedding: Tensor, label: Tensor, margin: float = 0.1) -> Tensor:
    """Return the triplet loss that orders distances of embeddings as those of labels are.

    embedding (B, D); label (B, 6). Over all a < b < c of the batch, with label distances
    d = 1 - cosine and q = sign(d_ac - d_ab): mean of relu(q (|v_a - v_b| - |v_a - v_c|) + margin).
    Zero for fewer than three samples.
    """
    count = len(embedding)
    if count < 3:
        return embedding.sum() * 0
    a, b, c = torch.combinations(torch.arange(count, device=embedding.device), 3).unbind(1)
    direction = functional.normalize(label, dim=-1)
    likeness = direction @ direction.T
    order = torch.sign(likeness[a, b] - likeness[a, c])
    distance = torch.cdist(embedding, embedding)
    return functional.relu(order * (distance[a, b] - distance[a, c]) + margin).mean()
