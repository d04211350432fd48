"""Kill commands at their writes and at any instant, go on, compare with work left in peace.

    python -m tests.faults.kill --kills 150 --log kills.jsonl            # all commands
    python -m tests.faults.kill train predict --kills 20 --fresh         # in fresh interpreters

A piece of work is a command that is begun in an empty folder, ended by SIGKILL, SIGTERM or SIGINT,
given again, ended again, up to twelve times, and at last left in peace. It must then have left the
same files with the same bytes as a command that nothing disturbed, measured times aside, and no
temporary file. A signal meets the command's own process, one of its two workers, or all at once; at
one of its operations on files, or at any instant. A kill counts where the command did not end well.
Whatever ends a command, none of its processes stays, and what it says is one line. No process
but these is ended. With a log, a later call goes on where an earlier one was.
"""

import argparse
import gc
import json
import random
import re
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from tqdm import tqdm

from benchmark.tables import markdown
from tests.command_line import command
from tests.faults.victims import ALL, HOOK, PARENT, WORKER, End, Kill, run
from tests.faults.works import WORKS

SIGNALS = (signal.SIGKILL, signal.SIGTERM, signal.SIGINT)
MOST = 12  # kills of one piece of work
MEASURED = re.compile(rb'"(seconds\w*|peak_memory_mb|first_seconds)": [^,\n]*,?\n')
#: Kinds of faults: files or the work itself; other bytes or files; processes; words.
FAULTS = ("lost", "wrong", "left behind", "ill told")
#: How each line on standard error begins.
TOLD = ("error: ", "note: ", "interrupted; what was finished stays")


@dataclass
class Piece:
    """What came of one piece of work: the kills that counted, and the faults."""

    work: str
    index: int
    fresh: bool
    kills: list[Kill] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)


class Bench:
    """One command: what it reads, what it leaves in peace, and the pieces of work to kill.

    place: a folder of its own; fresh: whether commands run in fresh interpreters.
    """

    def __init__(self, name: str, place: Path, fresh: bool = False):
        self.name, self.work, self.fresh = name, WORKS[name], fresh
        self.given, self.folder = place / "given", place / "work"
        self.given.mkdir(parents=True)
        interval, tqdm.monitor_interval = tqdm.monitor_interval, 0  # a thread that forks would lack
        self.work.write(self.given)
        self._begin()
        HOOK.arm(self.folder, None)
        done = command("sweepbench", *self._line(1), cwd=place)  # forks have what it compiles
        HOOK.folder, tqdm.monitor_interval = "", interval
        assert done.returncode == 0, done.stderr
        self.expected, self.operations = contents(self.folder), HOOK.count
        gc.collect()
        gc.freeze()  # forks neither look through nor copy what is there
        self._begin()
        began = time.monotonic()
        self._run(1, None, fresh)
        self.seconds = time.monotonic() - began

    def _line(self, workers: int) -> list[str]:
        return self.work.line(self.given, self.folder, workers)

    def _begin(self) -> None:
        """Give the work its folder as it is at first."""
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir()
        if (self.given / "runs").is_dir():
            shutil.copytree(self.given / "runs", self.folder / "runs")

    def _run(self, workers: int, kill: Kill | None, fresh: bool) -> End:
        return run(self._line(workers), self.folder, kill, fresh)

    def piece(self, index: int, seed: int, most: int = MOST) -> Piece:
        """Do piece number `index` of a seed, the same each time but for the instants of signals."""
        rng = random.Random(f"{self.name}:{seed}:{self.fresh}:{index}")
        piece = Piece(self.name, index, self.fresh)
        self._begin()
        for more in range(rng.randint(1, most), -1, -1):
            workers = rng.choice((1, 2)) if self.work.divides else 1
            kill = self._drawn(rng, workers) if more else None
            end = self._run(workers, kill, self.fresh and more > 0)
            piece.faults += [f"{fault}; {kill}" for fault in [*end.faults, *ill_told(end)]]
            if end.status == 0:
                break
            if kill:
                piece.kills.append(kill)
            else:
                piece.faults.append(f"lost: the last run ended with {end.status}")
        piece.faults += differences(self.expected, contents(self.folder))
        return piece

    def _drawn(self, rng: random.Random, workers: int) -> Kill:
        """Draw whom a signal ends and when; early in the work as often as late."""
        whom = rng.choice((PARENT, WORKER, ALL)) if workers > 1 else PARENT
        number = rng.choice(SIGNALS)
        if whom == WORKER and number == signal.SIGINT:  # which workers leave to the parent
            number = signal.SIGKILL
        inside = rng.random() < 0.5 and not (self.fresh and whom == WORKER)
        if inside:
            return Kill(number, whom, at=round(self.operations ** rng.random()))
        return Kill(number, whom, after=self.seconds * rng.random() ** 2)


