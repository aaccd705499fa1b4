"""What a command imports is looked for before it starts."""

from __future__ import annotations

import pytest

from slmrec.core.errors import UnavailableError
from slmrec.core.installed import require


def test_what_is_installed_is_enough() -> None:
    require("json", "numpy", extra="pipeline")


def test_what_is_missing_is_named_with_the_extra_that_brings_it() -> None:
    expected = (
        "nothing_here, nor_here not installed; this command needs the extra tune: pip install"
    )
    with pytest.raises(UnavailableError, match=expected):
        require("json", "nothing_here", "nor_here", extra="tune")
