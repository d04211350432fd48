"""From a spec to a data set folder, in any number of processes, machines and attempts.

All of them give the same bytes: sweeps are written whole under their own names, each with a record
of its hash, and whoever finds all records there writes the index.
"""

from __future__ import annotations

import contextlib
import importlib.metadata
import multiprocessing
import os
import signal
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import Executor, Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import asdict
from pathlib import Path
from typing import Any

from tqdm import tqdm

from benchmark.dataset import Dataset, Entry, open_dataset, write_dataset
from benchmark.errors import UserError
from benchmark.files import atomic_path, read_json, sha256_of_file, write_json
from benchmark.sweep import write_sweep
from simulate import GENERATOR_VERSION
from simulate.card import dataset_card
from simulate.compose import SweepPlan, make_sweep, plan_sweeps, subject_tissue
from simulate.spec import Spec

VERSIONS_OF = ("numpy", "numba", "scipy", "h5py", "k-wave-python")
THREAD_VARIABLES = ("NUMBA_NUM_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS",
                    "MKL_NUM_THREADS")  # fmt: skip


def identity(spec: Spec) -> dict[str, Any]:
    """Return what a data set is: its spec, their hash, and the versions of what made it."""
    return {
        "spec": spec.to_dict(),
        "spec_hash": spec.hash,
        "generator": GENERATOR_VERSION,
        "versions": {name: importlib.metadata.version(name) for name in VERSIONS_OF},
    }


def generate(
    spec: Spec,
    folder: Path | str,
    *,
    workers: int | None = None,
    shard: tuple[int, int] = (1, 1),
    executor: Executor | None = None,
) -> Dataset | None:
    """Make all sweeps of a data set that are not there yet; return it, or None if others miss.

    Parameters
    ----------
    folder : of the data set; taken up where an earlier run of the same spec left it.
    workers : processes; by default one per core this process may use.
    shard : (i, n) makes the i-th of n parts only, 1 to n.
    executor : runs the work in place of a pool of this machine, e.g. Dask's. Its workers must have
        one BLAS thread each, or photoacoustic frames differ in their last bits.

    Raises
    ------
    UserError : the folder holds another data set, or part of one from other library versions.
    """
    folder = Path(folder)
    part, parts = shard
    if not 1 <= part <= parts:
        raise UserError(f"shard: expected i/n with 1 <= i <= n, got {part}/{parts}")
    if workers is not None and workers < 1:
        raise UserError(f"workers: expected at least 1, got {workers}")
    _claim(folder, spec)
    plans = plan_sweeps(spec)
    mine = plans[part - 1 :: parts]
    missing = [plan for plan in mine if _recorded(folder, plan) is None]
    missing.sort(key=lambda plan: not plan.showcase)  # the longest first
    if missing:
        count = min(workers or len(os.sched_getaffinity(0)), len(missing))
        with contextlib.ExitStack() as stack:
            chosen = executor or stack.enter_context(_pool(count))
            _run(chosen, spec, folder, missing, len(mine) - len(missing))
    return _finish(folder, spec, plans)


def _claim(folder: Path, spec: Spec) -> None:
    """Write the identity of a data set into its folder, or refuse a folder that has another."""
    path, ours = folder / "identity.json", identity(spec)
    if not path.is_file():
        if (folder / "dataset.json").is_file():
            raise UserError(
                f"{folder}: holds a data set that was not generated; choose another --out"
            )
        write_json(path, ours)
        return
    found = read_json(path)
    if found.get("spec_hash") != ours["spec_hash"]:
        raise UserError(
            f"{path}: expected spec hash {ours['spec_hash'][:12]} of '{spec.name}', got "
            f"{str(found.get('spec_hash'))[:12]}; delete the folder or choose another --out"
        )
    if found != ours and not (folder / "dataset.json").is_file():
        raise UserError(
            f"{path}: this part was made with {found.get('versions')}, now {ours['versions']}; "
            "delete the folder or choose another --out"
        )


def _sweep_path(folder: Path, plan: SweepPlan) -> Path:
    return folder / "sweeps" / f"{plan.name}.h5"


