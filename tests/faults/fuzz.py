"""Feed damaged files to the readers of files that others write.

    python -m tests.faults.fuzz metaimage nrrd --count 100000 --seconds 600 --seed 0 --keep finds

Input number i of a seed is always the same file; one with the bytes of an earlier one, or of a
sound file, is neither read nor counted. Every reader must end in an answer or a UserError of one
line, within 10 s of processor time, in memory of at most twice the file and 256 MiB more. What ends
otherwise is printed once for each place in the code, and kept. The exit status is 1 if anything was
found. With `--counts` a folder keeps how far each reader came, and the same command goes on there.
Readers run in a child process with limits; one that dies is replaced, and goes on after the input
at which it died.
"""

import argparse
import gc
import os
import random
import resource
import shutil
import signal
import sys
import tempfile
import time
import traceback
import warnings
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from benchmark.errors import UserError, chain
from tests.faults.damage import damaged
from tests.faults.inputs import READERS, Reader
from tests.faults.ledger import MOST, Ledger

SECONDS = 10  # of the processor that one input may take
PATIENCE = 120  # seconds by the clock, for what waits without working
SPARE_BYTES = 256 << 20  # of address space beside twice the file
OF_A_CHILD = 5000  # inputs, so that what readers keep in memory does not add up


@dataclass
class Tally:
    """What came of the inputs of one reader: finds by place, each with its first input.

    inputs, answers, seconds (of the processor) are those of the whole ledger, finds of this run.
    """

    inputs: int = 0
    answers: int = 0
    seconds: float = 0.0
    finds: dict[str, tuple[int, str]] = field(default_factory=dict)
    times: Counter[str] = field(default_factory=Counter)

    def add(self, what: str, index: int) -> None:
        """Count a find: its kind and place, and after two colons what was said."""
        place = what.partition(" :: ")[0]
        self.finds.setdefault(place, (index, what))
        self.times[place] += 1


class Inputs:
    """The damaged files of one reader, which are made in memory; `put` writes one of them."""

    def __init__(self, reader: Reader, folder: Path, seed: int):
        self.seed, self.folder, self.sound = seed, folder, sorted(reader.write(folder))
        self.content = {file: file.read_bytes() for _, file in self.sound}
        self.changed: Path | None = None
        for entry, _ in self.sound:  # what is not imported yet would count as memory of an input
            reader.read(entry)

    def make(self, index: int) -> tuple[Path, Path, bytes]:
        """Return what is read of input `index`, its damaged file and the bytes of that."""
        rng = random.Random(f"{self.seed}:{index}")
        entry, file = rng.choice(self.sound)
        return entry, file, damaged(rng, file.name, self.content[file])

    def put(self, file: Path, data: bytes) -> None:
        """Write one damaged file; all others are sound."""
        if self.changed not in (None, file):
            _write(self.changed, self.content[self.changed])
        _write(file, data)
        self.changed = file

    def name(self, file: Path) -> str:
        """Return the name of a file in the folder."""
        return file.relative_to(self.folder).as_posix()


def _write(path: Path, data: bytes) -> None:
    with open(path, "wb", buffering=0) as file:  # noqa: PTH123  (three times as quick)
        file.write(data)


def fuzz(
    name: str, count: int, seconds: float, seed: int, keep: Path | None, counts: Path | None = None
) -> Tally:
    """Return what came of up to `count` inputs of a reader, in about so many seconds."""
    tally, end = Tally(), time.monotonic() + seconds
    ledger = Ledger(counts and counts / f"{name}-{seed}")
    with tempfile.TemporaryDirectory(dir=_fast_folder()) as place:
        reader, inputs = READERS[name], Inputs(READERS[name], Path(place).resolve(), seed)
        for file, data in inputs.content.items():
            ledger.is_new(inputs.name(file), data)
        gc.freeze()
        while ledger["inputs"] < count and time.monotonic() < end:
            for what, index in _in_child(reader, inputs, count, end, ledger):
                tally.add(what, index)
                ledger["finds"] += 1
        if keep:
            for index, what in tally.finds.values():
                entry, file, data = inputs.make(index)
                inputs.put(file, data)
                _keep(keep, f"{name}-{seed}-{index}", what, (entry, file), inputs.folder)
    tally.inputs, tally.answers = ledger["inputs"], ledger["answers"]
    tally.seconds = ledger["microseconds"] / 1e6
    return tally


def _fast_folder() -> str | None:
    return "/dev/shm" if os.access("/dev/shm", os.W_OK) else None


