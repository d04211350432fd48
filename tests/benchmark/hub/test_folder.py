"""A published folder: it gives the data set back, says what it holds, and refuses the wrong."""

import json
import shutil
import tarfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import yaml

from benchmark.commands.sharing import Publish
from benchmark.dataset import Dataset, open_dataset, write_dataset
from benchmark.errors import UserError
from benchmark.files import sha256_of_file, write_json
from benchmark.hub.folder import publish_dataset
from tests.benchmark.shared.folders import NAMES, make_dataset
from tests.benchmark.shared.synthetic_results import challenge_results, field, write_results

GENERATED = {"spec_hash": "x", "generator": 2}


@pytest.fixture
def dataset(tmp_path) -> Dataset:
    """Return a data set that says it was generated, with the vessel tree of one subject."""
    made = make_dataset(tmp_path / "own")
    write_json(made.folder / "truth" / "p0.json", {"points": [[0.0, 1.0, 2.0]]})
    return write_dataset(made.folder, made.name, made.entries, GENERATED)


def extracted(folder: Path, place: Path) -> Dataset:
    """Extract a published folder's tar files beside its index, as the card says; open that."""
    shutil.copytree(folder, place)
    for path in sorted(place.rglob("*.tar")):
        with tarfile.open(path) as tar:
            tar.extractall(place, filter="data")
    return open_dataset(place)


def front_matter(folder: Path) -> dict:
    return yaml.safe_load((folder / "README.md").read_text().split("---\n")[1])


@pytest.mark.parametrize(("largest", "tars"), [(10**9, 2), (9000, 5), (1, 5)])
def test_extracted_it_is_the_data_set(dataset, tmp_path, largest, tars):
    folder = tmp_path / "out"
    archives = publish_dataset(dataset, folder, "me/tiny", largest=largest)
    assert len(archives) == tars + 1
    found = extracted(folder, tmp_path / "again")
    assert (found.name, found.hash, found.entries) == (dataset.name, dataset.hash, dataset.entries)
    assert found.verify() == [] and found.identity == dataset.identity
    assert [found.truth(f"p{n}") for n in (0, 1)] == [dataset.truth(f"p{n}") for n in (0, 1)]
    for mine, theirs in zip(dataset.sweeps("test"), found.sweeps("test"), strict=True):
        np.testing.assert_array_equal(mine.bmode.frames, theirs.bmode.frames)
        np.testing.assert_array_equal(mine.bmode.world_from_image, theirs.bmode.world_from_image)


def test_shards_are_as_webdataset_reads_them(dataset, tmp_path):
    publish_dataset(dataset, tmp_path / "out", "me/tiny")
    (path,) = (tmp_path / "out" / "data").glob("test-*.tar")
    with tarfile.open(path) as tar:
        names = tar.getnames()
        told = [json.load(tar.extractfile(name)) for name in names[::2]]
    # A sample is a run of members that are the same up to their first dot.
    assert [name.partition(".")[2] for name in names] == ["json", "h5"] * len(NAMES)
    assert [a.partition(".")[0] for a in names[::2]] == [b.partition(".")[0] for b in names[1::2]]
    assert [row["name"] for row in told] == list(NAMES)
    assert len({tuple((key, type(value)) for key, value in row.items()) for row in told}) == 1


def test_front_matter_names_files_that_are_there(dataset, tmp_path):
    publish_dataset(dataset, tmp_path / "out", "me/tiny")
    told = front_matter(tmp_path / "out")
    assert (told["license"], told["language"], told["size_categories"]) == ("mit", ["en"], ["n<1K"])
    types = {one["name"]: one.get("dtype") for one in told["dataset_info"]["features"]}
    assert types == {"json": None, "h5": "binary", "__key__": "string", "__url__": "string"}
    (config,) = told["configs"]
    files = {one["split"]: one["path"] for one in config["data_files"]}
    found = {split: list((tmp_path / "out").glob(path)) for split, path in files.items()}
    assert {split: len(paths) for split, paths in found.items()} == {"train": 1, "test": 1}
    index = (tmp_path / "out" / "index" / "test.jsonl").read_text()
    rows = [json.loads(line) for line in index.splitlines()]
    assert [row["name"] for row in rows] == list(NAMES)
    assert {row["factor_profile"] for row in rows} == {"straight"}


