"""The challenge's predict_ddfs against displacements worked out pixel by pixel by its formulas."""

import csv
from dataclasses import replace

import numpy as np
import pytest

from benchmark import geometry
from benchmark.errors import UserError
from benchmark.hdf5 import write_prediction, write_sweep
from benchmark.interop.convert import convert
from benchmark.interop.displacements import write_displacements
from benchmark.interop.formats import Writing
from benchmark.interop.tusrec import COUNT_FROM_ONE, read_tusrec, write_tusrec
from benchmark.interop.tusrec_submission import displacement_fields, submission
from benchmark.metrics import Case, compute
from benchmark.sweep import Channel, Observation, Prediction, Sweep
from benchmark.tracker import LearnedTracker, Tracker
from tests.benchmark.shared import challenge

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


class Perfect(Tracker):
    """Answers the true poses of a sweep."""

    name = "perfect"

    def __init__(self, sweep: Sweep):
        self.sweep = sweep

    def track(self, observation: Observation) -> Prediction:
        return Prediction(self.sweep.first_from_frame)


@pytest.fixture(params=[2024, 2025])
def scored(tmp_path, request):
    """A folder of the challenge, its one scan and that as a sweep; 4 of 100 landmarks on frame 0.

    The sweep is straight, 142.5 mm long, so that every pixel of the last frame is 142.5 mm away.
    """
    rng = np.random.default_rng(2)
    steps = np.tile(np.eye(4), (30, 1, 1))
    steps[:, 2, 3] = 142.5 / 30
    channel = Channel(
        rng.integers(0, 255, (31, *SHAPE)).astype(np.uint8),
        np.arange(31) / 20,
        SCALE @ COUNT_FROM_ONE,
        world_from_image=geometry.chain(steps),
    )
    marks = rng.integers([1, 0, 0], [31, SHAPE[1], SHAPE[0]], (100, 3)).astype(float)
    marks[::25, 0] = 0
    write_tusrec(tmp_path, [Sweep("s", {"bmode": channel}, marks)], "val", request.param)
    (scan,) = challenge.read_folder(tmp_path, "val", request.param).values()
    return tmp_path / "calib_matrix.csv", scan, next(read_tusrec(tmp_path))


def test_a_perfect_tracker_under_the_challenges_scorer(scored, tmp_path):
    """Still landmarks on frame 0 cost 4 / 100 of 142.5 mm, 5.7 mm; as scored they cost nothing."""
    calibration, scan, sweep = scored
    tracker = Perfect(sweep)
    given = (scan.frames, scan.landmarks, calibration)
    still = challenge.scores(submission(tracker)(*given), scan, calibration)
    assert still == pytest.approx([0, 5.7, 0, 0.04 * 142.5 / 30], abs=1e-4)
    answer = submission(tracker, first_frame_landmarks="as_scored")(*given)
    assert challenge.scores(answer, scan, calibration) == pytest.approx([0] * 4, abs=1e-4)
    prediction = tracker.track(sweep.observe())
    for words, expected in (({}, still), ({"first_frame_landmarks": "as_scored"}, [0] * 4)):
        write_displacements(tmp_path / "f", prediction, sweep.bmode, sweep.landmarks, **words)
        fields = [np.load(tmp_path / f"f/{name}.npy") for name in ("GP", "GL", "LP", "LL")]
        found = challenge.scores(tuple(fields), scan, calibration)
        assert found == pytest.approx(expected, abs=1e-4)


def test_the_command_writes_fields_as_scored(scored, tmp_path):
    calibration, scan, sweep = scored
    write_sweep(tmp_path / "s.h5", sweep)
    write_prediction(tmp_path / "p.h5", Prediction(sweep.first_from_frame))
    mode = Writing(first_frame_landmarks="as_scored")
    convert(tmp_path / "p.h5", tmp_path / "g", writing=mode, sweep=tmp_path / "s.h5")
    fields = tuple(np.load(tmp_path / f"g/{name}.npy") for name in ("GP", "GL", "LP", "LL"))
    assert challenge.scores(fields, scan, calibration) == pytest.approx([0] * 4, abs=1e-4)


def test_without_landmarks_on_frame_0_both_modes_are_one(scored):
    """The mode answers for frame 0 alone, and the scorer's other errors are our metrics."""
    calibration, scan, sweep = scored
    later = replace(scan, landmarks=scan.landmarks[scan.landmarks[:, 0] > 0])
    given = (later.frames, later.landmarks, calibration)
    fields = [submission(Wandering())(*given)]
    fields.append(submission(Wandering(), first_frame_landmarks="as_scored")(*given))
    for one, other in zip(*fields, strict=True):
        assert np.array_equal(one, other)
    answer = Wandering().track(sweep.observe())
    case = Case(
        sweep.first_from_frame,
        answer.first_from_frame,
        sweep.bmode.mm_from_pixel,
        SHAPE,
        answer.prev_from_frame,
        later.landmarks - [0.0, 1, 1],
    )
    values = compute(case, ["gpe", "gle", "lpe", "lle"])
    found = challenge.scores(fields[0], later, calibration)
    assert found == pytest.approx(list(values.values()), rel=1e-5)


def test_an_unknown_mode_is_refused_before_a_tracker_is_opened():
    with pytest.raises(UserError, match="first_frame_landmarks 'as_score'; did you mean 'as_scor"):
        submission("nobody", first_frame_landmarks="as_score")


def test_a_scan_of_one_frame_has_no_motion_in_either_mode(scored):
    calibration, scan, _ = scored
    for mode in ("still", "as_scored"):
        function = submission(Wandering(), first_frame_landmarks=mode)
        gp, gl, lp, ll = function(scan.frames[:1], np.array([[0, 2, 2]]), calibration)
        assert gp.shape == lp.shape == (0, 3, 48) and not gl.any() and not ll.any()
