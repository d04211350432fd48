"""The challenge's predict_ddfs against displacements worked out pixel by pixel by its formulas."""

import csv

import numpy as np
import pytest

from benchmark import geometry
from benchmark.errors import UserError
from benchmark.interop.tusrec import read_tusrec, write_tusrec
from benchmark.interop.tusrec_submission import displacement_fields, submission
from benchmark.metrics import Case, compute
from benchmark.sweep import Channel, Observation, Prediction, Sweep
from benchmark.tracker import LearnedTracker, Tracker

SHAPE, FRAMES = (6, 8), 5
SCALE = np.diag([0.229389, 0.220980, 1.0, 1.0])


class Wandering(Tracker):
    """Answers the same random walk for every recording, and states steps of its own."""

    name = "wandering"

    def track(self, observation: Observation) -> Prediction:
        rng = np.random.default_rng(4)
        spread = [0.3, 0.1, 0.3, 0.02, 0.02, 0.02]
        steps = geometry.exp(rng.normal(size=(len(observation) - 1, 6)) * spread)
        other = geometry.exp(rng.normal(size=(len(observation) - 1, 6)) * spread)
        return Prediction(geometry.chain(steps), other)


@pytest.fixture
def folder(tmp_path):
    """A folder as the challenge lays it out, of one sweep with landmarks, one on frame 0."""
    rng = np.random.default_rng(1)
    rigid = geometry.exp(rng.normal(size=6) * [30, 30, 30, 1, 1, 1])
    steps = geometry.exp(rng.normal(size=(FRAMES - 1, 6)) * [0.3, 0.1, 0.3, 0.02, 0.02, 0.02])
    world = geometry.exp(rng.normal(size=6) * [50, 50, 50, 1, 1, 1]) @ geometry.chain(steps)
    mm_from_pixel = SCALE.copy()
    mm_from_pixel[:2, 3] = np.diag(SCALE)[:2]  # pixel (0, 0) here is pixel (1, 1) there
    frames = rng.integers(0, 255, (FRAMES, *SHAPE)).astype(np.uint8)
    times = np.arange(FRAMES) / 20
    channel = Channel(frames, times, mm_from_pixel, world_from_image=world)
    marks = np.array([[0, 3, 2], [1, 0, 0], [4, 7, 5], [2, 5, 1]], float)
    probe = {"tool_from_image": rigid.tolist()}
    sweep = Sweep("s", {"bmode": channel}, marks, probe, {"subject": "001", "scan": "RH_Par_L_DtP"})
    write_tusrec(tmp_path, [sweep], layout="train")
    return tmp_path


def matrix(path, first_row):
    """Read one of the two matrices of calib_matrix.csv with the csv module alone."""
    with path.open() as file:
        rows = list(csv.reader(file))
    return np.array([[float(v) for v in row] for row in rows[first_row : first_row + 4]])


def stored(folder):
    """Return frames, landmarks (x, y from 1) and the calibration's path, as the challenge gives."""
    import h5py

    (path,) = (folder / "frames_transfs").rglob("*.h5")
    with h5py.File(path) as file:
        frames = file["frames"][()]
    with h5py.File(folder / "landmarks" / "landmark_001.h5") as file:
        marks = file["RH_Par_L_DtP"][()]
    return frames, marks, folder / "calib_matrix.csv"


def brute_force(prediction, scale, marks):
    """The four fields by loops over pixels that count from 1."""
    rows, columns = SHAPE
    chained = prediction.first_from_frame
    gp, lp = np.zeros((2, FRAMES - 1, 3, rows * columns))
    for i in range(1, FRAMES):
        for y in range(1, rows + 1):
            for x in range(1, columns + 1):
                point = scale @ [x, y, 0, 1]
                at = (y - 1) * columns + (x - 1)
                gp[i - 1, :, at] = (chained[i] @ point - point)[:3]
                lp[i - 1, :, at] = (prediction.prev_from_frame[i - 1] @ point - point)[:3]
    gl, ll = np.zeros((2, 3, len(marks)))
    for k, (frame, x, y) in enumerate(marks):
        if frame > 0:
            gl[:, k] = gp[int(frame) - 1, :, int((y - 1) * columns + x - 1)]
            ll[:, k] = lp[int(frame) - 1, :, int((y - 1) * columns + x - 1)]
    return gp, gl, lp, ll


