"""Whether what a command imports is installed; said before it starts, with what to install."""

from __future__ import annotations

from importlib.util import find_spec

from slmrec.core.errors import UnavailableError


def require(*modules: str, extra: str) -> None:
    """Raise UnavailableError where one of `modules`, which the extra brings, is missing."""
    missing = [module for module in modules if find_spec(module) is None]
    if missing:
        raise UnavailableError(
            f"{', '.join(missing)} not installed; this command needs the extra {extra}: "
            f"pip install '.[{extra}]' in the project's folder"
        )
