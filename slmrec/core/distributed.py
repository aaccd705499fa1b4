"""The processes that share a training run on one machine: the first starts the others, and only the first writes.

They find each other by the environment that torch.distributed reads, so a stage works the same
under `torchrun`.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys

RANK = "RANK"  # which of the processes this is; absent where nobody started several


def is_first() -> bool:
    """Whether this process is the one that locks, validates and writes."""
    return os.environ.get(RANK, "0") == "0"


def local_rank() -> int:
    """Which of this machine's processes, and so of its GPUs, this is."""
    return int(os.environ.get("LOCAL_RANK", "0"))


def start_others(processes: int) -> None:
    """Become the first of so many processes that run this very command; does nothing where they are already started.

    The others end with this one (slmrec.core.stage.die_with_parent), and are silent except for
    errors.
    """
    if processes == 1 or RANK in os.environ:
        return
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    os.environ |= {
        "MASTER_ADDR": "127.0.0.1",
        "MASTER_PORT": str(port),
        "WORLD_SIZE": str(processes),
    }
    os.environ |= {RANK: "0", "LOCAL_RANK": "0"}
    for rank in range(1, processes):
        environment = os.environ | {RANK: str(rank), "LOCAL_RANK": str(rank)}
        subprocess.Popen(
            [sys.executable, *sys.orig_argv[1:]], env=environment, stdout=subprocess.DEVNULL
        )
