"""Videos that OpenCV wrote, read back in order and backwards."""

from pathlib import Path

import numpy as np
import pytest

from benchmark import frames as frames_module
from benchmark.errors import UserError
from benchmark.interop.cines import video
from benchmark.interop.cines.readers import read_cine
from tests.benchmark.interop.cines.inputs import moving_block, silence, write_video


def test_a_video_without_loss_is_the_same_frames(tmp_path: Path) -> None:
    frames = moving_block()
    cine = read_cine(write_video(tmp_path / "v.avi", frames, rate=12.5), silence)
    assert np.array_equal(cine.frames[:], frames)
    np.testing.assert_allclose(cine.timestamps, np.arange(6) / 12.5, atol=1e-6)
    assert cine.pixel_mm is None and cine.name == "v"


@pytest.mark.parametrize(("name", "codec"), [("v.mp4", "mp4v"), ("v.avi", "MJPG")])
def test_a_compressed_video(tmp_path: Path, name: str, codec: str) -> None:
    frames = moving_block()
    cine = read_cine(write_video(tmp_path / name, frames, codec), silence)
    assert np.abs(np.asarray(cine.frames).astype(int) - frames).mean() < 3
    np.testing.assert_allclose(cine.timestamps, np.arange(6) / 20, atol=1e-4)


def test_any_order_of_reading_gives_the_same_frames(tmp_path: Path, monkeypatch) -> None:
    frames = moving_block(9)
    monkeypatch.setattr(frames_module, "KEPT_BYTES", 3 * frames[0].nbytes)
    cine = read_cine(write_video(tmp_path / "v.avi", frames), silence)
    starts = []
    decoded = video._decoded
    monkeypatch.setattr(video, "_decoded", lambda path: starts.append(path) or decoded(path))
    for order in ([0, 1, 2], [1, 2, 3], [8], [0], [7, 2], slice(2, 5), slice(None, None, 3)):
        assert np.array_equal(cine.frames[order], frames[order])
    assert len(starts) == 4  # at first, and for the frames 0, 2 and 0 after later ones
    cine.frames[8][:] = 0
    assert np.array_equal(cine.frames[8], frames[8])


def test_windows_that_overlap_decode_once(tmp_path: Path, monkeypatch) -> None:
    cine = read_cine(write_video(tmp_path / "v.avi", moving_block(12)), silence)
    starts = []
    decoded = video._decoded
    monkeypatch.setattr(video, "_decoded", lambda path: starts.append(path) or decoded(path))
    for first in range(8):
        cine.frames[first : first + 4]
    assert len(starts) == 1


def test_a_video_that_ends_early_is_told(tmp_path: Path) -> None:
    path = write_video(tmp_path / "v.avi", moving_block(40), "MJPG")
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    notes: list[str] = []
    cine = read_cine(path, notes.append)
    assert 2 < len(cine.frames) < 40 and len(cine.frames[:]) == len(cine.timestamps)
    assert f"{len(cine.frames)} of 40 frames can be decoded" in notes[0]


def test_videos_that_are_refused(tmp_path: Path) -> None:
    (tmp_path / "v.mp4").write_bytes(b"no video at all" * 100)
    with pytest.raises(UserError, match=r"v.mp4: expected a video, got 0 frames"):
        read_cine(tmp_path / "v.mp4", silence)
    with pytest.raises(UserError, match=r"one.avi: expected a video, got 1 frames"):
        read_cine(write_video(tmp_path / "one.avi", moving_block(1)), silence)
