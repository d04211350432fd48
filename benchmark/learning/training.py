"""The training loop of every learned tracker: equal budget, equal validation.

A budget is a number of floating-point operations. One update (forward and backward of a batch) is
counted once with torch's counter; the budget divided by that is the number of updates. After each
sixth of them the tracker tracks the validation sweeps as it would a test sweep, and the weights
with the smallest error are kept. `refine` and `finish` of the tracker then follow.
"""

import math
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import lightning.pytorch as pl
import numpy as np
import torch
from lightning.pytorch.callbacks import ModelCheckpoint, WeightAveraging
from torch import distributed
from torch.optim.swa_utils import get_ema_multi_avg_fn
from torch.utils.data import DataLoader

from benchmark.dataset import Dataset
from benchmark.errors import UserError, chain, note
from benchmark.files import clear_full_disk
from benchmark.learning.flops import flop_counter
from benchmark.learning.loop import VALIDATIONS, Loop, UpdateBar, WindowData, quiet_lightning
from benchmark.learning.machinery import Machinery
from benchmark.learning.resume import CHECKPOINT, resumable
from benchmark.learning.windows import Conditions, Windows, conditions_of
from benchmark.machine.lock import RefuseLost, done_once
from benchmark.metrics import Case, tusrec
from benchmark.runs.run import Run, learns
from benchmark.sweep import Sweep
from benchmark.tracker import LearnedTracker, Recipe, Tracker

IN_MEMORY_BYTES = 2**31


def train(
    run: Run,
    *,
    accelerator: str = "auto",
    precision: str = "32-true",
    devices: int = 1,
    nodes: int = 1,
) -> None:
    """Train or calibrate a run's tracker and write its weights and `config.json`.

    A run that is trained already is left as it is; an interrupted one goes on after its last
    validation, or from the start if its checkpoint is damaged. While another process trains it,
    this one waits; with several devices it is refused.

    accelerator, precision, devices, nodes: as `Machinery` says. With several devices this
    process's command is started once more for each of the others, by Lightning or, on a cluster,
    by what starts its jobs; all of them call this function.

    Raises
    ------
    UserError : a run that was trained, or began, with another precision; one that another machine
        took over; a learned tracker without a budget, or whose batch the devices cannot share; a
        data set without the splits that the tracker learns from; a full disk.
    """
    machinery = Machinery(accelerator, precision, devices, nodes)
    if machinery.is_first:
        done_once(
            run.training_lock,
            f"the training of '{run.name}'",
            run.is_trained,
            partial(_train, run, machinery),
            note,
            waits=machinery.processes == 1,  # the others of a training wait for its first briefly
        )
        run.remove_checkpoints()
        run.refuse_other_precision(precision)
    elif not run.is_trained():
        _train(run, machinery, lambda: None)


def _train(run: Run, machinery: Machinery, refuse_lost: RefuseLost) -> None:
    """Train a run's tracker, and write its weights and last `config.json`."""
    assert run.tracker is not None
    began = time.perf_counter()
    pl.seed_everything(run.seed, verbose=False)
    tracker = type(run.tracker)(run.tracker.config)  # anew, so that the seed decides its weights
    _refuse_missing_splits(run, tracker)
    sweeps = load_sweeps(run.training_set, "train") if learns(tracker) else []
    tracker.fit(sweeps)
    record: dict[str, Any] = {}
    earlier = 0.0
    if isinstance(tracker, LearnedTracker):
        record, earlier = _optimise(run, tracker, sweeps, machinery)
    if machinery.is_first:
        seconds = earlier + time.perf_counter() - began
        refuse_lost()
        tracker.save(run.folder)
        run.write_config({**record, "seconds": round(seconds, 1)})
        run.remove_checkpoints()
    if machinery.processes > 1 and distributed.is_initialized():
        distributed.barrier()  # the others begin nothing else before it is written


def _refuse_missing_splits(run: Run, tracker: Tracker) -> None:
    """Refuse a data set without the splits that a tracker learns and is validated on."""
    needed = ["train", "val"] if isinstance(tracker, LearnedTracker) else ["train"]
    there = {entry.split for entry in run.training_set.entries}
    for split in needed if learns(tracker) else []:
        if split not in there:
            raise UserError(
                f"{run.training_set.folder}: tracker '{run.name}' learns: expected sweeps of split "
                f"'{split}', got {', '.join(sorted(there))} only; teach it with --train-on"
            )