def contents(folder: Path) -> dict[str, bytes]:
    """Return the files of a folder by name, without what is measured."""
    files = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): _unmeasured(path) for path in files}


def _unmeasured(path: Path) -> bytes:
    """Return the bytes of a file; of JSON, csv and Markdown without seconds and memory."""
    data = MEASURED.sub(b"", path.read_bytes())
    mark = {".csv": b",", ".md": b"|"}.get(path.suffix)
    lines = data.split(b"\n")
    if mark is None or lines[0].strip(b"| ").split(mark)[-1].strip() != b"seconds":
        return data
    return b"\n".join(line.rstrip(b"| ").rpartition(mark)[0] for line in lines)


def differences(expected: dict[str, bytes], found: dict[str, bytes]) -> list[str]:
    """Return what is lost and what is wrong among the files that work has left."""
    missing, more = sorted(expected.keys() - found.keys()), sorted(found.keys() - expected.keys())
    other = sorted(name for name in expected.keys() & found.keys() if expected[name] != found[name])
    told = {"lost: missing": missing, "wrong: more files": more, "wrong: other bytes": other}
    return [f"{what}: {names[:4]}" for what, names in told.items() if names]


def ill_told(end: End) -> list[str]:
    """Return a fault where a command that a signal has ended said more than a line of its end.

    A command that ended well may say that Python dropped an interrupt, in a callback.
    """
    if end.status == 0:
        return []
    lines = end.told.splitlines()
    strange = [line for line in lines if not line.startswith(TOLD)]
    ends = [line for line in lines if not line.startswith("note: ")]
    if strange or len(ends) > 1 or (end.status > 0 and not ends):
        return [f"ill told: status {end.status}: {end.told[-1500:]}"]
    return []


def table(pieces: Iterable[Piece]) -> str:
    """Return a Markdown table with a row for each command, and one for all."""
    rows = {name: _row([piece for piece in pieces if piece.work == name]) for name in WORKS}
    found = {name: row for name, row in rows.items() if row["kills"]}
    total = {key: sum(row[key] for row in found.values()) for key in next(iter(found.values()), {})}
    named = [{"command": name, **row} for name, row in {**found, "all": total}.items()]
    return markdown(named, right=total)


def _row(pieces: Sequence[Piece]) -> dict[str, int]:
    kills = [kill for piece in pieces for kill in piece.kills]
    faults = [fault.partition(":")[0] for piece in pieces for fault in piece.faults]
    return {
        "kills": len(kills),
        **{signal.Signals(s).name: sum(kill.number == s for kill in kills) for s in SIGNALS},
        **{f"of {whom}": sum(k.whom == whom for k in kills) for whom in (PARENT, WORKER, ALL)},
        **{word: faults.count(word) for word in FAULTS},
    }


def read_log(path: Path | None) -> list[Piece]:
    """Return the pieces that a log holds."""
    lines = path.read_text(encoding="utf-8").splitlines() if path and path.is_file() else []
    told: list[dict[str, Any]] = [json.loads(line) for line in lines]
    return [Piece(**{**one, "kills": [Kill(**kill) for kill in one["kills"]]}) for one in told]


def main() -> int:
    """Kill commands, print a line for each piece of work, and the table at the end."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("works", nargs="*", default=list(WORKS), help=f"of {', '.join(WORKS)}")
    parser.add_argument("--kills", type=int, default=100, help="of each command")
    parser.add_argument("--seconds", type=float, default=1e9, help="for each command, at most")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--fresh", action="store_true", help="run commands in fresh interpreters")
    parser.add_argument("--log", type=Path, help="a line of JSON for each piece of work")
    given = parser.parse_args()
    pieces = read_log(given.log)
    for name in given.works:
        mine = [piece for piece in pieces if (piece.work, piece.fresh) == (name, given.fresh)]
        with tempfile.TemporaryDirectory() as place:
            bench = Bench(name, Path(place), given.fresh)
            end = time.monotonic() + given.seconds
            while sum(len(p.kills) for p in mine) < given.kills and time.monotonic() < end:
                mine.append(bench.piece(len(mine), given.seed))
                pieces.append(mine[-1])
                _note(mine[-1], sum(len(p.kills) for p in mine), given.log)
    print(table(pieces), end="")
    return int(any(piece.faults for piece in pieces))


def _note(piece: Piece, kills: int, log: Path | None) -> None:
    """Print what came of a piece of work, and add it to the log."""
    print(f"{piece.work} {piece.index}: {kills} kills", *piece.faults, sep="\n  ", flush=True)
    if log:
        with log.open("a", encoding="utf-8") as file:
            file.write(json.dumps(asdict(piece)) + "\n")


if __name__ == "__main__":
    sys.exit(main())
