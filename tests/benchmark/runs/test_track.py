"""`track`: other pixel sizes, the domain of training, and words of warning where they are due."""

import json
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter, map_coordinates

from benchmark import geometry
from benchmark.commands.recordings import Output, Track
from benchmark.dataset import open_dataset, write_dataset, write_entry
from benchmark.errors import UserError
from benchmark.files import write_json
from benchmark.hdf5 import read_prediction
from benchmark.hdf5 import write_sweep as write
from benchmark.interop.igsio import write_igsio
from benchmark.interop.sequence import Reading
from benchmark.interop.untracked import open_recording
from benchmark.runs.domain import (
    DOMAIN_FILE,
    DomainFault,
    domain_faults,
    find_domain,
    measure_domain,
    ranges,
    step_faults,
    summarised,
    unsure_frames,
)
from benchmark.runs.measures import measures, shared_speckle
from benchmark.runs.pixel_size import resampled
from benchmark.runs.track import open_tracker, track
from benchmark.speckle.quarters import elevational_lengths_mm
from benchmark.sweep import Channel, Images, Observation, Prediction, Sweep
from benchmark.tracker import Tracker
from benchmark.volume.choices import Placing
from tests.benchmark.shared.random_sweeps import make_sweep

PIXEL = np.diag([0.25, 0.2, 1.0, 1.0])


@dataclass(frozen=True)
class SteadyConfig:
    """mm along z per frame; a tuple, to see it come back from JSON."""

    step_mm: tuple[float, ...] = (0.3,)