def load_sweeps(dataset: Dataset, split: str) -> list[Sweep]:
    """Return the sweeps of a split, in memory if small, else with their frames left on disk."""
    entries = dataset.split(split)
    size = sum((dataset.folder / entry.file).stat().st_size for entry in entries)
    return list(dataset.sweeps(split, lazy=size > IN_MEMORY_BYTES))


def count_flops(
    tracker: LearnedTracker, sweeps: Sequence[Sweep], conditions: Conditions | None = None
) -> float:
    """Return the floating-point operations of one update: forward and backward of one batch.

    Where frames differ in shape, the mean over all windows. conditions: of each sweep, worked out
    where not given.
    """
    told = conditions_of(tracker, sweeps) if conditions is None else conditions
    long = Windows(sweeps, tracker.window, 0, conditions=told)
    rooms: dict[tuple[int, ...], list[tuple[Sweep, np.ndarray | None]]] = {}
    for sweep, condition in zip(long.sweeps, long.conditions, strict=True):
        rooms.setdefault(tuple(sweep.bmode.frames.shape[1:]), []).append((sweep, condition))
    costs = [_flops_of_a_batch(tracker, own) for own in rooms.values()]
    counts = [sum(len(s) - tracker.window + 1 for s, _ in own) for own in rooms.values()]
    return float(np.average(costs, weights=counts))


def _flops_of_a_batch(
    tracker: LearnedTracker, room: Sequence[tuple[Sweep, np.ndarray | None]]
) -> float:
    """Return the operations of one update on frames of one shape: sweeps with their conditions."""
    sweeps, conditions = zip(*room, strict=True)
    size = tracker.recipe.batch_size
    windows = Windows(sweeps, tracker.window, size, conditions=conditions)
    batch = next(iter(DataLoader(windows, size)))
    module = tracker.module().train()
    state = {name: value.clone() for name, value in module.state_dict().items()}
    with torch.random.fork_rng(), flop_counter() as counter:
        tracker.loss(*tracker.augment(*batch)).backward()
    module.zero_grad()
    module.load_state_dict(state)
    return float(counter.get_total_flops())


def _optimise(
    run: Run, tracker: LearnedTracker, sweeps: Sequence[Sweep], machinery: Machinery
) -> tuple[dict[str, Any], float]:
    """Spend the budget on the tracker and leave the best weights in it.

    Returns the record for `config.json`, and the seconds spent before an interruption; the record
    is empty in all processes but the first of a training.
    """
    if run.budget_tflop <= 0:
        raise UserError(f"tracker '{run.name}' is learned: expected a budget above 0 TFLOP")
    machinery.refuse_uneven(run.name, tracker.recipe.batch_size)
    conditions = conditions_of(tracker, sweeps)
    # An update is the batch of all devices together, and costs the same however it is shared.
    flops, budget = count_flops(tracker, sweeps, conditions), run.budget_tflop * 1e12
    reserved = tracker.reserve * budget
    updates = max(VALIDATIONS, round((budget - reserved) / flops))
    validation = load_sweeps(run.training_set, "val")
    loop = Loop(tracker, lambda index: _drift_share(tracker, validation[index]), updates, run.seed)
    data = WindowData(sweeps, len(validation), tracker, updates, run.seed, conditions)
    done, converged = _fit(run, loop, data, tracker, machinery)
    if not machinery.is_first:
        return {}, loop.earlier
    refining = 0.0
    if converged:
        if reserved:
            pl.seed_everything(run.seed, verbose=False)  # the same after an interruption
            refining = tracker.refine(sweeps, reserved)
        tracker.finish(sweeps)
    error = float(np.mean([_drift_share(tracker, sweep) for sweep in validation]))
    if loop.left_out:
        lost = f"{loop.left_out} of {done} updates"
        note(f"{run.name}: {lost} had no finite gradient and were left out")
    record = {
        "updates": done,
        "updates_left_out": loop.left_out,
        "flops_per_update": flops,
        "flops": flops * done + refining,
        "flops_refining": refining,
        "parameters": sum(p.numel() for p in tracker.module().parameters()),
        "validation_error": error if math.isfinite(error) else None,
        "precision": machinery.precision,
        "devices": machinery.processes,
        "recipe": {k: getattr(tracker.recipe, k) for k in Recipe.__dataclass_fields__},
    }
    return record, loop.earlier


