"""Whether a difference in quality is more than chance among users."""

from __future__ import annotations

import numpy as np

EVIDENCE = 2.0  # standard errors of the mean difference


def is_evident(gains_of_users: np.ndarray) -> bool:
    """Whether the mean of gains (U,), one a user, is EVIDENCE standard errors above zero."""
    error = gains_of_users.std() / np.sqrt(len(gains_of_users))
    return bool(gains_of_users.mean() > EVIDENCE * error)
