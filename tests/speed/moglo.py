"""Speed of MoGLo-Net's correlation and streaming at the published size, in one run.

    python tests/speed/moglo.py [--device cuda] [--threads 2] [--windows 2] [--compile] [--training]

Three forms of the volume (the single-precision gather of all candidate patches, the same in half
precision, and ours), forward and forward with backward; then seconds per new frame for windows
read anew with the gathered volume, windows with ours, and streaming; streaming in bf16 and fp16
autocast and, with --compile, by torch.compile; the small presets, `moglo-long` by its parts; their
training, beside a matrix product's rate. Only ratios within a run mean anything on a machine that
others use too.
"""

import argparse
import platform
import sys
import time
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional

sys.path.insert(0, str(Path(__file__).parents[2]))  # where the project is not installed

from benchmark import geometry
from benchmark.learning.flops import flop_counter
from benchmark.learning.schedule import scheduled_optimiser
from moglo import model
from moglo.config import MoGLoConfig, MoGLoPaperConfig
from moglo.correlation import correlation_volume
from moglo.long import MoGLoLong
from moglo.long.config import MoGLoLongConfig
from moglo.long.model import LongNet, LongStream
from moglo.streaming import MotionStream
from moglo.tracker import MoGLo

STREAMED_PAIRS = 8


def unfolded_volume(first: Tensor, second: Tensor, radius: int = 8, stride: int = 4) -> Tensor:
    """Return the volume by gathering every 3x3 candidate patch (N, K, 9C, cells^2) in memory."""
    channels, side = first.shape[1], 2 * radius + 1
    templates = functional.unfold(first, 3, padding=1, stride=stride).transpose(1, 2)
    searched = functional.unfold(second, side, padding=radius, stride=stride).transpose(1, 2)
    pairs, places = searched.shape[:2]
    candidates = functional.unfold(searched.reshape(-1, channels, side, side), 3)
    candidates = candidates.reshape(pairs, places, 9 * channels, -1)
    products = (templates[..., None] * candidates).sum(2)
    norms = (templates.norm(dim=-1)[..., None] + 1e-6) * (candidates.norm(dim=2) + 1e-6)
    return (products / norms).reshape(pairs, places, side - 2, side - 2)


def half_precision_volume(first: Tensor, second: Tensor, *rest: int) -> Tensor:
    """Return the unfold form as the released code runs it."""
    return unfolded_volume(first.half(), second.half(), *rest).float()


def seconds(work: Callable[[], object], device: str, repeats: int = 3) -> float:
    """Return the shortest of some runs after one that is not counted."""
    best = float("inf")
    for index in range(repeats + 1):
        start = time.perf_counter()
        work()
        if device == "cuda":
            torch.cuda.synchronize()
        if index:
            best = min(best, time.perf_counter() - start)
    return best


def with_backward(form: Callable[..., Tensor], maps: list[Tensor]) -> Callable[[], None]:
    def work() -> None:
        leaves = [part.clone().requires_grad_() for part in maps]
        form(*leaves).sum().backward()

    return work


def compare_volumes(device: str) -> None:
    """Print seconds per pair of each form and how many times faster ours is."""
    torch.manual_seed(0)
    maps = [torch.rand(1, 64, 64, 64, device=device) for _ in range(2)]
    difference = (unfolded_volume(*maps) - correlation_volume(*maps)).abs().max().item()
    print(
        f"volume of a pair, 256 x 15 x 15; largest difference to the unfold form {difference:.1e}"
    )
    forms = {
        "unfold, float32": unfolded_volume,
        "unfold, float16": half_precision_volume,
        "ours": correlation_volume,
    }
    rows = {}
    for name, form in forms.items():
        with torch.inference_mode():
            forward = seconds(lambda form=form: form(*maps), device)
        both = seconds(with_backward(form, maps), device)
        rows[name] = (forward, both)
    ours = rows["ours"]
    for name, (forward, both) in rows.items():
        print(
            f"  {name:16} forward {1e3 * forward:8.1f} ms ({forward / ours[0]:5.1f} x ours)"
            f"   with backward {1e3 * both:8.1f} ms ({both / ours[1]:5.1f} x)"
        )


def compare_inference(device: str, windows: int) -> None:
    """Print seconds per new frame of windowed and of streaming inference."""
    torch.manual_seed(0)
    net = model.MoGLoNet(MoGLoPaperConfig()).to(device).eval()
    frames = torch.rand(STREAMED_PAIRS + 1, 256, 256, device=device)
    fast = model.correlation_volume
    rows = {}
    with torch.inference_mode():
        window = frames[None, :5]
        model.correlation_volume = unfolded_volume
        rows["windows, unfold form"] = seconds(lambda: net(window), device, windows)
        model.correlation_volume = fast
        rows["windows, our volume"] = seconds(lambda: net(window), device, windows)
        stream = MotionStream(net)
        stream.push(frames[:1])
        chunk = seconds(lambda: stream.push(frames[1:]), device, windows)
        rows["streaming, 8 frames at a time"] = chunk / STREAMED_PAIRS
        rows["streaming, frame by frame"] = seconds(lambda: stream.push(frames[1:2]), device, 3)
    streaming = rows["streaming, 8 frames at a time"]
    print("inference at 256 x 256, width 64, window 5")
    for name, value in rows.items():
        print(f"  {name:32} {value:7.4f} s per frame ({value / streaming:5.1f} x streaming)")