def _fit(
    run: Run,
    loop: Loop,
    data: WindowData,
    tracker: LearnedTracker,
    machinery: Machinery,
) -> tuple[int, bool]:
    """Run the loop, or the rest of it, and leave the best weights in the tracker.

    Returns the number of updates, and whether any weights had a finite validation error.
    """
    best = ModelCheckpoint(run.folder, "best", monitor="val_error", mode="min", save_last=True)
    best.CHECKPOINT_NAME_LAST = Path(CHECKPOINT).stem
    callbacks: list[Any] = [best, UpdateBar(run.name, loop.updates)]
    if tracker.recipe.average:
        reach = max(1.0, tracker.recipe.average * loop.updates)
        mean = get_ema_multi_avg_fn(1.0 - 1.0 / reach)  # all weights at once, in half the time
        callbacks.append(WeightAveraging(multi_avg_fn=mean))
    resume = resumable(run, machinery.precision)
    _lay_out(tracker, channels_last=True)
    with quiet_lightning():
        trainer = pl.Trainer(
            **machinery.options(),
            max_epochs=VALIDATIONS,
            callbacks=callbacks,
            logger=False,
            enable_progress_bar=False,
            num_sanity_val_steps=0,
            reload_dataloaders_every_n_epochs=1,
            gradient_clip_val=tracker.recipe.gradient_clip or None,
            enable_model_summary=False,
        )
        path = None if resume is None else str(resume)
        try:
            with clear_full_disk(run.folder / CHECKPOINT):
                trainer.fit(loop, data, ckpt_path=path, weights_only=True)
        except SystemExit as end:  # Lightning's answer to Ctrl-C
            raise KeyboardInterrupt from end
        except RuntimeError as error:  # of Lightning's, while it answers
            if any(isinstance(one, KeyboardInterrupt) for one in chain(error)):
                raise KeyboardInterrupt from error
            raise
    _restore(tracker, Path(best.best_model_path))
    _lay_out(tracker, channels_last=False)
    return trainer.global_step, math.isfinite(float(best.best_model_score))  # type: ignore[arg-type]


def _lay_out(tracker: LearnedTracker, *, channels_last: bool) -> None:
    """Lay the weights of convolutions out with channels last (a fifth to a half faster), or first.

    A convolution's output takes the layout of its weights. Files have channels first.
    """
    last = {4: torch.channels_last, 5: torch.channels_last_3d}
    for weights in tracker.module().parameters():
        layout = last.get(weights.dim()) if channels_last else None
        weights.data = weights.data.contiguous(memory_format=layout or torch.contiguous_format)


def _drift_share(tracker: LearnedTracker, sweep: Sweep) -> float:
    """Return the mean position error over all pixels and frames over that of no motion.

    Infinite where training has diverged, so that a weight is not finite.
    """
    if not all(bool(weights.isfinite().all()) for weights in tracker.module().parameters()):
        return math.inf
    channel, predicted = sweep.bmode, tracker.track(sweep.observe(tracker.reads))
    case = Case(
        sweep.first_from_frame,
        predicted.first_from_frame,
        channel.mm_from_pixel,
        channel.frames.shape[1:],  # type: ignore[arg-type]
    )
    return tusrec.gpe(case) / tusrec.gpe(case.identity)


def _restore(tracker: LearnedTracker, path: Path) -> None:
    """Put the best weights of a checkpoint into the tracker's network."""
    state = torch.load(path, map_location="cpu", weights_only=True)["state_dict"]
    prefix = "network."
    tracker.module().load_state_dict(
        {key.removeprefix(prefix): v for key, v in state.items() if key.startswith(prefix)}
    )
