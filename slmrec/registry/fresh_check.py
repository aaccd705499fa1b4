"""What a service will do, in a process of its own: load a bundle and answer.

Run as: python -m slmrec.registry.fresh_check BUNDLE RECORDED
It loads the runtime alone (numpy and onnxruntime), replays the golden cases and the recorded
histories, and prints what it saw in a line; an error is one line and its exit code.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from slmrec.core.errors import BundleError, SlmrecError
from slmrec.registry.recorded import read_recorded, replay
from slmrec.runtime import Recommender, verify

PACKAGES = Path(__file__).resolve().parents[2]  # where slmrec lies
THREADS = 1  # the fewest: another order of sums than where the lists were recorded


def check(bundle_dir: Path, recorded_path: Path) -> str:
    """Load the bundle here and replay all; a line of what was seen.

    Raises BundleError for what does not hold.
    """
    golden = verify(bundle_dir, "cpu", THREADS)
    recorded = read_recorded(recorded_path.read_bytes())
    worst = replay(Recommender(bundle_dir, "cpu", THREADS), recorded)
    return (
        f"{golden.cases} golden cases and {len(recorded):,} recorded histories replayed; "
        f"worst score difference {max(worst, golden.max_difference):.1e} of their spread"
    )


def check_in_fresh_process(bundle_dir: Path, recorded_path: Path) -> str:
    """The same in a new process, which shares nothing with this one but the files.

    Raises BundleError with the line that the process ended with.
    """
    command = [sys.executable, "-m", __name__, str(bundle_dir), str(recorded_path)]
    search_path = os.pathsep.join(filter(None, [str(PACKAGES), os.environ.get("PYTHONPATH")]))
    done = subprocess.run(
        command,
        env={**os.environ, "PYTHONPATH": search_path},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        lines = done.stderr.strip().splitlines() or [f"it ended with {done.returncode}"]
        raise BundleError(f"the bundle fails in a fresh process, nothing is published: {lines[-1]}")
    return done.stdout.strip()


def main() -> None:
    """Check what the command line names."""
    try:
        print(check(Path(sys.argv[1]), Path(sys.argv[2])))
    except SlmrecError as error:
        print(error, file=sys.stderr)
        sys.exit(error.exit_code)


if __name__ == "__main__":
    main()
