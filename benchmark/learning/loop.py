"""A tracker's training in Lightning's form: module, data, progress bar."""

import logging
import math
import time
import warnings
from collections.abc import Callable, Sequence
from contextlib import contextmanager
from typing import Any

import lightning.pytorch as pl
import numpy as np
import torch
from torch.utils.data import DataLoader

from benchmark.learning.schedule import scheduled_optimiser
from benchmark.learning.windows import Conditions, Sample, Windows
from benchmark.machine.progress import progress
from benchmark.sweep import Sweep
from benchmark.tracker import LearnedTracker

VALIDATIONS = 6  # per training, at equal distances
NO_SWEEP = -1  # among the indices of a process that validates one less than others


class Loop(pl.LightningModule):
    """A tracker's network, loss and recipe in Lightning's form.

    score: the validation error of a sweep by its index; seed: of the training. left_out: updates
    so far that were left out since their gradient was not finite.
    """

    def __init__(
        self, tracker: LearnedTracker, score: Callable[[int], float], updates: int, seed: int = 0
    ):
        super().__init__()
        self.network = tracker.module()
        self.recipe, self.updates, self.seed = tracker.recipe, updates, seed
        self.left_out = 0
        self._errors: list[float] = []
        self._loss, self._augment, self._score = tracker.loss, tracker.augment, score
        self.began, self.earlier = time.perf_counter(), 0.0

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Keep the states of the random generators, the precision, and the time spent so far."""
        checkpoint["precision"] = str(self.trainer.precision)
        checkpoint["left_out"] = self.left_out
        checkpoint["random"] = torch.get_rng_state()
        checkpoint["random_cuda"] = torch.cuda.get_rng_state_all()
        checkpoint["seconds"] = self.earlier + time.perf_counter() - self.began

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Restore the states of the random generators, and the time spent so far."""
        self.earlier, self.left_out = checkpoint["seconds"], checkpoint.get("left_out", 0)
        torch.set_rng_state(checkpoint["random"].cpu())
        if len(checkpoint["random_cuda"]) == torch.cuda.device_count():
            torch.cuda.set_rng_state_all([state.cpu() for state in checkpoint["random_cuda"]])

    def on_train_epoch_start(self) -> None:
        """Let each of several processes draw random numbers of its own, also after a resumption."""
        if self.trainer.world_size > 1:
            place = (self.seed, self.trainer.current_epoch, self.trainer.global_rank)
            torch.manual_seed(int(np.random.SeedSequence(place).generate_state(1)[0]))

    def training_step(self, batch: Sample, _index: int) -> torch.Tensor:
        loss = self._loss(*self._augment(*batch))
        self.log("loss", loss)
        return loss

    def validation_step(self, batch: torch.Tensor, _index: int) -> None:
        self._errors += [self._score(index) for index in batch.tolist() if index != NO_SWEEP]

    def on_before_optimizer_step(self, optimizer: torch.optim.Optimizer) -> None:
        """Leave an update out whose gradient is not finite, since no weight would be afterwards."""
        gradients = [p.grad for p in self.network.parameters() if p.grad is not None]
        if not torch.nn.utils.get_total_norm(gradients).isfinite():
            optimizer.zero_grad()
            self.left_out += 1

    def on_validation_epoch_end(self) -> None:
        """Log the mean error over the sweeps of all processes."""
        sums = [math.fsum(self._errors), float(len(self._errors))]
        total = torch.tensor(sums, device=self.device)
        self._errors.clear()
        error, count = self.trainer.strategy.reduce(total, reduce_op="sum")
        self.log("val_error", error / count)

    def configure_optimizers(self) -> Any:
        optimiser, schedule = scheduled_optimiser(
            self.recipe, self.network.parameters(), self.updates
        )
        return [optimiser], [{"scheduler": schedule, "interval": "step"}]


class WindowData(pl.LightningDataModule):
    """Windows for each stretch between validations, drawn anew, the same for the same seed.

    Processes that train together share each batch, whose windows have one shape, and the sweeps of
    the validation split.
    """

    def __init__(
        self,
        sweeps: Sequence[Sweep],
        validation: int,
        tracker: LearnedTracker,
        updates: int,
        seed: int,
        conditions: Conditions | None = None,
    ):
        super().__init__()
        self.conditions = conditions
        self.sweeps, self.validation, self.seed = sweeps, validation, seed
        self.window, self.batch_size = tracker.window, tracker.recipe.batch_size
        self.ends = [round(updates * (i + 1) / VALIDATIONS) for i in range(VALIDATIONS)]

    def train_dataloader(self) -> DataLoader[Any]:
        epoch = self.trainer.current_epoch if self.trainer else 0
        before = self.ends[epoch - 1] if epoch else 0
        # Lightning's last checkpoint may be of the end, where no update is left.
        updates = self.ends[epoch] - before if epoch < VALIDATIONS else 0
        seed = self.seed * VALIDATIONS + epoch
        count = updates * self.batch_size
        windows = Windows(self.sweeps, self.window, count, seed, self.batch_size, self.conditions)
        rank, processes = self._place()
        size = self.batch_size // processes
        own = np.arange(count).reshape(-1, processes, size)[:, rank]
        return DataLoader(windows, size, sampler=own.ravel().tolist())

    def val_dataloader(self) -> DataLoader[Any]:
        rank, processes = self._place()
        rounds = -(-self.validation // processes)
        places = [n if n < self.validation else NO_SWEEP for n in range(rounds * processes)]
        return DataLoader(places[rank::processes], 1)  # type: ignore[arg-type]

    def _place(self) -> tuple[int, int]:
        """Return this process's place among those that train together, and how many they are."""
        return (self.trainer.global_rank, self.trainer.world_size) if self.trainer else (0, 1)


class UpdateBar(pl.Callback):
    """One progress bar over the whole training, with the tracker's name, loss and error."""

    def __init__(self, name: str, updates: int):
        self.name, self.updates = name, updates
        self.bar: Any = None

    def on_train_start(self, trainer: pl.Trainer, loop: pl.LightningModule) -> None:
        start = trainer.global_step
        if not trainer.is_global_zero:
            return
        self.bar = progress(
            total=self.updates, initial=start, desc=f"train {self.name}", unit="update"
        )

    def on_train_batch_end(self, trainer: pl.Trainer, *_: Any) -> None:
        if self.bar is None:
            return
        self.bar.update(trainer.global_step - self.bar.n)
        shown = {key: float(value) for key, value in trainer.callback_metrics.items()}
        self.bar.set_postfix(shown, refresh=False)

    def on_train_end(self, *_: Any) -> None:
        self._close()

    def on_exception(self, *_: Any) -> None:
        self._close()

    def _close(self) -> None:
        if self.bar is not None:  # it failed before its first update, or another process shows it
            self.bar.close()


@contextmanager
def quiet_lightning() -> Any:
    """Silence Lightning's advertisements and remarks that do not concern a user."""
    loggers = [logging.getLogger(n) for n in ("lightning.pytorch", "lightning.fabric")]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.ERROR)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", module="lightning")
        warnings.filterwarnings("ignore", message=".*lr_scheduler.step.*")
        yield
    for logger, level in zip(loggers, levels, strict=True):
        logger.setLevel(level)
