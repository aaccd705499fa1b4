"""Which targets a version had no part of."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from slmrec.core.errors import UsageError
from slmrec.dataset.histories import Histories
from slmrec.registry.made_until import MadeUntil
from tests.support.registries import suited_histories


@pytest.fixture
def by_time() -> Histories:
    """Histories whose targets happened at different times."""
    histories = suited_histories()
    times = np.arange(len(histories.times), dtype=np.int64) * 1_000_000
    protocol = replace(histories.protocol, method="temporal")
    return replace(histories, times=times, protocol=protocol)


def test_of_a_version_split_by_time_it_is_what_came_since(by_time: Histories) -> None:
    moments = by_time.target_times(by_time.targets["test"])
    middle = int(np.sort(moments)[len(moments) // 3])
    champion = MadeUntil("1.0.0", "temporal", middle)
    unseen = champion.unseen(by_time)
    assert (moments[unseen] >= middle).all()
    assert len(unseen) == (moments >= middle).sum() < len(moments)
    line = champion.line(len(unseen), len(moments))
    assert (
        line is not None and f"{len(moments) - len(unseen):,} of {len(moments):,} targets" in line
    )


def test_an_earlier_version_has_seen_nothing(by_time: Histories) -> None:
    champion = MadeUntil("1.0.0", "temporal", int(by_time.times.min()))
    targets = len(by_time.targets["test"].row)
    assert champion.unseen(by_time).tolist() == list(range(targets))
    assert champion.line(targets, targets) is None


def test_where_nothing_came_since_it_is_one_line(by_time: Histories) -> None:
    champion = MadeUntil("1.0.0", "temporal", int(by_time.times.max()) + 1)
    with pytest.raises(
        UsageError, match=r"champion 1\.0\.0 was made with events up to 1970.*newer"
    ):
        champion.unseen(by_time)


def test_leave_one_out_has_not_seen_the_last_events_and_a_change_of_split_is_named(
    by_time: Histories,
) -> None:
    record = {"version": "1.0.0", "window": {"method": "leave_one_out"}}
    champion = MadeUntil.of(record)
    histories = suited_histories()
    assert len(champion.unseen(histories)) == len(histories.targets["test"].row)
    with pytest.raises(UsageError, match="was split leave_one_out and these histories are not"):
        champion.unseen(by_time)
