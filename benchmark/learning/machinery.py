"""On what a training runs: accelerator, precision, and the processes that share each batch."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from lightning.pytorch.plugins.environments import LightningEnvironment
from lightning.pytorch.strategies import DDPStrategy

from benchmark.errors import UserError
from benchmark.machine.ranks import is_first

#: For how long processes wait for the first one, which ends a training alone.
PATIENCE = timedelta(days=1)


@dataclass(frozen=True)
class Machinery:
    """On what a training runs, in Lightning's words.

    accelerator: "auto", "cpu", "gpu"; precision: e.g. "32-true", "bf16-mixed"; devices: of each
    node, GPUs or processes of a CPU, which share each batch; nodes: how many machines.

    Raises
    ------
    UserError : no device or no node.
    """

    accelerator: str = "auto"
    precision: str = "32-true"
    devices: int = 1
    nodes: int = 1

    def __post_init__(self) -> None:
        for name in ("devices", "nodes"):
            if getattr(self, name) < 1:
                raise UserError(f"--{name}: expected 1 or more, got {getattr(self, name)}")

    @property
    def processes(self) -> int:
        """How many processes share each batch."""
        return self.devices * self.nodes

    @property
    def is_first(self) -> bool:
        """Whether this process is the first of them, which writes what there is to write."""
        return is_first(self.processes)

    def refuse_uneven(self, tracker: str, batch: int) -> None:
        """Refuse a tracker whose batch of windows the processes cannot share evenly.

        Raises
        ------
        UserError : the size of the batch and how many processes there are.
        """
        if batch % self.processes:
            raise UserError(
                f"--devices, --nodes: expected a divisor of the batch of {batch} windows of "
                f"tracker '{tracker}', which they share, got {self.processes}"
            )

    def options(self) -> dict[str, Any]:
        """Return the options of Lightning's trainer.

        Several processes share a batch by Lightning's strategy "ddp", on windows that `WindowData`
        has shared out. One process looks for no others, whatever its cluster says of its job.
        """
        options: dict[str, Any] = {
            "accelerator": self.accelerator,
            "precision": self.precision,
            "devices": self.devices,
            "num_nodes": self.nodes,
            "use_distributed_sampler": False,
        }
        if self.processes == 1:
            return {**options, "plugins": [LightningEnvironment()]}
        # Some configurations leave a branch of their network unused.
        strategy = DDPStrategy(find_unused_parameters=True, timeout=PATIENCE)
        return {**options, "strategy": strategy}