def _record_path(folder: Path, plan: SweepPlan) -> Path:
    return folder / "records" / f"{plan.name}.json"


def _recorded(folder: Path, plan: SweepPlan) -> Entry | None:
    """Return the entry of a sweep that is there whole, or None."""
    path = _record_path(folder, plan)
    if not (path.is_file() and _sweep_path(folder, plan).is_file()):
        return None
    entry = Entry(**read_json(path))
    truth = folder / "truth" / f"{plan.subject}.json"
    whole = sha256_of_file(_sweep_path(folder, plan)) == entry.sha256 and truth.is_file()
    return entry if whole else None


def _make_and_write(spec: Spec, index: int, folder: str) -> int:
    """Make one sweep and write it, its subject's truth and its record; return its frames."""
    plan = plan_sweeps(spec)[index]
    sweep = make_sweep(spec, index)
    path = _sweep_path(Path(folder), plan)
    write_sweep(path, sweep)
    truth = subject_tissue(spec, plan.subject_index).vessels.to_json()
    write_json(Path(folder) / "truth" / f"{plan.subject}.json", truth)
    entry = Entry(
        name=plan.name,
        file=f"sweeps/{path.name}",
        split=plan.split,
        subject=plan.subject,
        frames=len(sweep),
        sha256=sha256_of_file(path),
        factors=sweep.factors,
    )
    write_json(_record_path(Path(folder), plan), asdict(entry))
    return len(sweep)


def _run(
    executor: Executor, spec: Spec, folder: Path, plans: Sequence[SweepPlan], done: int
) -> None:
    """Make sweeps, with a bar that counts them; what was not begun is dropped on an error."""
    bar = tqdm(
        total=done + len(plans), initial=done, desc=f"generate {spec.name}", unit="sweep",
        file=sys.stderr,
    )  # fmt: skip
    futures: list[Future[int]] = [
        executor.submit(_make_and_write, spec, plan.index, str(folder)) for plan in plans
    ]
    with bar:
        bar.set_postfix_str("first use compiles")
        try:
            for future in as_completed(futures):
                future.result()
                bar.set_postfix_str("")
                bar.update()
        except BrokenProcessPool as error:
            raise UserError(
                "a worker process was ended from outside, perhaps for want of memory; the same "
                "command with fewer --workers goes on from here"
            ) from error
        except BaseException:
            for future in futures:
                future.cancel()
            raise


@contextlib.contextmanager
def _pool(workers: int) -> Iterator[ProcessPoolExecutor]:
    """Start spawned processes of one thread each; end them at once when the block fails.

    Libraries read their number of threads when first imported, hence the environment.
    """
    before = {key: os.environ.get(key) for key in THREAD_VARIABLES}
    os.environ.update(dict.fromkeys(THREAD_VARIABLES, "1"))
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(workers, mp_context=context, initializer=_leave_on_interrupt)
    try:
        yield pool
    except BaseException:
        pool.shutdown(wait=False, cancel_futures=True)
        for process in multiprocessing.active_children():
            process.terminate()
        raise
    finally:
        pool.shutdown()
        for key, value in before.items():
            if value is None:
                os.environ.pop(key, None)
            else:
                os.environ[key] = value


def _leave_on_interrupt() -> None:
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def _finish(folder: Path, spec: Spec, plans: Sequence[SweepPlan]) -> Dataset | None:
    """Write the data set's index and card once every sweep is there."""
    found = [_recorded(folder, plan) for plan in plans]
    entries = [entry for entry in found if entry is not None]
    if len(entries) < len(plans):
        return None
    if (folder / "dataset.json").is_file():
        dataset = open_dataset(folder)
        if [asdict(e) for e in dataset.entries] == [asdict(e) for e in entries]:
            return dataset
    dataset = write_dataset(folder, spec.name, entries, read_json(folder / "identity.json"))
    with atomic_path(folder / "README.md") as temporary:
        temporary.write_text(dataset_card(spec, dataset), encoding="utf-8")
    return dataset
