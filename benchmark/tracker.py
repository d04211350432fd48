"""The tracker contract, the registry that finds trackers by name, and the public checker."""

import importlib
import importlib.metadata
import json
from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from operator import attrgetter
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from benchmark.errors import UserError, unknown_name
from benchmark.files import atomic_path, read_json, write_json
from benchmark.settings import refuse_unknown_choice
from benchmark.sweep import Images, Observation, Prediction, Sweep, prediction_fault
from benchmark.tracks import BMODE, IMU, PHOTOACOUSTIC, track_of

if TYPE_CHECKING:
    import torch

ENTRY_POINT_GROUP = "sweepbench.trackers"


@dataclass(frozen=True)
class NoConfig:
    """The configuration of a tracker that has nothing to choose."""


class Tracker(ABC):
    """What estimates the motion of the probe from images.

    A subclass sets `name`, `causal` and `Config` (a frozen dataclass) and writes `track`. It is
    handed what it `reads` and nothing else, and ranked among those that read the same
    (`benchmark.tracks`). What it estimates from training sweeps without gradients goes into `fit`,
    and the numbers to keep into `arrays` and `set_arrays`; saving and loading then work by
    themselves.
    """

    name: ClassVar[str]
    causal: ClassVar[bool] = True
    reads: ClassVar[tuple[str, ...]] = (BMODE,)
    Config: ClassVar[type] = NoConfig

    def __init__(self, config: Any = None):
        self.config = self.Config() if config is None else config

    @abstractmethod
    def track(self, observation: Observation) -> Prediction:
        """Return poses for all B-mode frames of an observation; the same input, the same answer."""

    def fit(self, sweeps: Sequence[Sweep]) -> None:
        """Estimate from training sweeps all that is not learned by gradient; may be nothing."""

    def arrays(self) -> Mapping[str, np.ndarray]:
        """Return every number that prediction needs beside the configuration, by name."""
        return {}

    def set_arrays(self, arrays: Mapping[str, np.ndarray]) -> None:
        """Take back what `arrays` returned."""

    def save(self, folder: Path | str) -> None:
        """Write `tracker.json` (name, class, configuration) and `weights.safetensors`."""
        from safetensors.numpy import save_file

        folder = Path(folder)
        with atomic_path(folder / "weights.safetensors") as temporary:
            arrays = {key: np.ascontiguousarray(value) for key, value in self.arrays().items()}
            save_file(arrays, temporary)
        content = {"tracker": self.name, "class": address_of(type(self))}
        write_json(folder / "tracker.json", {**content, "config": asdict(self.config)})

    def load(self, folder: Path | str) -> None:
        """Take configuration-checked weights from a folder that `save` wrote.

        Raises
        ------
        UserError : the folder is of another tracker, or of another configuration (the fields that
            differ are named), or the weights are missing or truncated.
        """
        from safetensors import SafetensorError
        from safetensors.numpy import load_file

        folder = Path(folder)
        self._refuse_other_config(folder)
        path = folder / "weights.safetensors"
        try:
            self.set_arrays(load_file(path))
        except FileNotFoundError as error:
            raise UserError(f"{path}: no such file") from error
        except SafetensorError as error:
            raise UserError(f"{path}: truncated or not safetensors ({error})") from error
        except (KeyError, RuntimeError, ValueError) as error:
            first = str(error).strip().splitlines()[0]
            raise UserError(f"{path}: does not fit tracker '{self.name}' ({first})") from error

    def _refuse_other_config(self, folder: Path) -> None:
        stored = read_json(folder / "tracker.json")
        if stored.get("tracker") != self.name:
            raise UserError(
                f"{folder}: weights of tracker '{stored.get('tracker')}', expected '{self.name}'"
            )
        mine = json.loads(json.dumps(asdict(self.config)))
        theirs = stored.get("config", {})
        differing = sorted(k for k in {*mine, *theirs} if mine.get(k) != theirs.get(k))
        if differing:
            named = ", ".join(f"{k}: {theirs.get(k)} there, {mine.get(k)} here" for k in differing)
            raise UserError(f"{folder}: weights of another configuration ({named})")


