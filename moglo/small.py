"""What the small networks share: built at the first use, trained by one brief recipe."""

from typing import Any

import torch
from torch import nn

from benchmark.tracker import LearnedTracker, Recipe


class SmallTracker(LearnedTracker):
    """A learned tracker of a size that a CPU trains in minutes; a subclass builds its network.

    Its configuration has `window`, `batch_size`, `learning_rate` and `average`; clip: largest norm
    of a gradient, 0 for any.
    """

    clip = 0.0

    def __init__(self, config: Any = None):
        super().__init__(config)
        self._module: Any = None

    def build(self) -> nn.Module:
        """Return a new network."""
        raise NotImplementedError

    def module(self) -> Any:
        """Return the network, built at the first call, on whatever device it was moved to.

        Channels are last in memory, which is half as fast again with few of them.
        """
        if self._module is None:
            self._module = self.build().to(memory_format=torch.channels_last)
        return self._module

    @property
    def window(self) -> int:  # type: ignore[override]
        """Frames per training sample."""
        return self.config.window

    @property
    def recipe(self) -> Recipe:  # type: ignore[override]
        """A fast rise and a cosine to zero, for far fewer updates than the published 22,000."""
        return Recipe(
            batch_size=self.config.batch_size,
            learning_rate=self.config.learning_rate,
            optimiser="adamw",
            weight_decay=1e-2,
            schedule="cosine",
            warm_up=0.05,
            gradient_clip=self.clip,
            average=self.config.average,
        )