def compare_precisions(device: str, compiled: bool) -> None:
    """Print streaming seconds in full and in half precision, and compiled, with what changes.

    The volume is computed in single precision in all of them.
    """
    torch.manual_seed(0)
    net = model.MoGLoNet(MoGLoPaperConfig()).to(device).eval()
    frames = torch.rand(STREAMED_PAIRS + 1, 256, 256, device=device)
    kinds = {"float32": None, "bf16": torch.bfloat16}
    if device != "cpu":  # whose half-precision convolutions take minutes a frame
        kinds["fp16"] = torch.float16
    exact, base = streamed(net, frames, None), 0.0
    print(f"streaming {STREAMED_PAIRS} frames at a time, by precision")
    for name, kind in kinds.items():
        took = seconds(lambda kind=kind: streamed(net, frames, kind), device, 2)
        base = base or took
        change = (streamed(net, frames, kind) - exact).abs().max() / exact.abs().max()
        print(f"  {name:32} {took / STREAMED_PAIRS:7.4f} s per frame ({base / took:5.2f} x as fast,"
              f" largest change {change:.1e})")  # fmt: skip
    if compiled:
        start = time.perf_counter()
        net.encode_frames = torch.compile(net.encode_frames)
        net.stage2, net.stage3, net.stage4 = map(
            torch.compile, (net.stage2, net.stage3, net.stage4)
        )
        streamed(net, frames, None)
        warm = time.perf_counter() - start
        took = seconds(lambda: streamed(net, frames, None), device, 2)
        print(f"  {'torch.compile, float32':32} {took / STREAMED_PAIRS:7.4f} s per frame "
              f"({base / took:5.2f} x as fast, after {warm:.0f} s of compilation)")  # fmt: skip


def streamed(net: model.MoGLoNet, frames: Tensor, kind: torch.dtype | None) -> Tensor:
    """Return the motions of frames streamed all at once, under autocast to `kind` if given."""
    with (
        torch.inference_mode(),
        torch.autocast(frames.device.type, dtype=kind or torch.bfloat16, enabled=kind is not None),
    ):
        return MotionStream(net).push(frames).float()


def compare_small_presets(device: str) -> None:
    """Print seconds per frame of the presets that a CPU trains, and `moglo-long` by its parts."""
    print("tracking 64 frames of 96 x 96")
    frames = torch.rand(64, 96, 96, device=device)
    with torch.inference_mode():
        for name, change in {
            "moglo": None,
            "moglo-long, one of its four views": {},
            "  with tiles": {"tiles": True},
            "  tiles alone": {"tiles": True, "encoder": False},
        }.items():
            torch.manual_seed(0)
            if change is None:
                net = model.MoGLoNet(MoGLoConfig()).to(device).eval()
                took = seconds(lambda net=net: MotionStream(net).push(frames), device)
            else:
                long = LongNet(MoGLoLongConfig(**change)).to(device).eval()
                took = seconds(lambda long=long: LongStream(long).push(frames), device)
            print(f"  {name:34} {1e3 * took / 63:7.2f} ms per frame")


def compare_training(device: str, repeats: int = 8) -> None:
    """Print the time of one update of the small presets and its rate, beside a matrix product's.

    All take turns, so that other programs' load falls on all alike; on a CPU only the process's own
    time counts.
    """
    clock = time.perf_counter if device == "cuda" else time.process_time
    torch.manual_seed(0)
    square = torch.rand(1024, 1024, device=device)
    works: dict[str, Callable[[], object]] = {
        "matrix product": lambda: square @ square,
        "moglo": update_of(MoGLo(), device),
        "moglo-long, first stage": update_of(MoGLoLong(), device),
    }
    operations, best = {}, dict.fromkeys(works, float("inf"))
    for name, work in works.items():
        with flop_counter() as counter:
            work()
        operations[name] = counter.get_total_flops()
    for _ in range(repeats):
        for name, work in works.items():
            start = clock()
            work()
            if device == "cuda":
                torch.cuda.synchronize()
            best[name] = min(best[name], clock() - start)
    print("training of the small presets, a batch an update")
    ceiling = operations["matrix product"] / best["matrix product"]
    for name, took in best.items():
        rate = operations[name] / took
        print(f"  {name:34} {1e3 * took:8.1f} ms {rate / 1e9:8.1f} GFLOP/s ({rate / ceiling:.2f})")


def update_of(tracker: MoGLo, device: str) -> Callable[[], object]:
    """Return one update of a tracker's network on a batch of noise."""
    recipe, size, pairs = tracker.recipe, tracker.config.frame_size, tracker.window - 1
    net = tracker.module().to(device).train()
    frames = torch.rand(recipe.batch_size, pairs + 1, size, size, device=device)
    steps = geometry.exp(0.05 * torch.randn(recipe.batch_size, pairs, 6, device=device))
    grid = torch.diag(torch.tensor([0.25, 0.25, 1.0, 1.0], device=device))
    grids = grid.expand(recipe.batch_size, 4, 4)
    optimiser, _ = scheduled_optimiser(recipe, net.parameters(), 1000)

    def work() -> None:
        optimiser.zero_grad()
        tracker.loss(*tracker.augment(frames, steps, grids)).backward()
        optimiser.step()

    return work


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--windows", type=int, default=2)
    parser.add_argument("--compile", action="store_true")
    parser.add_argument("--training", action="store_true", help="the small presets' training alone")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    print(f"{platform.processor() or platform.machine()}, torch {torch.__version__}, "
          f"{arguments.device}, {arguments.threads} threads")  # fmt: skip
    if arguments.training:
        compare_training(arguments.device)
        return
    compare_volumes(arguments.device)
    compare_inference(arguments.device, arguments.windows)
    compare_precisions(arguments.device, arguments.compile)
    compare_small_presets(arguments.device)
    compare_training(arguments.device)


if __name__ == "__main__":
    main()
