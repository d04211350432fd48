"""Frames that no hand can have moved to: poses apart from their neighbours' path.

Steps are compared with the usual step of the same sweep, so no speed or frame rate is assumed.
"""

from dataclasses import dataclass

import numpy as np

USUAL = 60.0  # percentile of steps that stands for a moving hand; a fifth of the frames may be bad
STEPS = 10.0  # usual steps per frame beyond which a hand does not go
LEAST_MM = 5.0  # and what a hand may go per frame in any case, 10 cm/s at 20 frames per second
SHORT = 0.1  # share of a sweep's frames that a piece apart needs to be a piece of the sweep
FEWEST = 4  # frames below which nothing is usual
DETOUR = 3.0  # times the straight way; and times the pace at the ends, behind which nothing is
TURN = 0.5  # of a step's length: change from a neighbouring step below which motion goes on
STILL_MM = 1e-6  # corners that move less from frame to frame do not move


@dataclass(frozen=True)
class Jumps:
    """Frames apart from the others.

    outliers (N,) bool: frames off the path of the others; off_mm (N,): how far their corners are
    from it, 0 for the other frames; breaks: pairs of frames, the last before and the first after
    a gap between two long pieces of path.
    """

    outliers: np.ndarray
    breaks: tuple[tuple[int, int], ...]
    off_mm: np.ndarray

    @property
    def pieces(self) -> list[np.ndarray]:
        """The frames of each piece of path, without outliers."""
        kept = np.flatnonzero(~self.outliers)
        return np.split(kept, np.searchsorted(kept, [after for _, after in self.breaks]))

    def __str__(self) -> str:
        """What is apart, of frames, in words."""
        return self.in_words()

    def in_words(self, what: str = "frames") -> str:
        """Return what is apart; what: whose poses they are."""
        frames = np.flatnonzero(self.outliers)
        shown = ", ".join(map(str, frames[:8])) + (", ..." if len(frames) > 8 else "")
        words = [f"the path jumps between {what} {a} and {b}" for a, b in self.breaks[:3]]
        if len(frames):
            off = f"up to {self.off_mm.max():.4g} mm off the path of the others"
            words.insert(0, f"{len(frames)} of {len(self.outliers)} {what} lie {off}: {shown}")
        return "; ".join(words)


def find_jumps(corners: np.ndarray, times: np.ndarray | None = None) -> Jumps:
    """Return the frames whose corners (N, 4, 3), mm, lie apart from their neighbours'.

    Steps longer than ten usual ones (and 5 mm) that do not go on in a neighbouring step cut the
    path into pieces. From the longest piece
    outward, a piece belongs to the path if it is reached from there at that pace. Others are
    outliers if they are short, or stand still at one pose, and the way over them is a detour; long
    ones are a further piece of path behind a break.

    times (N,) s: of the frames; where some were lost, the step across may be as much longer.
    """
    count = len(corners)
    if count < FEWEST:
        return Jumps(np.zeros(count, bool), (), np.zeros(count))
    path = _Path(corners, _frame_clock(count, times))
    pieces = np.split(np.arange(count), path.edges())
    main = int(np.argmax([len(piece) for piece in pieces]))
    off, breaks = np.zeros(count), []
    for outward in (pieces[main:], [piece[::-1] for piece in pieces[main::-1]]):
        breaks += path.walk(outward, off)
    return Jumps(off > 0, tuple(sorted(breaks)), off)


class _Path:
    """The path of frames, and how far a hand may go on it."""

    def __init__(self, corners: np.ndarray, clock: np.ndarray):
        self.corners, self.clock = corners, clock
        self.steps = np.linalg.norm(np.diff(corners, axis=0), axis=2).max(1)
        self.pace = max(STEPS * float(np.percentile(self.steps / np.diff(clock), USUAL)), LEAST_MM)

    def edges(self) -> np.ndarray:
        """Return the frames after a step that is too long and goes on in neither neighbour's."""
        steps = np.diff(self.corners, axis=0)
        turns = np.linalg.norm(np.diff(steps, axis=0), axis=2).max(1)
        turn = np.minimum(np.append(turns, np.inf), np.insert(turns, 0, np.inf))
        far = self.steps > self.pace * np.diff(self.clock)
        return np.flatnonzero(far & (turn > TURN * self.steps)) + 1

    def distance(self, one: int, other: int) -> float:
        """Return the largest distance (mm) of two frames' corners."""
        return float(np.linalg.norm(self.corners[one] - self.corners[other], axis=1).max())

    def walk(self, outward: list[np.ndarray], off: np.ndarray) -> list[tuple[int, int]]:
        """Go from the first of some pieces to the others; fill `off` (N,), return the breaks."""
        end, skipped, breaks = outward[0][-1], [], []
        for piece in outward[1:]:
            allowed = self.pace * abs(self.clock[piece[0]] - self.clock[end])
            reached = self.distance(end, piece[0]) <= allowed
            if not reached and self._is_small(piece):
                skipped.append(piece)
                continue
            self._judge(skipped, end, piece[0], off)
            if not reached:
                breaks.append((int(min(end, piece[0])), int(max(end, piece[0]))))
            end, skipped = piece[-1], []
        for piece in skipped:
            if self.distance(end, piece[0]) > DETOUR * self.pace:
                off[piece] = [self.distance(end, frame) for frame in piece]
        return breaks

    def _is_small(self, piece: np.ndarray) -> bool:
        moved = np.abs(np.diff(self.corners[piece], axis=0)).max(initial=0)
        return len(piece) <= max(1, SHORT * len(self.corners)) or moved < STILL_MM

    def _judge(self, skipped: list[np.ndarray], end: int, after: int, off: np.ndarray) -> None:
        """Take as outliers those of the skipped pieces that are a detour between two frames."""
        for piece in skipped:
            way = self.distance(end, piece[0]) + self.distance(piece[-1], after)
            if way > DETOUR * self.distance(end, after):
                off[piece] = [self.distance(end, frame) for frame in piece]


def _frame_clock(count: int, times: np.ndarray | None) -> np.ndarray:
    """Return times (N,) in usual intervals of frames; no interval counts less than 1."""
    if times is None:
        return np.arange(count, dtype=float)
    intervals = np.diff(np.asarray(times, float))
    return np.concatenate([[0.0], np.cumsum(np.maximum(intervals / np.median(intervals), 1.0))])
