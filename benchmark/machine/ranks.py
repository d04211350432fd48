"""Which of the processes that share a training this one is."""

import os

#: Set by Lightning for the processes it starts, by torchrun and SLURM for theirs, and by the user
#: who starts one on each machine.
RANKS = ("RANK", "SLURM_PROCID", "LOCAL_RANK", "NODE_RANK", "GROUP_RANK")


def is_first(processes: int) -> bool:
    """Return whether this process is the first of so many that share a training."""
    return processes == 1 or all(int(os.environ.get(name) or 0) == 0 for name in RANKS)
