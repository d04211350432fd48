"""The tracker that reads brightness, with a learning rate that its configuration chooses."""

from dataclasses import dataclass

from benchmark.tracker import Recipe
from tests.benchmark.learning.brightness import FLOPS, Brightness

ME = "tests.benchmark.studies.rated:Rated"
BUDGET = 24 * FLOPS / 1e12  # TFLOP: 24 updates


@dataclass(frozen=True)
class RatedConfig:
    learning_rate: float = 0.05


class Rated(Brightness):
    """Brightness with a `learning_rate` in its configuration."""

    name = "rated"
    Config = RatedConfig

    @property
    def recipe(self):
        return Recipe(batch_size=8, learning_rate=self.config.learning_rate)