RECIPE_CHOICES = {
    "optimiser": ("adam", "adamw", "sgd"),
    "schedule": ("constant", "cosine", "step"),
}


@dataclass(frozen=True)
class Recipe:
    """How a learned tracker wants to be trained; the budget is not its own to choose.

    optimiser: "adam", "adamw" or "sgd"; schedule over the share of the budget spent: "constant",
    "cosine" (to zero) or "step" (times `step_factor`, `steps` times at equal distances);
    warm_up: share of the budget with a rising rate; gradient_clip: norm, 0 for none;
    average: share of the updates over which a running mean of the weights (exponential) reaches
    back, 0 for none.
    """

    batch_size: int = 16
    learning_rate: float = 1e-4
    optimiser: str = "adam"
    weight_decay: float = 0.0
    schedule: str = "constant"
    steps: int = 10
    step_factor: float = 0.8
    warm_up: float = 0.0
    gradient_clip: float = 0.0
    average: float = 0.0

    def __post_init__(self) -> None:
        """Refuse an optimiser or a schedule that training does not know."""
        refuse_unknown_choice(self, RECIPE_CHOICES)


class LearnedTracker(Tracker):
    """A tracker with a torch module, trained by `benchmark.training` under the common budget.

    A subclass also sets `window` (frames per training sample) and `recipe`, and writes `module`
    (the same object at every call) and `loss`. One with a stage of its own sets `reserve`, the
    share of the budget that it takes, and writes `refine`.
    """

    window: int
    recipe: Recipe
    reserve: float = 0.0

    @abstractmethod
    def module(self) -> "torch.nn.Module":
        """Return the network, built once, on whatever device it was moved to."""

    @abstractmethod
    def loss(
        self,
        frames: "torch.Tensor",
        prev_from_frame: "torch.Tensor",
        mm_from_pixel: "torch.Tensor",
    ) -> "torch.Tensor":
        """Return the training loss of a batch of windows.

        frames (B, window, H, W) float32 in [0, 1]; prev_from_frame (B, window-1, 4, 4) float32,
        true steps in image mm; mm_from_pixel (B, 4, 4) float32. Returns a scalar.
        """

    def augment(
        self, frames: "torch.Tensor", prev_from_frame: "torch.Tensor", mm_from_pixel: "torch.Tensor"
    ) -> tuple["torch.Tensor", "torch.Tensor", "torch.Tensor"]:
        """Return the batch that is trained on; the default changes nothing."""
        return frames, prev_from_frame, mm_from_pixel

    def refine(self, sweeps: Sequence["Sweep"], flops: float) -> float:
        """Spend what was kept of the budget on a stage of one's own; return what it took.

        sweeps: those of training; flops: floating-point operations, the share `reserve` of the
        budget. Called once after the common loop, with the best weights in place and torch's
        generator seeded by the run.
        """
        return 0.0

    def finish(self, sweeps: Sequence["Sweep"]) -> None:
        """Take what is still wanted from the training sweeps once training has ended.

        Called with the best weights in place; not counted in the budget, as validation is not. The
        default does nothing.
        """

    def arrays(self) -> Mapping[str, np.ndarray]:
        return {k: v.detach().cpu().numpy() for k, v in self.module().state_dict().items()}

    def set_arrays(self, arrays: Mapping[str, np.ndarray]) -> None:
        import torch

        state = {key: torch.from_numpy(np.array(value)) for key, value in arrays.items()}
        self.module().load_state_dict(state)


def tracker_names() -> list[str]:
    """Return the names of all registered trackers (entry points of group sweepbench.trackers)."""
    return sorted(
        {point.name for point in importlib.metadata.entry_points(group=ENTRY_POINT_GROUP)}
    )


def tracker_class(name: str) -> type[Tracker]:
    """Return a tracker's class by its registered name or by "package.module:Class".

    Raises
    ------
    UserError : no such name (the nearest is suggested), module or class.
    """
    if ":" in name:
        return _imported_class(name)
    for point in importlib.metadata.entry_points(group=ENTRY_POINT_GROUP):
        if point.name == name:
            return point.load()
    raise unknown_name("tracker", name, tracker_names())