def test_what_is_whole_stays_and_what_is_not_is_written_again(dataset, tmp_path):
    folder = tmp_path / "out"
    publish_dataset(dataset, folder, "me/tiny", largest=1)
    files = sorted((folder / "data").glob("*.tar"))
    hashes = [sha256_of_file(path) for path in files]
    damaged = bytearray(files[0].read_bytes())
    damaged[len(damaged) // 2] ^= 1
    files[0].write_bytes(damaged)
    files[1].write_bytes(files[1].read_bytes()[:3000])  # a copy that was broken off
    kept = files[2].stat().st_mtime_ns
    publish_dataset(dataset, folder, "me/tiny", largest=1)
    assert [sha256_of_file(path) for path in files] == hashes
    assert files[2].stat().st_mtime_ns == kept
    publish_dataset(dataset, folder, "me/tiny")
    assert len(list((folder / "data").iterdir())) == 2  # no shard of the other division is left


def test_damaged_sweep_is_not_published(dataset, tmp_path):
    entry = dataset.split("test")[0]
    (dataset.folder / entry.file).write_bytes(b"other bytes")
    with pytest.raises(UserError, match=rf"{entry.file}: expected bytes of SHA-256"):
        publish_dataset(dataset, tmp_path / "out", "me/tiny")
    assert not list((tmp_path / "out").rglob("test-*.tar"))
    (dataset.folder / entry.file).unlink()
    with pytest.raises(UserError, match=rf"{entry.file}: cannot be read"):
        publish_dataset(dataset, tmp_path / "other", "me/tiny")


def test_answers_other_data_and_data_without_a_licence_are_refused(dataset, tmp_path):
    answers = replace(dataset, identity=GENERATED | {"withheld": {"entropy": "ab"}})
    with pytest.raises(UserError, match="got the answers of a withheld split"):
        publish_dataset(answers, tmp_path / "a", "me/tiny")
    with pytest.raises(UserError, match="expected --licence for 'tiny-v2', which was not gen"):
        publish_dataset(replace(dataset, identity={}), tmp_path / "b", "me/tiny")
    with pytest.raises(UserError, match="expected another folder than the data set's"):
        publish_dataset(dataset, dataset.folder, "me/tiny")
    other = write_dataset(tmp_path / "c", "other", dataset.entries[:1], {"spec_hash": "y"})
    with pytest.raises(UserError, match=r"expected an empty folder or one of 'tiny-v2'.*'other'"):
        publish_dataset(dataset, other.folder, "me/tiny")
    write_json(dataset.folder / "croissant.json", {"distribution": "none"})
    with pytest.raises(UserError, match=r"croissant\.json: distribution: expected a list of files"):
        publish_dataset(dataset, tmp_path / "e", "me/tiny")
    dotted = replace(dataset.entries[0], file="sweeps/a.b.h5")
    with pytest.raises(UserError, match=r"expected a name with one dot.*'sweeps/a\.b\.h5'"):
        publish_dataset(replace(dataset, entries=(dotted,)), tmp_path / "d", "me/tiny")


def board_of(dataset: Dataset, folder: Path) -> list[Path]:
    """Write results that say they are on a data set; return their files."""
    folder.mkdir()
    results = field(seeds=2)
    for content in results:
        content["dataset"] |= {"name": dataset.name, "hash": dataset.hash}
    return write_results(folder, results)


def test_board_in_the_hubs_form(dataset, tmp_path, capsys):
    paths = board_of(dataset, tmp_path / "results")
    Publish(dataset.folder, tmp_path / "out", "me/tiny", (tmp_path / "results",)).run()
    assert "hf upload me/tiny" in capsys.readouterr().out
    folder = tmp_path / "out" / "dataset"
    assert {path.name for path in paths} <= {path.name for path in (folder / "results").iterdir()}
    (task,) = yaml.safe_load((folder / "eval.yaml").read_text())["tasks"]
    (config,) = front_matter(folder)["configs"]
    assert task["config"] == config["config_name"] and task["split"] in str(config["data_files"])
    models = {path.name: path for path in (tmp_path / "out" / "models").iterdir()}
    assert "moglo" in models and "constant-motion-oracle" not in models  # a reference, no tracker
    (result,) = yaml.safe_load((models["moglo"] / ".eval_results" / "tiny-v2.yaml").read_text())
    assert result["dataset"] == {"id": "me/tiny", "task_id": task["id"]}
    contents = [json.loads(path.read_text()) for path in paths]
    scores = [c["summary"][task["id"]]["mean"] for c in contents if c["tracker"] == "moglo"]
    assert len(scores) == 2 and result["value"] == pytest.approx(np.mean(scores), abs=1e-3)
    (model,) = front_matter(models["moglo"])["model-index"]
    (told,) = model["results"]
    assert told["dataset"]["type"] == "me/tiny" and told["dataset"]["split"] == "test"
    assert told["metrics"][0] == {
        "type": task["id"], "value": result["value"], "name": "Final drift, %"
    }  # fmt: skip


def test_results_of_withheld_answers_are_not_published_but_their_tables(dataset, tmp_path):
    hidden = {**GENERATED, "withheld": {"split": "test", "entropy_sha256": "ab"}}
    withheld = write_dataset(dataset.folder, dataset.name, dataset.entries, hidden)
    board_of(withheld, tmp_path / "results")
    Publish(withheld.folder, tmp_path / "out", "me/tiny", (tmp_path / "results",)).run()
    names = {path.suffix for path in (tmp_path / "out" / "dataset" / "results").iterdir()}
    assert names == {".csv", ".md"}


def test_a_board_needs_a_name_on_the_hub_and_results_on_the_data(dataset, tmp_path):
    results = tmp_path / "results"
    results.mkdir()
    write_results(results, challenge_results("tusrec2024"))
    with pytest.raises(UserError, match="repo: expected OWNER/NAME with --results, got none"):
        Publish(dataset.folder, tmp_path / "out", results=(results,)).run()
    for wrong in ("tiny", "me/", "a/b/c"):
        with pytest.raises(UserError, match=f"repo: expected OWNER/NAME, got '{wrong}'"):
            Publish(dataset.folder, tmp_path / "out", wrong).run()
    with pytest.raises(UserError, match="expected those on 'tiny-v2', hash"):
        Publish(dataset.folder, tmp_path / "out", "me/tiny", (results,)).run()
