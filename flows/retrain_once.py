"""The retraining once, in this process: `python -m flows.retrain_once LANDING [OPTIONS]`."""

from __future__ import annotations

import sys
from argparse import ArgumentParser
from datetime import date
from typing import Any

from flows.cuts import Cuts
from flows.ends import run_command
from flows.once import reach_a_server
from slmrec.core.errors import GateError


def cuts(text: str) -> dict[str, str]:
    """The flow's parameter `refit`, of two cuts with a comma between. Raises ValueError."""
    valid_from, test_from = text.split(",")
    return Cuts(valid_from=valid_from, test_from=test_from).model_dump()


def parse(arguments: list[str]) -> dict[str, Any]:
    """The flow's parameters; those that are not given keep the flow's defaults."""
    parser = ArgumentParser(prog="python -m flows.retrain_once", argument_default=None)
    parser.add_argument("landing", metavar="LANDING", help="folder or URL that logs arrive in")
    parser.add_argument("--date", type=date.fromisoformat, help="as known then: YYYY-MM-DD, UTC")
    parser.add_argument("--budget-minutes", type=float, help="end it where its stages take longer")
    parser.add_argument("--force", action="store_true", help="where nothing is new, too")
    parser.add_argument("--dry-run", action="store_true", help="do all but publish and commit")
    parser.add_argument(
        "--gate", choices=["champion", "baselines"], help="what a challenger is held against"
    )
    parser.add_argument("--override", metavar="REASON", help="publish whatever the gate says")
    parser.add_argument(
        "--refit",
        type=cuts,
        metavar="VALID_FROM,TEST_FROM",
        help="train again with these later cuts once the gate has passed: 2%%,1%%",
    )
    parser.add_argument(
        "--settle-seconds", type=float, help="a new file must not change for so long"
    )
    parser.add_argument("--warm", action="store_true", help="train on from the champion's models")
    parser.add_argument("--lineage", metavar="TARGET", help="file or URL of OpenLineage events")
    given = vars(parser.parse_args(arguments))
    return {key: value for key, value in given.items() if value is not None}


def run_once(arguments: list[str]) -> int:
    """Run the flow; 0, or the gate's code where the champion stays. Raises what the flow raises."""
    parameters = parse(arguments)
    reach_a_server()
    from flows.outcome import KEPT
    from flows.retrain import retrain_landed

    state = retrain_landed(**parameters, return_state=True)
    if not state.is_completed():
        state.result()  # raises what it ended with
    print(f"retrain: {state.message}", flush=True)
    return GateError.exit_code if state.name == KEPT else 0


if __name__ == "__main__":
    run_command("retrain", lambda: run_once(sys.argv[1:]))
