"""From a spec to a data set folder, with the same bytes however the work is divided.

Any number of processes, machines and interrupted runs may share it; see `simulate.dataset.folder`.
Of several that are to make the same part, one does and the others wait.
"""

from __future__ import annotations

import importlib.metadata
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, Future, as_completed
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from benchmark.dataset import Dataset
from benchmark.errors import UserError, note
from benchmark.files import atomic_path, write_json
from benchmark.machine.lock import done_once
from benchmark.machine.progress import progress
from benchmark.workers import core_count, process_pool
from simulate import GENERATOR_VERSION
from simulate.dataset.card import dataset_card
from simulate.dataset.croissant import croissant
from simulate.dataset.folder import ABOUT, CARD, CROISSANT, DatasetFolder
from simulate.dataset.memory import check_memory
from simulate.dataset.withheld import Withheld, public_factors
from simulate.spec import Spec
from simulate.spec.draw import draw_spec
from simulate.spec.plan import SweepPlan, plan_sweeps
from simulate.sweep.compose import compose_sweep
from simulate.sweep.scene import subject_tissue

VERSIONS_OF = ("numpy", "numba", "scipy", "h5py", "k-wave-python")


def identity(spec: Spec) -> dict[str, Any]:
    """Return the identity of a data set: its spec and hash, and the versions that make it."""
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
    withheld: Withheld | None = None,
) -> Dataset | None:
    """Make the missing sweeps of a data set.

    Parameters
    ----------
    folder : of the data set; sweeps of an earlier run of the same spec are kept.
    workers : processes; by default one per core this process may use. One worker is this process
        itself. A script that asks for more does so within `if __name__ == "__main__":`.
    shard : (i, n) makes the i-th of n parts only, 1 to n.
    executor : runs the work in place of a pool of this machine, e.g. Dask's; its workers must see
        the folder under the same name.
    withheld : the private entropy of the test split, and the folder of its answers.

    Returns
    -------
    The data set, or None while sweeps of other shards are missing.

    Raises
    ------
    UserError : the folder holds another data set, or an incomplete one of other library versions;
        more memory is needed than there is; the answers are within the data set's folder; the disk
        is full; a worker was ended, or none could begin.
    """
    part, parts = shard
    if not 1 <= part <= parts:
        raise UserError(f"shard: expected i/n with 1 <= i <= n, got {part}/{parts}")
    if workers is not None and workers < 1:
        raise UserError(f"workers: expected at least 1, got {workers}")
    homes = _homes(Path(folder), withheld)
    plans = plan_sweeps(spec)
    mine = plans[part - 1 :: parts]
    _claim(spec, homes, withheld)
    done_once(
        homes.public.path / f"generate-{part}-of-{parts}.lock",
        f"the generation of '{spec.name}', part {part}/{parts},",
        lambda: all(_is_made(homes, plan) for plan in mine),
        lambda _: _Job(spec, homes, withheld, mine).make(workers, executor),
        note,
    )
    return _finish(spec, homes, plans)


@dataclass(frozen=True)
class _Homes:
    """The folders of a data set and of the answers of its test split, None if not withheld."""

    public: DatasetFolder
    answers: DatasetFolder | None


@dataclass(frozen=True)
class _Job:
    """The sweeps of one part of a data set, to be made where they are missing."""

    spec: Spec
    homes: _Homes
    withheld: Withheld | None
    plans: Sequence[SweepPlan]

    def make(self, workers: int | None, executor: Executor | None) -> None:
        """Make the missing sweeps in so many processes of this machine, or by an executor."""
        missing = [plan for plan in self.plans if not _is_made(self.homes, plan)]
        if not missing:  # another part's commands make some of these sweeps too
            return
        missing.sort(key=lambda plan: not plan.showcase)  # first those that take longest
        _refuse_mixed_versions(self.spec, self.homes)
        count = min(workers or core_count(), len(missing))
        if executor is None:
            check_memory(self.spec, count)
        work = partial(_make_and_write, self.spec, homes=self.homes, withheld=self.withheld)
        with progress(
            total=len(self.plans), initial=len(self.plans) - len(missing),
            desc=f"generate {self.spec.name}", unit="sweep",
        ) as bar:  # fmt: skip
            bar.set_postfix_str("first use compiles")
            for _ in _as_made(work, missing, count, executor):
                bar.set_postfix_str("", refresh=False)
                bar.update()


