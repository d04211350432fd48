"""The contract of trackers: `Tracker`, `LearnedTracker` and the `Recipe` of its training."""

import json
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from benchmark.errors import UserError, refuse_unknown_choice
from benchmark.files import atomic_path, read_json, write_json
from benchmark.sweep import Observation, Prediction, Sweep
from benchmark.tracks import BMODE

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True)
class NoConfig:
    """The configuration of a tracker that has nothing to choose."""


class Tracker(ABC):
    """A method that estimates the motion of the probe from images.

    A subclass sets `name`, `causal` and `Config` (a frozen dataclass) and writes `track`. It is
    handed what it `reads` and nothing else, and ranked among those that read the same
    (`benchmark.tracks`). `uses_speckle_map` says that its scale is that of the probe's speckle map
    (`benchmark.speckle`). `fit` estimates from training sweeps without gradients; `arrays` and
    `set_arrays` give and take the numbers to keep, which `save` and `load` write and read.
    """

    name: ClassVar[str]
    causal: ClassVar[bool] = True
    reads: ClassVar[tuple[str, ...]] = (BMODE,)
    uses_speckle_map: ClassVar[bool] = False
    Config: ClassVar[type] = NoConfig

    def __init__(self, config: Any = None):
        self.config = self.Config() if config is None else config

    @abstractmethod
    def track(self, observation: Observation) -> Prediction:
        """Return poses of all B-mode frames of an observation; the same input, the same poses."""

    def fit(self, sweeps: Sequence[Sweep]) -> None:
        """Estimate from training sweeps what is not learned by gradient; by default nothing."""

    def arrays(self) -> Mapping[str, np.ndarray]:
        """Return the arrays, by name, that prediction needs beside the configuration."""
        return {}

    def set_arrays(self, arrays: Mapping[str, np.ndarray]) -> None:
        """Set the arrays that `arrays` returned."""

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
        """Load weights from a folder that `save` wrote.

        Raises
        ------
        UserError : the folder is of another tracker, or of another configuration (the fields that
            differ are named), or the weights are missing or truncated or do not fit.
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
    """The way in which a learned tracker is trained; its budget is set by the run.

    optimiser: "adam", "adamw" or "sgd"; schedule of the learning rate over the share of the budget
    spent: "constant", "cosine" (to zero) or "step" (times `step_factor`, `steps` times at equal
    distances); warm_up: share of the budget with a rising rate; gradient_clip: largest norm, 0 for
    none; average: time constant of an exponential running mean of the weights, as a share of the
    updates, 0 for none.
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
    """A tracker with a torch module, trained by `benchmark.learning` under the common budget.

    A subclass also sets `window` (frames per training sample) and `recipe`, and writes `module`
    (the same object at every call) and `loss`. A tracker with a second stage of training sets
    `reserve`, the share of the budget for it, and writes `refine`.
    """

    window: int
    recipe: Recipe
    reserve: float = 0.0

    @abstractmethod
    def module(self) -> "torch.nn.Module":
        """Return the network: the same object at every call, on the device it was moved to."""

    @abstractmethod
    def loss(
        self,
        frames: "torch.Tensor",
        prev_from_frame: "torch.Tensor",
        mm_from_pixel: "torch.Tensor",
    ) -> "torch.Tensor":
        """Return the training loss of a batch of windows.

        frames (B, window, H, W) float32 in [0, 1]; prev_from_frame (B, window-1, 4, 4) float32,
        true steps in image mm; mm_from_pixel (B, 4, 4) float32. Returns a scalar. A tracker with
        a `condition` takes that of the samples (B, ...) as a fourth argument, here and in
        `augment`, which then returns it too.
        """

    def condition(self, observation: Observation) -> np.ndarray | None:
        """Return what the tracker knows of a sweep beside its frames, or None (the default).

        float32, of one shape for all sweeps whose frames have one shape: the probe's speckle, the
        mask. It is worked out once a sweep.
        """
        return None

    def augment(
        self, frames: "torch.Tensor", prev_from_frame: "torch.Tensor", mm_from_pixel: "torch.Tensor"
    ) -> tuple["torch.Tensor", "torch.Tensor", "torch.Tensor"]:
        """Return the batch to train on, of the shapes of `loss`; by default the one given."""
        return frames, prev_from_frame, mm_from_pixel

    def refine(self, sweeps: Sequence["Sweep"], flops: float) -> float:
        """Train a second stage with the reserved part of the budget; return the operations used.

        sweeps: those of training; flops: floating-point operations, the share `reserve` of the
        budget. Called once after the common loop, with the best weights in place and torch's
        generator seeded by the run. The default does nothing.
        """
        return 0.0

    def finish(self, sweeps: Sequence["Sweep"]) -> None:
        """Estimate without gradients from the training sweeps after training, e.g. a bias.

        Called with the best weights in place; like validation, not counted in the budget. The
        default does nothing.
        """

    def arrays(self) -> Mapping[str, np.ndarray]:
        return {k: v.detach().cpu().numpy() for k, v in self.module().state_dict().items()}

    def set_arrays(self, arrays: Mapping[str, np.ndarray]) -> None:
        import torch

        state = {key: torch.from_numpy(np.array(value)) for key, value in arrays.items()}
        self.module().load_state_dict(state)


def address_of(found: type[Tracker]) -> str:
    """Return the address "package.module:Class" of a tracker's class."""
    return f"{found.__module__}:{found.__qualname__}"
