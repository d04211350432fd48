"""Videos that OpenCV wrote, read back in order and backwards."""

import errno
import io
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


def test_frames_are_read_in_any_order_and_decoded_once(tmp_path: Path, monkeypatch) -> None:
    frames, decoded = moving_block(9), []
    whole = video.luma
    monkeypatch.setattr(video, "luma", lambda frame: decoded.append(1) or whole(frame))
    cine = read_cine(write_video(tmp_path / "v.avi", frames), silence)
    before = len(decoded)
    for order in ([0, 1, 2], [1, 2, 3], [8], [0], [7, 2], slice(2, 5), slice(None, None, -1)):
        assert np.array_equal(cine.frames[order], frames[order])
    assert len(decoded) - before == len(frames)
    cine.frames[8][:] = 0
    assert np.array_equal(cine.frames[8], frames[8])


def test_no_room_for_decoded_frames_is_one_line(tmp_path: Path, monkeypatch) -> None:
    cine = read_cine(write_video(tmp_path / "v.avi", moving_block()), silence)

    class Full(io.BytesIO):
        def write(self, data):
            raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(frames_module.tempfile, "TemporaryFile", Full)
    with pytest.raises(UserError, match=r"v.avi: its frames, decoded, need 0 MB in .* \(No space"):
        cine.frames[0]


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
