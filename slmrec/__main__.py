"""`slmrec` and `python -m slmrec`: the command line, or what to install for it."""

from __future__ import annotations

import sys
from importlib.util import find_spec

from slmrec.core.errors import UnavailableError


def main() -> None:
    """Run the command line; where its packages are missing, say so in one line."""
    if missing := [name for name in ("typer", "rich") if find_spec(name) is None]:
        print(
            f"slmrec: {' and '.join(missing)} not installed; the command line is an extra: "
            "pip install 'slmrec[cli]' (in a checkout: pip install '.[cli]')",
            file=sys.stderr,
        )
        sys.exit(UnavailableError.exit_code)
    from slmrec.cli import main as run_command

    run_command()


if __name__ == "__main__":
    main()
