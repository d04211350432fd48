"""A tracker's training in Lightning's form: module, data, progress bar."""

import logging
import time
import warnings
from collections.abc import Callable, Sequence
from contextlib import contextmanager
from typing import Any

import lightning.pytorch as pl
import torch
from torch.utils.data import DataLoader

from benchmark.learning.schedule import scheduled_optimiser
from benchmark.learning.windows import Conditions, Sample, Windows
from benchmark.machine.progress import progress
from benchmark.sweep import Sweep
from benchmark.tracker import LearnedTracker

VALIDATIONS = 6  # per training, at equal distances


class Loop(pl.LightningModule):
    """A tracker's network, loss and recipe in Lightning's form."""

    def __init__(self, tracker: LearnedTracker, score: Callable[[int], float], updates: int):
        super().__init__()
        self.network = tracker.module()
        self.recipe, self.updates = tracker.recipe, updates
        self._loss, self._augment, self._score = tracker.loss, tracker.augment, score
        self.began, self.earlier = time.perf_counter(), 0.0

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Keep the states of the random generators, the precision, and the time spent so far."""
        checkpoint["precision"] = str(self.trainer.precision)
        checkpoint["random"] = torch.get_rng_state()
        checkpoint["random_cuda"] = torch.cuda.get_rng_state_all()
        checkpoint["seconds"] = self.earlier + time.perf_counter() - self.began

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Restore the states of the random generators, and the time spent so far."""
        self.earlier = checkpoint["seconds"]
        torch.set_rng_state(checkpoint["random"].cpu())
        if len(checkpoint["random_cuda"]) == torch.cuda.device_count():
            torch.cuda.set_rng_state_all([state.cpu() for state in checkpoint["random_cuda"]])

    def training_step(self, batch: Sample, _index: int) -> torch.Tensor:
        loss = self._loss(*self._augment(*batch))
        self.log("loss", loss)
        return loss

    def validation_step(self, batch: torch.Tensor, _index: int) -> None:
        for index in batch.tolist():
            self.log("val_error", self._score(index), batch_size=1)

    def configure_optimizers(self) -> Any:
        optimiser, schedule = scheduled_optimiser(
            self.recipe, self.network.parameters(), self.updates
        )
        return [optimiser], [{"scheduler": schedule, "interval": "step"}]


class WindowData(pl.LightningDataModule):
    """Windows for each stretch between validations, drawn anew, the same for the same seed."""

    def __init__(
        self,
        sweeps: Sequence[Sweep],
        validation: int,
        tracker: LearnedTracker,
        updates: int,
        seed: int,
        conditions: Conditions,
    ):
        super().__init__()
        self.conditions = conditions
        self.sweeps, self.validation, self.seed = sweeps, validation, seed
        self.window, self.batch_size = tracker.window, tracker.recipe.batch_size
        self.ends = [round(updates * (i + 1) / VALIDATIONS) for i in range(VALIDATIONS)]

    def train_dataloader(self) -> DataLoader[Any]:
        epoch = self.trainer.current_epoch if self.trainer else 0
        updates = self.ends[epoch] - (self.ends[epoch - 1] if epoch else 0)
        seed = self.seed * VALIDATIONS + epoch
        count = updates * self.batch_size
        windows = Windows(self.sweeps, self.window, count, seed, self.batch_size, self.conditions)
        return DataLoader(windows, self.batch_size)

    def val_dataloader(self) -> DataLoader[Any]:
        return DataLoader(range(self.validation), 1)  # type: ignore[arg-type]


class UpdateBar(pl.Callback):
    """One progress bar over the whole training, with the tracker's name, loss and error."""

    def __init__(self, name: str, updates: int):
        self.name, self.updates = name, updates
        self.bar: Any = None

    def on_train_start(self, trainer: pl.Trainer, loop: pl.LightningModule) -> None:
        start = trainer.global_step
        self.bar = progress(
            total=self.updates, initial=start, desc=f"train {self.name}", unit="update"
        )

    def on_train_batch_end(self, trainer: pl.Trainer, *_: Any) -> None:
        assert self.bar is not None
        self.bar.update(trainer.global_step - self.bar.n)
        shown = {key: float(value) for key, value in trainer.callback_metrics.items()}
        self.bar.set_postfix(shown, refresh=False)

    def on_train_end(self, *_: Any) -> None:
        self._close()

    def on_exception(self, *_: Any) -> None:
        self._close()

    def _close(self) -> None:
        if self.bar is not None:  # None if training failed before its first update
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