def test_fields_are_those_of_the_definition_in_its_order_shapes_and_type(folder):
    frames, marks, calibration = stored(folder)
    fields = submission(Wandering())(frames, marks, calibration, "cpu")
    images = Observation({"bmode": next(read_tusrec(folder)).bmode}, {})
    expected = brute_force(Wandering().track(images), matrix(calibration, 1), marks)
    pixels = SHAPE[0] * SHAPE[1]
    shapes = [(FRAMES - 1, 3, pixels), (3, 4), (FRAMES - 1, 3, pixels), (3, 4)]
    assert [field.shape for field in fields] == shapes
    for found, wanted in zip(fields, expected, strict=True):
        assert found.dtype == np.float32 and found.flags.c_contiguous
        np.testing.assert_allclose(found, wanted, atol=2e-6)
    assert (fields[1][:, 0] == 0).all() and (fields[3][:, 0] == 0).all()


def test_errors_of_the_fields_are_our_metrics(folder):
    """GPE, LPE, GLE, LLE from fields of truth and prediction, and from the poses."""
    frames, marks, calibration = stored(folder)
    sweep = next(read_tusrec(folder))
    images = sweep.observe().bmode
    true = displacement_fields(Prediction(sweep.first_from_frame), images, marks)
    predicted = submission(Wandering())(frames, marks, calibration)
    distance = [np.linalg.norm(a - b, axis=-2).mean() for a, b in zip(true, predicted, strict=True)]
    answer = Wandering().track(sweep.observe())
    case = Case(
        sweep.first_from_frame,
        answer.first_from_frame,
        images.mm_from_pixel,
        SHAPE,
        answer.prev_from_frame,
        sweep.landmarks,
    )
    values = compute(case, ["gpe", "gle", "lpe", "lle"])
    assert distance == pytest.approx(list(values.values()), rel=1e-5)


def test_a_trained_run_and_a_device_are_taken(folder, tmp_path, monkeypatch):
    import torch

    class Steady(LearnedTracker):
        """Every step is its one weight along z."""

        name = "steady"
        window = 2

        def __init__(self, config=None):
            super().__init__(config)
            self.net = torch.nn.Linear(1, 1, bias=False)

        def module(self):
            return self.net

        def loss(self, frames, prev_from_frame, mm_from_pixel):
            return self.net(frames[:, 0, 0, :1]).mean()

        def track(self, observation):
            steps = np.tile(np.eye(4), (len(observation) - 1, 1, 1))
            steps[:, 2, 3] = float(self.net.weight)
            return Prediction.from_steps(steps)

    tracker = Steady()
    tracker.save(tmp_path / "run")
    monkeypatch.setattr("benchmark.registry.tracker_class", lambda _: Steady)
    monkeypatch.setattr("benchmark.runs.track.tracker_class", lambda _: Steady)
    moved = []
    monkeypatch.setattr(torch.nn.Module, "to", lambda self, device: moved.append(device) or self)
    frames, marks, calibration = stored(folder)
    gp, _, lp, _ = submission("steady", tmp_path / "run")(frames, marks, calibration, "cuda:3")
    weight = float(tracker.net.weight)
    assert lp[:, 2] == pytest.approx(weight) and gp[-1, 2] == pytest.approx(weight * (FRAMES - 1))
    assert moved == ["cuda:3"]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"frames": np.zeros((3, 3), np.uint8)}, "frames: expected shape"),
        ({"frames": np.zeros((3, *SHAPE))}, "frames: expected uint8, got float64"),
        ({"marks": np.array([[FRAMES, 1, 1]])}, "landmark: expected frames 0 to 4"),
        ({"calibration": "nowhere.csv"}, "nowhere.csv: no such file"),
    ],
)
def test_wrong_input_is_one_line(folder, change, words):
    frames, marks, calibration = stored(folder)
    given = {"frames": frames, "marks": marks, "calibration": calibration, **change}
    with pytest.raises(UserError, match=words):
        submission(Wandering())(given["frames"], given["marks"], given["calibration"])


def test_no_landmarks_give_empty_fields(folder):
    frames, _, calibration = stored(folder)
    _, gl, _, ll = submission(Wandering())(frames, np.zeros((0, 3)), calibration)
    assert gl.shape == ll.shape == (3, 0)
