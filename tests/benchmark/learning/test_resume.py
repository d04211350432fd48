"""A training that goes on, begins again, or is refused: precision, damage, a second process."""

import threading
from pathlib import Path

import lightning.pytorch as pl
import pytest

from benchmark.dataset import Dataset
from benchmark.errors import UserError
from benchmark.learning import training
from benchmark.learning.resume import CHECKPOINT, resumable
from benchmark.learning.training import train
from benchmark.machine import lock
from benchmark.runs.run import Run, make_run
from tests.benchmark.learning.brightness import FLOPS, ME


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lock, "BEAT_S", 0.05)
    monkeypatch.setattr(lock, "WATCH_S", 0.5)


def new_run(dataset: Dataset, root: Path) -> Run:
    return make_run(ME, dataset, budget_tflop=24 * FLOPS / 1e12, root=root)


@pytest.fixture
def cut(dataset: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """A run whose training was interrupted after its fourth validation."""

    def stop(loop: pl.LightningModule, batch: object, index: int) -> None:
        if loop.trainer.current_epoch == 4:
            raise KeyboardInterrupt
        return original(loop, batch, index)

    original = training.Loop.training_step
    monkeypatch.setattr(training.Loop, "training_step", stop)
    run = new_run(dataset, tmp_path / "cut")
    with pytest.raises(KeyboardInterrupt):
        train(run, accelerator="cpu")
    monkeypatch.setattr(training.Loop, "training_step", original)
    assert (run.folder / CHECKPOINT).is_file() and not run.training_lock.exists()
    return run


@pytest.fixture
def whole(dataset: Dataset, tmp_path: Path) -> bytes:
    """The weights of the same training without an interruption."""
    run = new_run(dataset, tmp_path / "whole")
    train(run, accelerator="cpu")
    return (run.folder / "weights.safetensors").read_bytes()


def test_a_training_does_not_go_on_in_another_precision(cut: Run) -> None:
    with pytest.raises(UserError, match="began with --precision 32-true, asked for bf16-mixed"):
        train(cut, accelerator="cpu", precision="bf16-mixed")
    assert resumable(cut, "32-true") == cut.folder / CHECKPOINT


def halved(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def one_bit_off(path: Path) -> None:
    content = bytearray(path.read_bytes())
    (place,) = [content.find(word) for word in (b"state_dict",)]
    content[place] ^= 1
    path.write_bytes(bytes(content))


@pytest.mark.parametrize(
    ("name", "damage"),
    [
        (CHECKPOINT, halved),
        (CHECKPOINT, one_bit_off),
        (CHECKPOINT, lambda path: path.write_bytes(b"")),
        ("best.ckpt", halved),
        ("best.ckpt", Path.unlink),
    ],
)
def test_a_damaged_checkpoint_is_named_and_the_training_begins_again(
    cut: Run, whole: bytes, capsys: pytest.CaptureFixture[str], name: str, damage
) -> None:
    damage(cut.folder / name)
    train(cut, accelerator="cpu")
    notes = [line for line in capsys.readouterr().err.splitlines() if line.startswith("note: ")]
    assert len(notes) == 1 and str(cut.folder / name) in notes[0] and "damaged" in notes[0]
    assert "trained again from the start" in notes[0]
    assert (cut.folder / "weights.safetensors").read_bytes() == whole
    assert not list(cut.folder.glob("*.ckpt"))


def test_a_training_that_was_ended_after_its_last_update_ends_well(
    dataset: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where no validation after the first is better, Lightning's last checkpoint is of the end."""

    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(training, "_drift_share", lambda *_: 1.0)
    whole, ended = new_run(dataset, tmp_path / "whole"), new_run(dataset, tmp_path / "ended")
    train(whole, accelerator="cpu")
    for owner, name in ((training.Loop, "on_train_end"), (training, "_restore")):
        with monkeypatch.context() as patch:
            patch.setattr(owner, name, stop)
            with pytest.raises(KeyboardInterrupt):
                train(ended, accelerator="cpu")
    train(ended, accelerator="cpu")
    one, other = (run.folder / "weights.safetensors" for run in (whole, ended))
    assert one.read_bytes() == other.read_bytes()


def test_an_interrupt_at_which_lightning_stumbles_is_an_interrupt(
    dataset: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stumble(*_: object, **__: object) -> None:
        try:
            raise KeyboardInterrupt
        except KeyboardInterrupt:
            raise RuntimeError("Please call `iter(combined_loader)` first.")  # noqa: B904

    monkeypatch.setattr(pl.Trainer, "fit", stumble)
    with pytest.raises(KeyboardInterrupt):
        train(new_run(dataset, tmp_path), accelerator="cpu")


def test_the_same_training_at_the_same_time_is_refused_to_several_devices(
    dataset: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, begun, free = new_run(dataset, tmp_path), threading.Event(), threading.Event()

    def slow(*_: object) -> None:
        begun.set()
        assert free.wait(30)

    monkeypatch.setattr(training, "_train", slow)
    monkeypatch.setattr(Run, "refuse_other_precision", lambda *_: None)
    first = threading.Thread(target=train, args=(run,))
    first.start()
    assert begun.wait(30)
    with pytest.raises(UserError, match="the training of 'brightness' runs in process"):
        train(run, accelerator="cpu", devices=2)
    free.set()
    first.join()
    assert not run.training_lock.exists()


def test_a_training_that_another_process_ended_meanwhile_is_not_done_again(
    dataset: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = new_run(dataset, tmp_path)
    run.folder.mkdir(parents=True)
    run.training_lock.write_text("{}")

    def end_elsewhere(*_: object) -> bool:
        run.write_config({"updates": 1})
        return True

    monkeypatch.setattr(lock._Watch, "is_left", end_elsewhere)
    train(run, accelerator="cpu")
    assert run.read_config()["training"] == {"updates": 1}


def test_a_full_disk_is_one_line_and_the_training_goes_on(
    dataset: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, whole: bytes
) -> None:
    run, saved = new_run(dataset, tmp_path / "full"), []
    original = pl.Trainer.save_checkpoint

    def save(trainer: pl.Trainer, path: Path, *rest: object, **more: object) -> None:
        if len(saved) == 6:
            raise OSError(28, "No space left on device")
        saved.append(path)
        original(trainer, path, *rest, **more)

    monkeypatch.setattr(pl.Trainer, "save_checkpoint", save)
    with pytest.raises(UserError, match=r"last.ckpt: cannot be written \(No space .*make room and"):
        train(run, accelerator="cpu")
    monkeypatch.setattr(pl.Trainer, "save_checkpoint", original)
    train(run, accelerator="cpu")
    assert (run.folder / "weights.safetensors").read_bytes() == whole
