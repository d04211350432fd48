"""The command verify."""

import shutil

import pytest

from benchmark.commands.data import Verify
from benchmark.errors import UserError
from tests.benchmark.shared.folders import NAMES, make_dataset


def test_verify_names_damaged_files_and_counts_them(tmp_path, capsys):
    dataset = make_dataset(tmp_path / "tiny-v2")
    Verify(dataset.folder).run()
    assert "5 sweeps, all as in dataset.json" in capsys.readouterr().out
    one, other, *_ = (dataset.folder / "sweeps" / f"{name}.h5" for name in NAMES)
    shutil.copy(other, one)
    other.unlink()
    with pytest.raises(UserError, match=r"2 of 5 sweeps are not as in dataset\.json"):
        Verify(dataset.folder).run()
    first, second = capsys.readouterr().err.splitlines()
    assert str(one) in first and "differ by" in first
    assert str(other) in second and "no such file" in second
