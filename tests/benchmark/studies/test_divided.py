"""Studies divided among parts and machines: the same files as of one, and lost workers."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from benchmark.commands.ablate import Ablate
from benchmark.commands.study import Study
from benchmark.dataset import Dataset
from benchmark.machine.cluster import dask_executor
from benchmark.machine.crew import Crew
from benchmark.studies.ablate import ablate, varied, with_base
from benchmark.studies.rates import run_study
from benchmark.studies.variations import Setting, run_settings
from tests.benchmark.studies.fatal import FATAL, watch_briefly
from tests.benchmark.studies.rated import BUDGET, ME
from tests.local_cluster import local_cluster


def timeless(value: Any) -> Any:
    """Return JSON values without times."""
    if isinstance(value, dict):
        return {key: timeless(each) for key, each in value.items() if key != "seconds"}
    return [timeless(each) for each in value] if isinstance(value, list) else value


def content(path: Path, root: Path) -> Any:
    """Return a table's JSON, but for times and for where the runs lie."""
    return timeless(json.loads(path.read_text().replace(str(root), "ROOT")))


def test_two_parts_of_a_study_make_the_files_of_one(bright: Dataset, tmp_path: Path) -> None:
    """Each part scans its rates; when all are known, each trains its seeds."""

    def study(place: str, crew: Crew) -> list[Path] | None:
        return run_study(
            bright, [ME], budget=BUDGET, rates=3, seeds=2, root=tmp_path / place, share=0.5,
            crew=crew,
        )  # fmt: skip

    whole = study("one", Crew())
    first, second = Crew(shard=(1, 2)), Crew(shard=(2, 2))
    assert study("two", first) is None
    assert study("two", second) is None  # scans are done, and one of two final trainings
    assert not list((tmp_path / "two").rglob("study.json"))
    assert len(list((tmp_path / "two").rglob("weights.safetensors"))) == 4
    parts = study("two", first)
    assert whole and parts
    assert content(parts[0], tmp_path / "two") == content(whole[0], tmp_path / "one")


def test_two_parts_of_an_ablation_make_the_files_of_one(bright: Dataset, tmp_path: Path) -> None:
    settings = with_base(ME, varied(ME, ["learning_rate=0.01"]), {})

    def run(place: str, crew: Crew) -> list[Path] | None:
        return ablate(
            bright, settings, budget=BUDGET, seeds=(0,), root=tmp_path / place, name="t",
            score_on=bright, crew=crew,
        )  # fmt: skip

    whole = run("one", Crew())
    assert run("two", Crew(shard=(2, 2))) is None
    assert not list((tmp_path / "two").rglob("t.json"))
    parts = run("two", Crew(shard=(1, 2)))
    assert whole and parts
    assert content(parts[0], tmp_path / "two") == content(whole[0], tmp_path / "one")


def test_commands_tell_that_other_parts_are_missing(
    bright: Dataset, tmp_path: Path, capsys
) -> None:
    more: dict[str, Any] = {"budget": BUDGET, "runs": tmp_path, "shard": "2/9"}
    Study(bright.folder, (ME,), rates=1, seeds=1, **more).run()
    Ablate(ME, bright.folder, vary=("learning_rate=0.01",), **{**more, "shard": "9/9"}).run()
    shown = capsys.readouterr().out
    assert shown.count(f"{tmp_path / bright.name}: this part is done, others are missing") == 2


@pytest.fixture
def cluster() -> Iterator[str]:
    """The address of a scheduler with two worker processes."""
    with local_cluster(2) as (address, client):
        client.run(watch_briefly)
        yield address


def test_a_lost_workers_training_is_taken_up_again_on_a_cluster(
    bright: Dataset, tmp_path: Path, cluster: str
) -> None:
    """The second worker goes on after the last validation of the one that was killed."""
    marker = tmp_path / "ended"
    settings = [Setting(FATAL, {"marker": str(marker)}), Setting(ME, {"learning_rate": 0.01})]
    marker.touch()
    alone = run_settings(bright, settings, BUDGET, (0,), tmp_path / "alone")
    marker.unlink()
    with dask_executor(cluster) as executor:
        crew = Crew(executor=executor)
        rows = run_settings(bright, settings, BUDGET, (0,), tmp_path / "away", crew=crew)
    assert alone and rows and marker.exists()
    for one, other in zip(alone, rows, strict=True):
        assert other["run"] == one["run"].replace("alone", "away")
        assert other["validation_error"] == pytest.approx(one["validation_error"], rel=1e-3)
        assert (Path(other["run"]) / "weights.safetensors").is_file()
