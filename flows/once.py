"""The flow once, in this process, with a server of its own: `python -m flows.once`.

Prefect's own temporary server would die of the same Ctrl-C as the flow, which then waits for it.
"""

from __future__ import annotations

import atexit
import os
from contextlib import ExitStack

from flows.ends import run_command
from flows.server_process import HOST, free_port, temporary_server


def reach_a_server() -> None:
    """Start a server for this process, unless PREFECT_API_URL names one; before Prefect's import.

    Prefect reads the environment when it is imported.
    """
    if "PREFECT_API_URL" not in os.environ:
        # Ended after what Prefect registers when it is imported: it sends its last lines then.
        stack = ExitStack()
        atexit.register(stack.close)
        port = free_port()
        stack.enter_context(temporary_server(port))
        os.environ["PREFECT_API_URL"] = f"http://{HOST}:{port}/api"


def run_once() -> int:
    """Run the flow; on a server of its own, unless PREFECT_API_URL names one."""
    reach_a_server()
    from flows.pipeline import retrain

    retrain()
    return 0


if __name__ == "__main__":
    run_command("flow", run_once)