def _in_child(
    reader: Reader, inputs: Inputs, count: int, end: float, ledger: Ledger
) -> Iterator[tuple[str, int]]:
    """Yield finds of a child that works through inputs until it is done, dies or time is over."""
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        os.close(reading)
        try:
            _work(reader, inputs, count, end, ledger, writing)
        except BaseException as error:  # of this program, not of a reader
            os.write(writing, f"{ledger['index'] - 1} fuzzing: {error!r}\n".encode())
        finally:
            os._exit(0)
    os.close(writing)
    with os.fdopen(reading, encoding="utf-8") as lines:
        for line in lines:
            index, _, what = line.rstrip("\n").partition(" ")
            yield what, int(index)
    _, status, used = os.wait4(child, 0)
    ledger["microseconds"] += round(1e6 * (used.ru_utime + used.ru_stime))
    if os.WIFSIGNALED(status):
        ended = os.WTERMSIG(status)
        hang = ended in (signal.SIGALRM, signal.SIGPROF)
        ledger["inputs"] += 1
        yield "hang" if hang else f"crash ({signal.Signals(ended).name})", ledger["index"] - 1


def _work(
    reader: Reader, inputs: Inputs, count: int, end: float, ledger: Ledger, pipe: int
) -> None:
    """Read inputs in this child process and end it; finds go into the pipe, a line each."""
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, 1)
    os.dup2(null, 2)
    warnings.simplefilter("ignore")
    used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    first = index = ledger["index"]
    done, limit = ledger["inputs"], 0
    while done < count and index < first + OF_A_CHILD and time.monotonic() < end:
        ledger["index"] = index + 1
        entry, file, data = inputs.make(index)
        if ledger.is_new(inputs.name(file), data):
            inputs.put(file, data)
            wanted = used + SPARE_BYTES + 2 * len(data)
            if wanted != limit:
                resource.setrlimit(resource.RLIMIT_AS, (wanted, resource.RLIM_INFINITY))
                limit = wanted
            signal.setitimer(signal.ITIMER_PROF, SECONDS)
            signal.alarm(PATIENCE)
            what = outcome(reader, entry)
            done += 1
            ledger["inputs"] = done
            ledger["answers"] += what is None
            if what:
                os.write(pipe, f"{index} {what}\n".encode())
        index += 1
    signal.setitimer(signal.ITIMER_PROF, 0)
    signal.alarm(0)


def outcome(reader: Reader, entry: Path) -> str | None:
    """Return None for an answer, "" for a UserError of one line, else what went wrong and where."""
    try:
        reader.read(entry)
        return None
    except UserError as error:
        text = str(error)
        if not text.strip() or len(text.splitlines()) != 1 or not text.isprintable():
            return f"message of {len(text.splitlines())} lines at {_place(error)} :: {text[:60]!r}"
        memory = next((e for e in chain(error) if isinstance(e, MemoryError)), None)
        return "" if memory is None else f"memory at {_place(memory)}"
    except MemoryError as error:
        return f"memory at {_place(error)}"
    except BaseException as error:
        return f"{type(error).__name__} at {_place(error)} :: {str(error)[:80]!r}"


def _place(error: BaseException) -> str:
    """Return the last line of this repository that an error passed, beside the last of all."""
    root = Path(__file__).parents[2]
    frames = traceback.extract_tb(error.__traceback__)
    ours = tuple(str(root / package) for package in ("benchmark", "simulate"))
    own = [frame for frame in frames if frame.filename.startswith(ours)]
    last = (own or frames)[-1]
    return f"{last.filename.removeprefix(f'{root}/')}:{last.lineno}"


def _keep(keep: Path, name: str, what: str, read: tuple[Path, Path], folder: Path) -> None:
    """Copy the input of a find: the file, or the folder that is read."""
    keep.mkdir(parents=True, exist_ok=True)
    entry, file = read
    if entry.is_dir():
        shutil.copytree(entry, keep / name, dirs_exist_ok=True)
    else:
        shutil.copy(file, keep / (name + "".join(file.suffixes)))
    with (keep / "finds.txt").open("a", encoding="utf-8") as text:
        text.write(f"{name} {file.relative_to(folder)}: {what}\n")


def main() -> int:
    """Fuzz readers by name, print a line for each and its finds."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    known = list(READERS)
    parser.add_argument("readers", nargs="*", default=known, help=f"of {', '.join(known)}")
    parser.add_argument("--count", type=int, default=1000, help="inputs of each reader")
    parser.add_argument("--seconds", type=float, default=60.0, help="for each reader")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--keep", type=Path, help="folder for the inputs of finds")
    parser.add_argument("--counts", type=Path, help="folder of counts, from which to go on")
    given = parser.parse_args()
    if given.count > MOST:
        parser.error(f"--count: expected at most {MOST}, got {given.count}")
    found = False
    for name in given.readers:
        tally = fuzz(name, given.count, given.seconds, given.seed, given.keep, given.counts)
        print(
            f"{name}: {tally.inputs} inputs in {tally.seconds:.0f} s of the processor "
            f"({tally.inputs / max(tally.seconds, 1e-6):.0f} a second), {tally.answers} answered, "
            f"{sum(tally.times.values())} finds at {len(tally.finds)} places",
            flush=True,
        )
        for place, (index, what) in tally.finds.items():
            print(f"  {what} (input {index}, {tally.times[place]} times)", flush=True)
            found = True
    return int(found)


if __name__ == "__main__":
    sys.exit(main())
