"""Frames with the brightness of anatomy divided out."""

import torch

from benchmark.learning.standardise import locally_standardised


def test_local_standardisation_takes_brightness_and_contrast_off() -> None:
    torch.manual_seed(2)
    speckle_only = 0.1 * torch.randn(1, 2, 64, 64)
    across = torch.linspace(-1, 1, 64)
    anatomy = 0.5 + 0.3 * across + speckle_only * (1 + 0.5 * across[:, None])
    plain, seen = locally_standardised(speckle_only), locally_standardised(anatomy)
    inner = (..., slice(8, -8), slice(8, -8))
    assert abs(seen[inner].std() - 1) < 0.15
    assert torch.corrcoef(torch.stack([plain[inner].ravel(), seen[inner].ravel()]))[0, 1] > 0.97
    assert torch.allclose(locally_standardised(torch.zeros(1, 2, 64, 64)), torch.zeros(1))
