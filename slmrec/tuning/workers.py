"""Several processes that search one part together, by the database of its trials.

`python -m slmrec.tuning.workers PARENT` reads a task as JSON from its input.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from slmrec.core.errors import SlmrecError, UnavailableError
from slmrec.core.stage import die_with_parent
from slmrec.tuning.report import print_trial
from slmrec.tuning.search import Search
from slmrec.tuning.task import Task


def run_trials(search: Search, workers: int) -> None:
    """Run trials until no more may begin, in this process and in `workers` - 1 others.

    Raises UnavailableError where one of the others fails.
    """
    with _helping(search.task, workers - 1):
        while search.run_next(print_trial):
            pass


@contextmanager
def _helping(task: Task, helpers: int) -> Iterator[None]:
    """Other processes at work on the task; at the end all have ended."""
    processes = [_start(task) for _ in range(helpers)]
    try:
        yield
        for process in processes:
            _end(process)
    except BaseException:
        for process in processes:
            process.terminate()  # the next search puts its trial back
        for process in processes:
            process.wait()
        raise


def _start(task: Task) -> subprocess.Popen[str]:
    """Another process; Ctrl-C does not reach it, its parent ends it."""
    command = [sys.executable, "-m", "slmrec.tuning.workers", str(os.getpid())]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, text=True, start_new_session=True)
    assert process.stdin is not None
    process.stdin.write(task.dumps())
    process.stdin.close()
    return process


def _end(process: subprocess.Popen[str]) -> None:
    code = process.wait()
    if code:
        raise UnavailableError(
            f"a worker ended with code {code}, its last words are above; "
            "what was found is kept: run slmrec tune again, or with --workers 1"
        )


def main() -> None:
    """Take part in the search of the task that is read; ends with its parent."""
    die_with_parent()
    if os.getppid() != int(sys.argv[1]):
        return  # the parent ended before that was asked for
    try:
        run_trials(Search(Task.loads(sys.stdin.read())), workers=1)
    except SlmrecError as error:
        print(f"slmrec: {error}", file=sys.stderr)
        sys.exit(error.exit_code)


if __name__ == "__main__":
    main()