def _imported_class(address: str) -> type[Tracker]:
    module_name, class_name = address.split(":", 1)
    try:
        return attrgetter(class_name)(importlib.import_module(module_name))
    except ModuleNotFoundError as error:
        if error.name and not module_name.startswith(error.name):
            raise  # the module is there, something that it imports is not
        raise UserError(f"tracker '{address}': no module named '{module_name}'") from error
    except AttributeError as error:
        raise UserError(f"tracker '{address}': no '{class_name}' in '{module_name}'") from error


def address_of(found: type[Tracker]) -> str:
    """Return "package.module:Class", by which a class is found without being registered."""
    return f"{found.__module__}:{found.__qualname__}"


def stored_tracker(folder: Path | str) -> str:
    """Return by what the tracker of a folder's `tracker.json` is found: its name, or its class.

    The class is asked for only where nothing is registered under the name.

    Raises
    ------
    UserError : no such file, a class that cannot be imported or is no tracker.
    """
    path = Path(folder) / "tracker.json"
    stored = read_json(path)
    name, address = str(stored.get("tracker")), stored.get("class")
    if not address or name in tracker_names():
        return name
    try:
        found = _imported_class(str(address))
    except (UserError, ImportError, ValueError) as error:
        raise UserError(f"{path}: class: {error}") from error
    if not (isinstance(found, type) and issubclass(found, Tracker)):
        raise UserError(f"{path}: class: expected a Tracker, got {address}")
    return str(address)


def make_tracker(name: str, **overrides: Any) -> Tracker:
    """Return a new tracker by name, its configuration's fields overridden as given.

    Text values are turned into the type of the field's default (for the command line).
    """
    found = tracker_class(name)
    config = found.Config()
    known = {item.name for item in fields(config)}
    for key in overrides:
        if key not in known:
            raise unknown_name(f"field of tracker '{name}'", key, known)
    values = {k: _as_type_of(getattr(config, k), v, k) for k, v in overrides.items()}
    return found(replace(config, **values))


def _as_type_of(default: Any, value: Any, key: str) -> Any:
    if not isinstance(value, str) or isinstance(default, str):
        return value
    if isinstance(default, bool):
        if value.lower() in ("true", "false"):
            return value.lower() == "true"
        raise UserError(f"{key}: expected true or false, got '{value}'")
    if isinstance(default, tuple):
        return _as_tuple(default, value, key)
    try:
        return type(default)(value)
    except (TypeError, ValueError) as error:
        kind = type(default).__name__
        raise UserError(f"{key}: expected {kind}, got '{value}'") from error


def _as_tuple(default: tuple[Any, ...], value: str, key: str) -> tuple[Any, ...]:
    """Return the items of a text like "1,2" or "(1, 2)", each of the type of the default's item.

    A longer text than the default repeats the type of its last item.
    """
    inner = value.strip().strip("()[]").strip().removesuffix(",")
    parts = [part.strip().strip("\"'") for part in inner.split(",")]
    if parts == [""]:
        return ()
    kinds = default or ("",)
    return tuple(
        _as_type_of(kinds[min(i, len(kinds) - 1)], part, key) for i, part in enumerate(parts)
    )


