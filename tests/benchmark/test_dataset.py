"""Data sets: identity, splits without leaks, and one line for each fault of their files."""

import dataclasses

import pytest

from benchmark.dataset import Entry, open_dataset, write_dataset
from benchmark.errors import UserError
from benchmark.files import read_json, write_json
from tests.benchmark.shared.folders import NAMES, make_dataset


def entry(name="a", split="train", subject="p0", sha="0"):
    return Entry(name, f"sweeps/{name}.h5", split, subject, 5, sha, {"profile": "c"}, {})


def test_a_data_set_comes_back_as_it_was(tmp_path):
    written = make_dataset(tmp_path / "tiny")
    found = open_dataset(tmp_path / "tiny")
    assert found == dataclasses.replace(written, folder=tmp_path / "tiny")
    assert found.hash == written.hash and found.verify() == []
    assert [e.name for e in found.split("test")] == list(NAMES)
    assert {s.name for s in found.sweeps("test", lazy=True)} == set(NAMES)
    assert found.truth("p0") is None
    write_json(tmp_path / "tiny" / "truth" / "p0.json", {"points": []})
    assert found.truth("p0") == {"points": []}


def test_a_data_set_is_found_by_name_below_the_root(tmp_path, monkeypatch):
    make_dataset(tmp_path / "tiny-v2")
    monkeypatch.setenv("SWEEPBENCH_DATA", str(tmp_path))
    monkeypatch.chdir(tmp_path.parent)
    assert open_dataset("tiny-v2").name == "tiny-v2"
    with pytest.raises(UserError, match="did you mean 'tiny-v2'"):
        open_dataset("tiny-v3")


def test_the_hash_names_the_data_and_not_their_place_or_bytes(tmp_path):
    rows = [entry("a"), entry("b", "test", "p1")]
    base = write_dataset(tmp_path / "x", "x", rows, {"v": 1}).hash
    rounded = [rows[1], entry("a", sha="1")]
    assert write_dataset(tmp_path / "y", "y", rounded, {"v": 2}).hash == base
    for changed in (
        [entry("a", split="val"), rows[1]],
        [entry("a", subject="p7"), rows[1]],
        [entry("c"), rows[1]],
        rows[:1],
    ):
        assert write_dataset(tmp_path / "z", "z", changed, {}).hash != base


def test_a_generated_set_is_named_by_its_spec_and_by_its_private_entropy(tmp_path):
    def hash_of(**identity):
        return write_dataset(tmp_path, "x", [entry()], {"spec_hash": "s", **identity}).hash

    assert hash_of() == hash_of(versions={"numpy": "9"}) == "s"
    one, same, other = (
        hash_of(withheld={"split": "test", "entropy_sha256": word, **more})
        for word, more in (("a", {}), ("a", {"entropy": "secret"}), ("b", {}))
    )
    assert "s" != one == same != other


def test_a_hash_that_is_not_of_the_content_is_refused(tmp_path):
    write_dataset(tmp_path, "x", [entry()], {})
    content = read_json(tmp_path / "dataset.json")
    write_json(tmp_path / "dataset.json", {**content, "hash": "0" * 64})
    with pytest.raises(UserError, match=r"dataset.json: hash: expected .* got 0000"):
        open_dataset(tmp_path)


def test_a_subject_in_two_splits_is_refused_before_anything_is_written(tmp_path):
    rows = [entry("a", "train", "p0"), entry("b", "test", "p0")]
    with pytest.raises(UserError, match=r"subject 'p0' stands in splits 'train' and 'test'"):
        write_dataset(tmp_path / "leak", "leak", rows, {})
    assert not (tmp_path / "leak" / "dataset.json").exists()


def test_two_sweeps_of_one_name_are_refused(tmp_path):
    with pytest.raises(UserError, match="two sweeps have the same name"):
        write_dataset(tmp_path, "x", [entry("a"), entry("a")], {})


def test_splits_are_by_name_and_never_silently_empty(tmp_path):
    dataset = write_dataset(tmp_path, "x", [entry("a")], {})
    with pytest.raises(UserError, match="split 'test' holds no sweep"):
        dataset.split("test")
    with pytest.raises(UserError, match=r"unknown split 'tests'; did you mean 'test'"):
        dataset.split("tests")


def test_changed_and_missing_files_are_found(tmp_path):
    dataset = make_dataset(tmp_path)
    names = list(NAMES)
    with (tmp_path / "sweeps" / f"{names[0]}.h5").open("ab") as file:
        file.write(b"x")
    (tmp_path / "sweeps" / f"{names[1]}.h5").unlink()
    faults = dataset.verify()
    assert len(faults) == 2
    assert names[0] in faults[0] and "bytes differ" in faults[0]
    assert names[1] in faults[1] and "no such file" in faults[1]


@pytest.mark.parametrize(
    ("change", "line"),
    [
        (lambda c: c.pop("format"), "expected format 'sweepbench-dataset-2'"),
        (lambda c: c.update(format="x"), "expected format 'sweepbench-dataset-2'"),
        (lambda c: c.pop("name"), "key 'name' is missing"),
        (lambda c: c.pop("sweeps"), "key 'sweeps' is missing"),
        (lambda c: c.pop("identity"), "key 'identity' is missing"),
        (lambda c: c["sweeps"][0].pop("sha256"), "sha256"),
        (lambda c: c["sweeps"][0].update(colour="red"), "colour"),
    ],
)
def test_each_fault_of_dataset_json_has_one_line(tmp_path, change, line):
    write_dataset(tmp_path, "x", [entry("a")], {})
    content = read_json(tmp_path / "dataset.json")
    change(content)
    write_json(tmp_path / "dataset.json", content)
    with pytest.raises(UserError) as error:
        open_dataset(tmp_path)
    assert line in str(error.value) and "dataset.json" in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("text", ["", "{", "[]", "\xff\xfe"])
def test_a_dataset_json_that_is_none_has_one_line(tmp_path, text):
    (tmp_path / "dataset.json").write_bytes(text.encode("latin-1"))
    with pytest.raises(UserError, match=r"dataset.json"):
        open_dataset(tmp_path)


def test_a_folder_without_dataset_json_says_so(tmp_path):
    with pytest.raises(UserError, match=r"no dataset.json in this folder"):
        open_dataset(tmp_path)
