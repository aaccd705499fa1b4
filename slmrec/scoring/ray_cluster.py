"""Parts computed on a Ray cluster: the same work as in processes, wherever there are cores.

RAY_ADDRESS names the cluster; without it a running one of this machine serves, or one is started.
Every node has to reach bundle and result under the same paths. What a node had under way when it
died is computed again elsewhere: a part is written whole or not at all, and always the same bytes.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from itertools import islice
from typing import Any

import pyarrow as pa

from slmrec.core.errors import SlmrecError, UnavailableError
from slmrec.core.installed import require
from slmrec.scoring.part import to_ipc
from slmrec.scoring.workers import Work, write_sent_part

SECONDS_TO_ANSWER = 10
RETRIES = 3  # of a part whose node or process died
# Ray sends reports of its use to its makers otherwise.
NO_REPORTS = {"RAY_USAGE_STATS_ENABLED": "0"}


def write_parts(
    work: Work, parts: Iterable[tuple[int, pa.Table]], at_once: int | None
) -> Iterator[int]:
    """Compute and write the parts; gives the users of each as it is done, in whatever order.

    `at_once` parts are computed at a time; None for as many as the cluster has cores, or GPUs if it
    is to run on those. Raises UnavailableError where there is no Ray, no cluster, or none that has
    them, or where a part's node died again and again; finished parts stay.
    """
    require("ray", extra="ray")
    import ray

    with _connected(ray):
        gpus = int(work.device == "cuda")
        task = ray.remote(num_cpus=1, num_gpus=gpus, max_retries=RETRIES)(write_sent_part)
        has = _parts_at_once(ray.cluster_resources(), gpus)
        most = min(at_once, has) if at_once else has
        waiting, pending = iter(parts), list[Any]()
        while True:
            # One part waits for each that is computed, and no more of them lie in memory.
            for part, histories in islice(waiting, 2 * most - len(pending)):
                pending.append(task.remote(work, part, to_ipc(histories)))
            if not pending:
                return
            (done,), pending = ray.wait(pending, num_returns=1)
            yield _users(ray, done)


def _parts_at_once(resources: Mapping[str, float], gpus: int) -> int:
    """How many parts a cluster computes at a time. Raises UnavailableError for none at all."""
    # Ray would wait for a node that has what is missing.
    kind = "GPU" if gpus else "CPU"
    if (count := int(resources.get(kind, 0))) < 1:
        raise UnavailableError(
            f"the Ray cluster has no {kind}, and every part needs one; add a node that has, or "
            "name another cluster as RAY_ADDRESS"
        )
    return count


@contextmanager
def _connected(ray: Any) -> Iterator[None]:
    os.environ.update(NO_REPORTS)
    address = os.environ.get("RAY_ADDRESS", "")
    try:
        _knock(address)
        ray.init(logging_level="ERROR", log_to_driver=False)
    except (OSError, RuntimeError, ValueError) as error:
        why = (str(error).splitlines() or [type(error).__name__])[0]
        raise UnavailableError(
            f"Ray does not reach {address or 'a cluster of this machine'}: {why}; start one, name "
            "it as RAY_ADDRESS, or leave --ray out"
        ) from error
    try:
        yield
    finally:
        ray.shutdown()


def _knock(address: str) -> None:
    """Raise OSError where nobody listens: Ray itself would go on trying for minutes."""
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if host and port.isdecimal():
        socket.create_connection((host.strip("[]"), int(port)), SECONDS_TO_ANSWER).close()


def _users(ray: Any, done: Any) -> int:
    """The users of a part that is done. Raises what ended it."""
    try:
        users: int = ray.get(done)
    except ray.exceptions.RayTaskError as error:
        if isinstance(error.cause, SlmrecError):
            raise error.cause from error
        if isinstance(error.cause, ImportError):
            raise UnavailableError(
                f"a node of the Ray cluster lacks a package ({error.cause}); install there what is "
                "installed here"
            ) from error
        raise
    except ray.exceptions.RayError as error:
        raise UnavailableError(
            f"a part was lost {RETRIES + 1} times with its node or process, perhaps for want of "
            "memory; what is finished stays: run it again, with smaller --part-users"
        ) from error
    return users
