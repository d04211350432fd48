"""The second stage of training: the recurrent part learns from descriptions of whole sweeps.

The network of the first stage describes the pairs of each training sweep once. The recurrent part
reads these descriptions as often as the budget allows; the encoder, which makes long windows
expensive, is not run again.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from benchmark.learning.flops import flop_counter
from benchmark.machine.progress import progress
from moglo.long.config import MoGLoLongConfig
from moglo.long.model import LongNet, Motions

WARM_UP = 0.1  # share of the updates with a rising rate


class Described(NamedTuple):
    """One view of one sweep: descriptions (T, hidden) of its pairs, true steps, pixel grid.

    prev_from_frame (T, 4, 4) and mm_from_pixel (4, 4), float32 in image mm; shape: height and
    width of the frames in pixels.
    """

    pairs: Tensor
    prev_from_frame: Tensor
    mm_from_pixel: Tensor
    shape: tuple[int, int]


Loss = Callable[[Motions, Tensor, Tensor, tuple[int, int]], Tensor]


def train_sequence(
    net: LongNet,
    sweeps: Sequence[Described],
    loss: Loss,
    config: MoGLoLongConfig,
    flops: float,
) -> float:
    """Train the recurrent part by as many updates as `flops` allow; return the operations used.

    loss: of motions (B, T, ...) against true steps (B, T, 4, 4), given grids (B, 4, 4) and the
    shape of the frames. Only `net.sequence` changes. Draws from torch's generator.
    """
    part = net.sequence
    pairs = torch.cat([sweep.pairs for sweep in sweeps])
    part.mean.copy_(pairs.mean(0))
    part.std.copy_(pairs.std(0).clamp_min(1e-6))
    net.requires_grad_(False)
    part.requires_grad_(True)
    net.train()
    with flop_counter() as counter:
        _loss_of_a_batch(net, sweeps, loss, config).backward()
    each = float(counter.get_total_flops())
    updates = max(0, int(flops / each))
    optimiser = torch.optim.AdamW(part.parameters(), lr=config.sequence_rate, weight_decay=1e-2)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, config.sequence_rate, max(updates, 1), pct_start=WARM_UP
    )
    for _ in progress(range(updates), desc="train the sequence", unit="update"):
        optimiser.zero_grad()
        _loss_of_a_batch(net, sweeps, loss, config).backward()
        torch.nn.utils.clip_grad_norm_(part.parameters(), config.clip)
        optimiser.step()
        schedule.step()
    optimiser.zero_grad()
    net.requires_grad_(True)
    return updates * each


def _loss_of_a_batch(
    net: LongNet, sweeps: Sequence[Described], loss: Loss, config: MoGLoLongConfig
) -> Tensor:
    """Return the loss of random stretches of sweeps, all of one length and one frame shape."""
    first = sweeps[int(torch.randint(len(sweeps), ()))]
    alike = [sweep for sweep in sweeps if sweep.shape == first.shape]
    drawn = [alike[i] for i in torch.randint(len(alike), (config.sequence_batch,)).tolist()]
    length = min(config.sequence_window, *(len(sweep.pairs) for sweep in drawn))
    begin = [int(torch.randint(len(s.pairs) - length + 1, ())) for s in drawn]
    pairs = torch.stack([s.pairs[b : b + length] for s, b in zip(drawn, begin, strict=True)])
    steps = [s.prev_from_frame[b : b + length] for s, b in zip(drawn, begin, strict=True)]
    grids = torch.stack([sweep.mm_from_pixel for sweep in drawn])
    return loss(net.estimate(pairs)[0], torch.stack(steps), grids, first.shape)
