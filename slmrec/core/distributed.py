"""The processes that share a training run on one machine; the first starts the others and writes.

They find each other by the environment variables of torch.distributed, so that a stage works the
same under `torchrun`.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys

RANK = "RANK"  # number of this process; absent where only one was started
LOCAL_RANK = "LOCAL_RANK"  # its number on this machine


def is_first() -> bool:
    """Whether this process is the one that locks, validates and writes."""
    return os.environ.get(RANK, "0") == "0"


def local_rank() -> int:
    """Number of this process on its machine, which is also the number of its GPU."""
    return int(os.environ.get(LOCAL_RANK, "0"))


def start_others(processes: int) -> None:
    """Become the first of `processes` that run this command; nothing happens if they run already.

    The others end with this one (slmrec.core.stage.die_with_parent) and print errors alone.
    """
    if processes == 1 or RANK in os.environ:
        return
    address = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(_free_port())}
    os.environ |= {**address, "WORLD_SIZE": str(processes), RANK: "0", LOCAL_RANK: "0"}
    command = [sys.executable, *sys.orig_argv[1:]]
    for rank in range(1, processes):
        environment = os.environ | {RANK: str(rank), LOCAL_RANK: str(rank)}
        subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