class Steady(Tracker):
    """A steady hand: every step is the same, and the first half is unsure of it."""

    name = "steady"
    Config = SteadyConfig
    seen: tuple[int, ...] = ()

    def track(self, observation: Observation) -> Prediction:
        type(self).seen = observation.bmode.frames.shape
        steps = np.repeat(np.eye(4)[None], len(observation) - 1, 0)
        steps[:, 2, 3] = self.config.step_mm[0]
        sigma = np.where(np.arange(len(steps)) < len(steps) // 2, 0.5, 0.01)
        return Prediction.from_steps(steps, sigma)


NAME = "tests.benchmark.runs.test_track:Steady"


def speckle_sweep(name: str = "s", subject: str = "a", step: float = 0.3, seed: int = 0) -> Sweep:
    """Return a straight sweep through smoothed noise, like speckle."""
    rng = np.random.default_rng(seed)
    tissue = gaussian_filter(rng.normal(size=(40, 64, 64)), (2, 1.5, 2.5))
    frames = np.clip(110 + 45 * tissue / tissue.std(), 1, 255).astype(np.uint8)[:20]
    poses = np.repeat(np.eye(4)[None], 20, 0)
    poses[:, 2, 3] = step * np.arange(20)
    channel = Channel(frames, np.arange(20) / 20, PIXEL, world_from_image=poses)
    return Sweep(name, {"bmode": channel}, factors={"subject": subject})


@pytest.fixture
def dataset(tmp_path: Path):
    entries = []
    for index in range(8):
        sweep = speckle_sweep(f"s{index}", f"subject-{index}", seed=index)
        file = f"sweeps/{sweep.name}.h5"
        entries.append(write_entry(tmp_path / "set", file, sweep, "train", f"subject-{index}"))
    return write_dataset(tmp_path / "set", "set", entries, {})


def test_the_domain_is_what_the_sweeps_are(dataset) -> None:
    domain = measure_domain(dataset)
    assert domain.pixel_mm == pytest.approx((0.25, 0.2)) and domain.shape == (64, 64)
    assert domain.step_mm == pytest.approx((0.3, 0.3))
    assert domain.frame_rate == pytest.approx((20, 20))
    # Frames are slices of noise filtered by two frames: rho = exp(-k^2 / 16) at k frames.
    pace = np.log(1 / 16)
    usual = {key: np.exp(at + slope * pace) for key, (at, slope, _) in domain.measures.items()}
    for quarter in ("top", "upper", "lower", "bottom"):
        assert usual[quarter] == pytest.approx(1, abs=0.15)
    assert usual["two"] == pytest.approx(4, rel=0.1) and usual["four"] == pytest.approx(16, rel=0.2)


def test_own_images_are_within_and_others_are_told(dataset) -> None:
    domain = measure_domain(dataset)
    images = speckle_sweep(seed=3).observe().bmode
    assert domain_faults(domain, images) == []
    levels = np.asarray(images.frames, float)
    blurred = gaussian_filter(levels, (0, 5, 5)).astype(np.uint8)
    words = " ".join(map(str, domain_faults(domain, replace(images, frames=blurred))))
    assert "axial speckle width" in words
    noise = np.random.default_rng(3).normal(0, 30, images.frames.shape)
    noisy = np.clip(levels + noise, 0, 255).astype(np.uint8)
    words = " ".join(map(str, domain_faults(domain, replace(images, frames=noisy))))
    assert "decorrelation over two frames, over that of one" in words
    dull = (100 + 0.4 * levels).astype(np.uint8)
    assert domain_faults(domain, replace(images, frames=dull)) == []
    slow = replace(images, timestamps=np.arange(20) / 4)
    assert "frame rate (Hz) 4, in training 20 to 20" in map(str, domain_faults(domain, slow))
    low = replace(images, frames=images.frames[:, :32])
    faults = domain_faults(domain, low)
    assert "image height (mm) 6.4, in training 12.8 to 12.8" in map(str, faults)
    assert "image width (mm)" not in {fault.measure for fault in faults}
    dark = replace(images, frames=np.zeros((20, 64, 64), np.uint8))
    assert domain_faults(domain, dark) == [DomainFault("frames are black")]
    short = replace(images, frames=images.frames[:8], timestamps=images.timestamps[:8])
    assert domain_faults(domain, short) == [DomainFault("a sweep of 8 frames or fewer")]
    leap = Prediction.from_steps(
        np.repeat(geometry.exp(np.array([0, 0, 2.0, 0, 0, 0]))[None], 19, 0)
    )
    assert "100 % of predicted steps" in step_faults(domain, images, leap)[0]
    assert step_faults(domain, images, Prediction(speckle_sweep().first_from_frame)) == []


def test_faults_of_many_sweeps_are_one_line_a_measure() -> None:
    rate = [DomainFault("frame rate (Hz)", value, (19.0, 21.0)) for value in (4.0, 60.25)]
    dark = DomainFault("frames are black")
    assert str(rate[0]) == "frame rate (Hz) 4, in training 19 to 21"
    assert summarised([[rate[0]], [rate[1], dark], []]) == [
        "frame rate (Hz) 4 to 60.2 in 2 of 3 sweeps, in training 19 to 21",
        "frames are black in 1 of 3 sweeps",
    ]


def test_sigma_is_read() -> None:
    images = speckle_sweep().observe().bmode
    prediction = Steady().track(speckle_sweep().observe())
    words = unsure_frames(images, prediction)
    assert words is not None and "unsure of 9 of 19 steps" in words and "frames 1-9;" in words
    assert "sigma of the end: 1.5 mm or more" in words
    known = replace(prediction, position_sigma=np.linspace(0, 7, 20))
    assert str(unsure_frames(images, known)).endswith("sigma of the end: 7 mm")
    assert unsure_frames(images, replace(prediction, sigma=np.full(19, 0.01))) is None
    assert unsure_frames(images, replace(prediction, sigma=None)) is None
    assert ranges([3, 4, 5, 9]) == "3-5, 9" and ranges([]) == ""


def test_resampling_keeps_places_and_removes_no_detail_it_need_not() -> None:
    """A ramp across and down stays the same function of mm on any grid of pixels."""
    column, row = np.meshgrid(np.arange(60), np.arange(50))
    frame = (2 * column + 1.5 * row).astype(np.uint8)
    images = Images(np.stack([frame, frame]), np.arange(2.0), PIXEL)
    for pixel in ((0.25, 0.2), (0.5, 0.5), (0.31, 0.17), (0.1, 0.1)):
        other = resampled(images, pixel, (40, 30))
        rows, columns = other.frames.shape[1:]
        assert rows <= 40 and columns <= 30 and len(other.frames) == 2
        np.testing.assert_allclose(np.diag(other.mm_from_pixel)[:2], pixel)
        inner_c, inner_r = np.meshgrid(np.arange(3, columns - 3), np.arange(3, rows - 3))
        points = np.stack([inner_c.ravel(), inner_r.ravel(), 0 * inner_r.ravel()], 1).astype(float)
        x, y, _ = geometry.apply(other.mm_from_pixel, points).T
        found = other.frames[1][inner_r.ravel(), inner_c.ravel()].astype(float)
        assert np.abs(found - (2 * x / 0.25 + 1.5 * y / 0.2)).max() <= 1.2
    assert resampled(images, (0.25, 0.2)) is images
    centre = resampled(images, (0.25, 0.2), (50, 20))
    assert np.array_equal(centre.frames[0], frame[:, 20:40])
    assert centre.mm_from_pixel[0, 3] == pytest.approx(20 * 0.25)


def test_coarser_pixels_do_not_alias() -> None:
    """The finest stripes average out on a grid of three times the pixel."""
    frame = np.zeros((30, 60), np.uint8)
    frame[:, ::2] = 200
    other = resampled(Images(frame[None], np.zeros(1), PIXEL), (0.75, 0.2))
    assert np.abs(other.frames[0][:, 2:-2].astype(float) - 100).max() < 15


def run_folder(tmp_path: Path, dataset=None) -> Path:
    folder = tmp_path / "run"
    Steady(SteadyConfig((0.4,))).save(folder)
    if dataset is not None:
        trained_on = {"name": str(dataset.folder), "hash": dataset.hash}
        write_json(folder / "config.json", {"trained_on": trained_on})
    return folder


def test_a_tracker_comes_back_with_its_configuration_and_domain(tmp_path: Path, dataset) -> None:
    tracker, domain = open_tracker(NAME, run_folder(tmp_path, dataset))
    assert tracker.config == SteadyConfig((0.4,))
    assert domain == measure_domain(dataset)
    stored = json.loads((tmp_path / "run" / DOMAIN_FILE).read_text())
    assert stored["shape"] == [64, 64]
    assert find_domain(tmp_path / "run") == domain
    write_json(tmp_path / "run" / DOMAIN_FILE, {**asdict(domain), "extra": [1]})
    with pytest.raises(UserError, match=r"domain\.json"):
        find_domain(tmp_path / "run")


def test_trackers_that_are_not_ready(tmp_path: Path) -> None:
    notes: list[str] = []
    _, domain = open_tracker("speckle-decorrelation", report=notes.append)
    assert domain is None and "not fitted to any data" in notes[0]
    with pytest.raises(UserError, match=r"no weights with it; .* --run"):
        open_tracker("two-frame-cnn")
    with pytest.raises(UserError, match=r"no tracker\.json"):
        open_tracker(NAME, tmp_path)
    with pytest.raises(UserError, match="weights of tracker 'steady', expected 'identity'"):
        open_tracker("identity", run_folder(tmp_path))


def test_frames_reach_the_tracker_at_the_size_of_training(dataset) -> None:
    domain = measure_domain(dataset)
    fine = resampled(speckle_sweep().observe().bmode, (0.125, 0.1))
    assert fine.frames.shape == (20, 128, 128)
    prediction = track(Steady(), domain, fine, {})
    assert Steady.seen == (20, 64, 64)
    assert prediction.first_from_frame[-1, 2, 3] == pytest.approx(19 * 0.3)


def test_frames_like_some_of_a_mixed_training_stay_as_they_are(dataset, tmp_path: Path) -> None:
    coarse = speckle_sweep("coarse", "subject-9", seed=4)
    seen = resampled(coarse.bmode, (0.375, 0.3))
    entries = list(dataset.entries)
    channel = replace(coarse.bmode, frames=seen.frames[:], mm_from_pixel=seen.mm_from_pixel)
    mixed = replace(coarse, channels={"bmode": channel})
    entries.append(write_entry(dataset.folder, "sweeps/c.h5", mixed, "train", "subject-9"))
    domain = measure_domain(write_dataset(dataset.folder, "set", entries, {}))
    assert domain.pixel_mm == pytest.approx((0.25, 0.2)) and domain.shape == (64, 64)
    assert domain.pixel_span_mm == pytest.approx((0.25, 0.375, 0.2, 0.3))
    write_json(tmp_path / "run" / DOMAIN_FILE, asdict(domain))
    assert find_domain(tmp_path / "run") == domain
    between = resampled(speckle_sweep(seed=6).observe().bmode, (0.3, 0.25))
    track(Steady(), domain, between, {})
    assert Steady.seen == between.frames.shape != (20, 64, 64)
    fine = resampled(speckle_sweep().observe().bmode, (0.125, 0.1))
    track(Steady(), domain, fine, {})
    assert Steady.seen == (20, 64, 64)
    assert "image" not in " ".join(map(str, domain_faults(domain, seen)))


def test_a_probe_of_other_speckle_and_missing_frames_are_told(dataset) -> None:
    images = speckle_sweep(seed=3).observe().bmode
    lens = {"centre_frequency_hz": 7e6, "element_height_mm": 4.0, "elevation_focus_mm": 12.0}
    usual = elevational_lengths_mm(lens, images)
    assert usual is not None and elevational_lengths_mm({}, images) is None
    spans = np.stack([usual, 1.05 * usual], 1).ravel()
    domain = replace(measure_domain(dataset), elevation_mm=tuple(spans.tolist()))
    assert domain_faults(domain, images, probe=lens) == []
    wide = {**lens, "element_height_mm": 2.0}  # a smaller lens has a wider beam at its focus
    (fault,) = domain_faults(domain, images, probe=wide)
    assert "elevational speckle length of the probe" in fault.measure
    assert fault.found > 1.1 * fault.trained[1]
    assert domain_faults(domain, images) == []  # nothing is known of the probe
    kept = np.sort(np.random.default_rng(0).permutation(20)[:14])
    some = replace(images, frames=images.frames[kept], timestamps=images.timestamps[kept])
    measures_told = {fault.measure for fault in domain_faults(domain, some)}
    assert "share of intervals in which frames are missing" in measures_told
    patient = replace(domain, uneven=0.4)
    assert "missing" not in " ".join(map(str, domain_faults(patient, some)))


def test_frames_that_share_no_speckle_leave_a_tracker_unsure(dataset) -> None:
    """Slices of noise smoothed over two: a step of one correlates by 0.94, of eight by nothing."""
    near = speckle_sweep(seed=3).observe().bmode
    rng = np.random.default_rng(4)
    apart = gaussian_filter(rng.normal(size=(20, 64, 64)), (0, 1.5, 2.5))
    far = replace(near, frames=np.clip(110 + 45 * apart / apart.std(), 1, 255).astype(np.uint8))
    assert shared_speckle(near) == pytest.approx(np.exp(-1 / 16), abs=0.05)
    assert shared_speckle(far) < 0.2
    told: list[str] = []
    prediction = track(Steady(), None, near, {}, told.append)
    assert "share no speckle" not in " ".join(told) and prediction.sigma.max() == 0.5
    prediction = track(Steady(), None, far, {}, told.append)
    assert "share no speckle" in " ".join(told)
    assert prediction.sigma.min() == pytest.approx(0.3) and prediction.sigma.max() == 0.5
    assert prediction.end_sigma == pytest.approx(19 * 0.3)


def test_motion_in_the_plane_is_measured_between_pixels() -> None:
    images = speckle_sweep(seed=3).observe().bmode
    tissue = gaussian_filter(np.random.default_rng(6).normal(size=(64, 200)), 1.5)
    tissue = np.clip(110 + 45 * tissue / tissue.std(), 1, 255)
    rows, columns = np.indices((64, 64))
    frames = [map_coordinates(tissue, [rows, columns + 2.6 * n]) for n in range(20)]
    slid = replace(images, frames=np.array(frames).astype(np.uint8))
    assert np.exp(measures(slid)["sideways_mm"]) == pytest.approx(2.6 * 0.25, rel=0.1)


def tracked(tmp_path: Path, source: Path, **changes) -> None:
    options = {"tracker": NAME, "run_folder": run_folder(tmp_path), **changes}
    output = Output(tmp_path / "out" / "v.nrrd")
    Track(source, options.pop("reading", Reading()), Placing(threads=1), output, **options).run()


def test_from_a_sequence_to_a_volume(tmp_path: Path, capsys) -> None:
    write_igsio(tmp_path / "s.igs.mha", speckle_sweep())
    tracked(tmp_path, tmp_path / "s.igs.mha", save_poses=tmp_path / "p.h5")
    printed = capsys.readouterr()
    assert f"path, {NAME}: 7.6 mm" in printed.out and "its own poses: 5.7 mm" in printed.out
    assert "drift at the end: 1.90 mm" in printed.out
    assert "drift at the end, mirrored: 13.30 mm" in printed.out  # 7.6 + 5.7
    assert "error of the corners at the end: 1.90 mm at most, 0.0 degrees" in printed.out
    assert "scale: 1.33 (predicted over true path)" in printed.out
    assert "of the other half's constant motion 0.00 and 0.00 mm" in printed.out
    assert "sigma: 47 % of steps within it" in printed.out  # 9 of 19
    assert "probe: known: nothing; not known: centre_frequency_hz" in printed.out
    assert "image used: 100 %" in printed.out
    assert "assumed to advance towards plus z" in printed.err
    assert "unsure of 9 of 19 steps" in printed.err
    assert (tmp_path / "out" / "v.nrrd").is_file() and (tmp_path / "out" / "v.html").is_file()
    assert read_prediction(tmp_path / "p.h5").first_from_frame[-1, 2, 3] == pytest.approx(7.6)


def test_own_poses_of_some_frames_are_compared_where_they_are(tmp_path: Path, capsys) -> None:
    write_igsio(tmp_path / "s.igs.mha", speckle_sweep())
    data = (tmp_path / "s.igs.mha").read_bytes()
    for lost in (b"0000", b"0007"):
        field = b"Seq_Frame" + lost + b"_ProbeToTrackerTransformStatus = "
        data = data.replace(field + b"OK", field + b"NO")
    (tmp_path / "s.igs.mha").write_bytes(data)
    output = Output(tmp_path / "v.nrrd", pictures=False)
    Track(
        tmp_path / "s.igs.mha", Reading(), Placing(threads=1), output, NAME, run_folder(tmp_path)
    ).run()
    printed = capsys.readouterr()
    # Steps of 0.4 where 0.3 are true, over the 18 steps from the first frame whose pose is known.
    assert "drift at the end: 1.80 mm (of 18 of 20 frames)" in printed.out
    assert "path, its own poses: 5.4 mm" in printed.out
    assert "2 of 20 frames without a valid ProbeToTracker: 0, 7" in printed.err


def test_the_direction_is_said(tmp_path: Path, capsys) -> None:
    write_igsio(tmp_path / "s.igs.mha", speckle_sweep())
    tracked(tmp_path, tmp_path / "s.igs.mha", save_poses=tmp_path / "p.h5", advance="minus")
    printed = capsys.readouterr()
    assert "drift at the end: 13.30 mm" in printed.out and "assumed" not in printed.err
    assert read_prediction(tmp_path / "p.h5").first_from_frame[-1, 2, 3] == pytest.approx(-7.6)


def test_black_sides_reach_no_volume_unless_all_pixels_count(tmp_path: Path, capsys) -> None:
    sweep = speckle_sweep()
    frames = np.array(sweep.bmode.frames)
    frames[:, :, :8] = frames[:, :, -8:] = 0
    bordered = replace(sweep, channels={"bmode": replace(sweep.bmode, frames=frames)})
    write(tmp_path / "s.h5", bordered)
    tracked(tmp_path, tmp_path / "s.h5")
    printed = capsys.readouterr()
    assert "image used: 75 %" in printed.out
    assert "75 % of the image is used; 25 % is black in every frame" in printed.err
    tracked(tmp_path, tmp_path / "s.h5", reading=Reading(mask="whole"))
    printed = capsys.readouterr()
    assert "image used: 100 %" in printed.out and "is used" not in printed.err


def test_a_sweep_whose_poses_are_withheld_is_tracked(tmp_path: Path, capsys) -> None:
    write(tmp_path / "s.h5", speckle_sweep().withhold({}))
    assert open_recording(tmp_path / "s.h5").world_from_image is None
    tracked(tmp_path, tmp_path / "s.h5")
    assert "own poses" not in capsys.readouterr().out


def test_poses_are_not_kept_for_pixels_that_are_not_their_own(tmp_path: Path) -> None:
    write(tmp_path / "s.h5", speckle_sweep())
    assert open_recording(tmp_path / "s.h5").world_from_image is not None
    recording = open_recording(tmp_path / "s.h5", Reading(pixel_mm=(0.3, 0.3)))
    assert recording.world_from_image is None
    assert np.array_equal(recording.images.mm_from_pixel, np.diag([0.3, 0.3, 1, 1]))


class Listens(Steady):
    """Reads what a recording does not have."""

    name = "listens"
    reads = ("bmode", "imu")


def test_a_tracker_that_reads_more_than_images_is_refused() -> None:
    with pytest.raises(UserError, match="tracker 'listens' reads bmode, imu; expected one that"):
        track(Listens(), None, speckle_sweep().observe().bmode, {})


def without_transforms(tmp_path: Path) -> Path:
    path = tmp_path / "bare.mha"
    write_igsio(path, speckle_sweep())
    lines = path.read_bytes().split(b"\n")
    kept = [line for line in lines if not (line.startswith(b"Seq_") and b"Transform" in line)]
    path.write_bytes(b"\n".join(kept))
    return path


def test_a_recording_without_any_transform(tmp_path: Path, capsys) -> None:
    """Frames and the size of a pixel are enough."""
    path = without_transforms(tmp_path)
    with pytest.raises(UserError, match="give --calibration or --pixel-mm"):
        tracked(tmp_path, path)
    tracked(tmp_path, path, reading=Reading(pixel_mm=(0.25, 0.2)))
    assert "own poses" not in capsys.readouterr().out
    (tmp_path / "c.txt").write_text("0.25 0 0 0  0 0.2 0 0  0 0 1 0  0 0 0 1")
    recording = open_recording(path, Reading(calibration=tmp_path / "c.txt"))
    assert recording.world_from_image is None
    assert np.array_equal(recording.images.mm_from_pixel, PIXEL)
    data = path.read_bytes().replace(b"ElementSpacing = 1 1 1", b"ElementSpacing = 0.5 0.4 1")
    path.write_bytes(data)
    spaced = open_recording(path).images.mm_from_pixel
    assert np.array_equal(spaced, np.diag([0.5, 0.4, 1, 1]))


def test_frames_whose_pose_was_lost_are_tracked_all_the_same(tmp_path: Path) -> None:
    write_igsio(tmp_path / "x.mha", make_sweep(3))
    data = (tmp_path / "x.mha").read_bytes()
    data = data.replace(
        b"1_ProbeToTrackerTransformStatus = OK", b"1_ProbeToTrackerTransformStatus = NO"
    )
    (tmp_path / "x.mha").write_bytes(data)
    notes: list[str] = []
    recording = open_recording(tmp_path / "x.mha", report=notes.append)
    assert len(recording.images.frames) == 4
    assert list(np.isfinite(recording.own["bmode"]).all((1, 2))) == [True, False, True, True]
    assert "1 of 4 frames without a valid ProbeToTracker: 1" in " ".join(notes)


def test_other_than_grey_bytes_is_refused(tmp_path: Path) -> None:
    write_igsio(tmp_path / "x.mha", make_sweep(3, dtype="uint16"))
    with pytest.raises(UserError, match=r"expected 8-bit B-mode frames \(uint8\), got uint16"):
        open_recording(tmp_path / "x.mha")


def test_the_domain_of_a_moved_data_set_is_not_guessed(tmp_path: Path, dataset) -> None:
    folder = run_folder(tmp_path, dataset)
    write_dataset(dataset.folder, dataset.name, dataset.entries[:1], dataset.identity)
    assert len(open_dataset(dataset.folder).entries) == 1
    assert find_domain(folder) is None


class Told(Steady):
    """A steady hand that remembers what it was told of the probe."""

    name = "told"
    uses_speckle_map = True
    probe: ClassVar[dict] = {}

    def track(self, observation: Observation) -> Prediction:
        type(self).probe = dict(observation.probe)
        return super().track(observation)


def test_what_is_known_of_the_probe_reaches_the_tracker(tmp_path: Path, capsys) -> None:
    write_igsio(tmp_path / "s.igs.mha", speckle_sweep())
    told = {"tracker": NAME.replace("Steady", "Told"), "run_folder": None}
    tracked(tmp_path, tmp_path / "s.igs.mha", **told)
    assert "scale within 50 % (a guess" in capsys.readouterr().out
    file = tmp_path / "probe.toml"
    file.write_text(
        "centre_frequency_hz = 5e6\nelement_height_mm = 5\nelevation_focus_mm = 20\n"
        "start_depth_mm = 3.0\n"
    )
    tracked(tmp_path, tmp_path / "s.igs.mha", probe=file, **told)
    assert (
        "scale within 5 % (from the probe's frequency and lens, in developed speckle)"
        in capsys.readouterr().out
    )
    assert Told.probe["element_height_mm"] == 5
    assert Told.probe["face_mm"] == pytest.approx((31.5 * 0.25, -3.0))
