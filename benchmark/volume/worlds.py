"""Which sweeps share a world, so that one volume can hold them: what is known, what looks so."""

from collections.abc import Mapping

import numpy as np

from benchmark.errors import UserError
from benchmark.sweep import SE3_TOLERANCE, Sweep

Box = tuple[np.ndarray, np.ndarray]  # lowest and highest corner (3,), mm


def refuse_other_worlds(sweeps: Mapping[str, Sweep]) -> None:
    """Refuse sweeps, by file, whose poses are known to lead to different worlds.

    Known is a world by its name in the recording, by the data set and subject that a sweep shows,
    and where the first pose is the identity: there it is the sweep's own first frame, as in paths
    that a tracker made. Poses of which nothing is known pass.

    Raises
    ------
    UserError : two sweeps, and what differs.
    """
    facts = {file: _facts(file, sweep) for file, sweep in sweeps.items()}
    for what in ("world", "data set", "subject"):
        known = [(file, named[what]) for file, named in facts.items() if named[what]]
        for file, value in known[1:]:
            first, expected = known[0]
            if value != expected:
                raise UserError(
                    f"{file}: expected poses in the world of {first}, got another {what} "
                    f"({value}, there {expected}); reconstruct them one by one"
                )


def lying_apart(corners: Mapping[str, np.ndarray]) -> list[str]:
    """Return the names of sweeps whose box, of all corners (N, 4, 3) in the world, is alone."""
    boxes = {name: (c.min((0, 1)), c.max((0, 1))) for name, c in corners.items()}
    others = {name: [box for other, box in boxes.items() if other != name] for name in boxes}
    return [name for name in boxes if not any(_meet(boxes[name], box) for box in others[name])]


def _meet(one: Box, other: Box) -> bool:
    return bool((one[0] <= other[1]).all() and (other[0] <= one[1]).all())


def _facts(file: str, sweep: Sweep) -> dict[str, str]:
    """Return what is known of a sweep's world, empty where it is not."""
    own = np.abs(sweep.bmode.world_from_image[0] - np.eye(4)).max() < SE3_TOLERANCE
    return {
        "world": sweep.bmode.world.name or (f"the first frame of {file}" if own else ""),
        "data set": str(sweep.factors.get("spec_hash", "")),
        "subject": str(sweep.factors.get("subject", "")),
    }
