"""Which sweeps share a world, so that one volume can hold them."""

from collections.abc import Mapping

import numpy as np

from benchmark.errors import UserError
from benchmark.sweep import SE3_TOLERANCE, Sweep


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


def _facts(file: str, sweep: Sweep) -> dict[str, str]:
    """Return what is known of a sweep's world, empty where it is not."""
    own = np.abs(sweep.bmode.world_from_image[0] - np.eye(4)).max() < SE3_TOLERANCE
    return {
        "world": sweep.bmode.world.name or (f"the first frame of {file}" if own else ""),
        "data set": str(sweep.factors.get("spec_hash", "")),
        "subject": str(sweep.factors.get("subject", "")),
    }