def example_observation(
    frames: int = 12, height: int = 96, width: int = 96, reads: Collection[str] = (BMODE,)
) -> Observation:
    """Return a small observation of smoothed noise that drifts, for checks without a data set.

    reads: what it holds beside B-mode: "pa" (every second frame, linear), "imu" (100 Hz).
    """
    from scipy.ndimage import gaussian_filter

    rng = np.random.default_rng(7)
    volume = gaussian_filter(rng.normal(size=(frames + 8, height, width + frames)), (2, 1, 1.5))
    moving = np.stack([volume[i + 4, :, i : i + width] for i in range(frames)])
    levels = np.clip(128 + 40 * moving / moving.std(), 0, 255).astype(np.uint8)
    mm_from_pixel = np.diag([0.2, 0.2, 1.0, 1.0])
    mm_from_pixel[0, 3] = -0.2 * (width - 1) / 2
    times = np.arange(frames) / 20.0
    probe = {"name": "example", "centre_frequency_hz": 5e6, "sound_speed_m_s": 1540.0}
    channels, imu = {BMODE: Images(levels, times, mm_from_pixel)}, None
    if PHOTOACOUSTIC in reads:
        glow = np.square(moving[::2] / moving.std()).astype(np.float32)
        wavelength = np.full(len(glow), 800.0)
        channels[PHOTOACOUSTIC] = Images(glow, times[::2], mm_from_pixel, wavelength)
    if IMU in reads:
        clock = np.arange(5 * frames) / 100.0
        force = rng.normal([0, -9.81, 0], 0.05, (len(clock), 3))
        turn = rng.normal(0, 0.01, (len(clock), 3))
        imu = {"timestamps": clock, "acceleration": force, "angular_rate": turn}
    return Observation(channels, probe, imu)


def check_tracker(tracker: Tracker, observation: Observation | None = None) -> None:
    """Refuse a tracker that breaks the contract.

    Checked: shapes and SE(3) to 1e-5, first pose identity, input unchanged, the same output twice,
    a constant offset of the timestamps changes nothing, two frames are enough, and, if `causal`,
    the first poses do not change when later frames are removed; and that what it `reads` is a
    track.

    Raises
    ------
    UserError : one line with all faults found.
    """
    try:
        track_of(tracker.reads)
    except UserError as error:
        raise UserError(f"tracker '{tracker.name}': {error}") from error
    if observation is None:
        observation = example_observation(reads=tracker.reads)
    faults = list(_faults(tracker, observation))
    if faults:
        raise UserError(f"tracker '{getattr(tracker, 'name', tracker)}': " + "; ".join(faults))


def _faults(tracker: Tracker, observation: Observation) -> list[str]:
    count, before = len(observation), np.array(observation.bmode.frames)
    first = tracker.track(observation)
    if not isinstance(first, Prediction):
        return [f"track returned {type(first).__name__}, expected Prediction"]
    fault = prediction_fault(first.first_from_frame, first.prev_from_frame, first.sigma, count)
    if fault:
        return [fault]
    faults = []
    if not np.array_equal(before, np.asarray(observation.bmode.frames)):
        faults.append("track changed the frames that it was handed")
    if not _same(tracker.track(observation), first, 0.0):
        faults.append("the same observation gave another prediction the second time")
    if not _same(tracker.track(_cut(observation, count, offset=1000.0)), first, 1e-6):
        faults.append("a constant offset of the timestamps changed the prediction")
    for kept in (count // 2, 2):
        short = tracker.track(_cut(observation, kept)).first_from_frame
        if len(short) != kept:
            faults.append(f"{kept} frames gave {len(short)} poses")
        elif tracker.causal and np.abs(short - first.first_from_frame[:kept]).max() > 1e-5:
            faults.append(f"causal, yet the first {kept} poses change when later frames go")
    return faults


def _same(one: Prediction, other: Prediction, tolerance: float) -> bool:
    return bool(np.abs(one.first_from_frame - other.first_from_frame).max() <= tolerance)


def _cut(observation: Observation, count: int, offset: float = 0.0) -> Observation:
    """Return the observation with its first `count` frames and its clocks moved by `offset` s."""
    end = observation.bmode.timestamps[count - 1]
    channels = {}
    for name, images in observation.channels.items():
        keep = int(np.searchsorted(images.timestamps, end, side="right"))
        wavelength = None if images.wavelength_nm is None else images.wavelength_nm[:keep]
        times = images.timestamps[:keep] + offset
        channels[name] = Images(images.frames[:keep], times, images.mm_from_pixel, wavelength)
    imu = observation.imu
    if imu is not None:
        keep = int(np.searchsorted(imu["timestamps"], end, side="right"))
        imu = {name: values[:keep] for name, values in imu.items()}
        imu["timestamps"] = imu["timestamps"] + offset
    return Observation(channels, observation.probe, imu)