def _homes(folder: Path, withheld: Withheld | None) -> _Homes:
    if withheld is None:
        return _Homes(DatasetFolder(folder), None)
    answers = Path(withheld.answers)
    if answers.resolve().is_relative_to(folder.resolve()):
        raise UserError(f"answers: expected a folder outside of {folder}, got {answers}")
    return _Homes(DatasetFolder(folder, without_truth=("test",)), DatasetFolder(answers))


def _claim(spec: Spec, homes: _Homes, withheld: Withheld | None) -> None:
    ours = identity(spec)
    if withheld is None or homes.answers is None:
        homes.public.claim(ours)
        return
    homes.public.claim({**ours, "withheld": withheld.commitment})
    private = {**withheld.commitment, "entropy": f"{withheld.entropy:x}"}
    homes.answers.claim({**ours, "withheld": private})


def _refuse_mixed_versions(spec: Spec, homes: _Homes) -> None:
    """Refuse to add sweeps to those of other library versions, in either folder."""
    for home in (homes.public, homes.answers):
        if home is not None:
            home.refuse_other_versions(identity(spec)["versions"])


def _is_made(homes: _Homes, plan: SweepPlan) -> bool:
    """Return whether a sweep is complete, and its answer too where that is kept apart."""
    answered = plan.split != "test" or homes.answers is None or homes.answers.recorded(plan)
    return bool(answered and homes.public.recorded(plan))


def _make_and_write(spec: Spec, plan: SweepPlan, homes: _Homes, withheld: Withheld | None) -> int:
    """Make one sweep and write it and its answer; return its number of frames."""
    private = withheld is not None and plan.split == "test"
    entropy = withheld.entropy if withheld is not None and private else None
    sweep = compose_sweep(spec, plan, entropy)
    drawn = draw_spec(spec, plan, entropy).spec
    # A twin may have other vessels; the folder has those of the subject as it is.
    tissue = None if plan.held_out else subject_tissue(drawn, plan.subject_index, entropy)
    truth = None if tissue is None else tissue.vessels.to_json()
    if private and homes.answers is not None:
        homes.answers.write(plan, sweep, truth)
        sweep = sweep.withhold(public_factors(dict(sweep.factors)))
    homes.public.write(plan, sweep, truth)
    return len(sweep)


def _as_made(
    work: Callable[[SweepPlan], int],
    plans: Sequence[SweepPlan],
    workers: int,
    executor: Executor | None,
) -> Iterator[int]:
    """Yield the frames of each sweep when it is made: by an executor, here, or by a pool."""
    if executor is not None:
        yield from _as_completed(executor, work, plans, cancel=True)
    elif workers == 1:
        yield from map(work, plans)
    else:
        with process_pool(workers) as pool:
            yield from _as_completed(pool, work, plans, cancel=False)


def _as_completed(
    executor: Executor,
    work: Callable[[SweepPlan], int],
    plans: Sequence[SweepPlan],
    cancel: bool,
) -> Iterator[int]:
    """Hand plans to an executor and yield the results as they come.

    cancel: on an error, drop what was not begun; a pool of our own is ended whole instead, and the
    thread that watches it would stumble over cancelled futures.
    """
    futures: list[Future[int]] = [executor.submit(work, plan) for plan in plans]
    try:
        for future in as_completed(futures):
            yield future.result()
    except BaseException:
        for future in futures if cancel else ():
            future.cancel()
        raise


def _finish(spec: Spec, homes: _Homes, plans: Sequence[SweepPlan]) -> Dataset | None:
    """Write index, card and metadata of the data set, and the answers' index, if complete."""
    if homes.answers is not None:
        tests = [plan for plan in plans if plan.split == "test"]
        if homes.answers.finish(f"{spec.name}-answers", tests) is None:
            return None
    dataset = homes.public.finish(spec.name, plans)
    if dataset is not None and not all((dataset.folder / name).is_file() for name in ABOUT):
        with atomic_path(dataset.folder / CARD) as temporary:
            temporary.write_text(dataset_card(spec, dataset), encoding="utf-8")
        write_json(dataset.folder / CROISSANT, croissant(spec, dataset))
    if dataset is not None and homes.answers is not None:
        homes.public.even_times()
    return dataset
