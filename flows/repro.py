"""`dvc repro` as `make repro` runs it: `python -m flows.repro`.

Bare DVC would outlive a killed make, and says Ctrl-C in a page of lines.
"""

from __future__ import annotations

from pathlib import Path

from flows.ends import run_command
from flows.processes import process_group
from slmrec.core.cache import cache_folder
from slmrec.core.disk import check_writable
from slmrec.core.scratch import remove_abandoned

SECONDS_TO_END = 2  # DVC keeps nothing that it would have to save
OUTPUTS = [Path(name) for name in (".", "artifacts", "metrics", "reports")]


def reproduce() -> int:
    """Run `dvc repro` to its end; returns its exit code. Raises UnavailableError on a full disk."""
    try:
        with process_group("dvc", ["repro"], Path(), None, seconds_to_end=SECONDS_TO_END) as dvc:
            code = dvc.wait()
    except (KeyboardInterrupt, SystemExit):
        remove_abandoned(OUTPUTS, cache_folder())  # of the stage that has been ended with DVC
        raise
    if code:
        check_writable(Path())  # DVC itself does not say what to do about a full disk
    return code


if __name__ == "__main__":
    run_command("repro", reproduce)
