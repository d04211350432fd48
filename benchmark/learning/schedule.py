"""The optimiser of a recipe and its learning rate over the budget."""

import math
from collections.abc import Iterable

import torch
from torch.optim.lr_scheduler import LambdaLR

from benchmark.tracker import Recipe

OPTIMISERS = {"adam": torch.optim.Adam, "adamw": torch.optim.AdamW, "sgd": torch.optim.SGD}


def scheduled_optimiser(
    recipe: Recipe, parameters: Iterable[torch.nn.Parameter], updates: int
) -> tuple[torch.optim.Optimizer, LambdaLR]:
    """Return the optimiser of a recipe, and its schedule over a training of so many updates.

    On a CPU it is the fused one, which takes a quarter of the time with many small parameters.
    """
    parameters = list(parameters)
    optimiser = OPTIMISERS[recipe.optimiser](
        parameters,
        lr=recipe.learning_rate,
        weight_decay=recipe.weight_decay,
        fused=all(values.device.type == "cpu" for values in parameters) or None,
    )
    return optimiser, LambdaLR(optimiser, lambda step: learning_rate_factor(recipe, step / updates))


def learning_rate_factor(recipe: Recipe, share: float) -> float:
    """Return the factor of the learning rate when `share` (0 to 1) of the budget is spent."""
    rise = min(1.0, (share + 1e-3) / recipe.warm_up) if recipe.warm_up else 1.0
    if recipe.schedule == "cosine":
        return rise * (1 + math.cos(math.pi * min(share, 1.0))) / 2
    if recipe.schedule == "step":
        return rise * recipe.step_factor ** int(share * recipe.steps)
    return rise
