"""How OpenMP's threads wait for work: it must be said before anything imports torch."""

from __future__ import annotations

import os


def wait_passively() -> None:
    """Make OpenMP's idle threads sleep instead of spin, unless the environment says otherwise.

    libgomp reads the variable when torch loads it, and never again. Spinning, its default, slows
    training fifty-fold as soon as another process wants the same cores.
    """
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
