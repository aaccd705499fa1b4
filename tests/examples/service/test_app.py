"""The service as it runs: a process of its own, asked over loopback."""

from __future__ import annotations

import json
import threading
from pathlib import Path

import pytest

from slmrec.runtime import Recommender
from tests.support.bundles import make_bundle
from tests.support.examples import ASKED, Served, publish


def test_it_recommends_what_the_library_does(served: Served, tmp_path: Path) -> None:
    status, answer = served.call("/recommend", ASKED)
    recommender = Recommender(make_bundle(tmp_path / "bundle"), "cpu", 1)
    (expected,) = recommender.recommend([["i5", "i9", "nowhere"]], 4, unknown="ignore")
    assert status == 200
    assert [tuple(item.values()) for item in answer["items"]] == [tuple(item) for item in expected]
    assert (answer["version"], answer["unknown"]) == ("1.0.0", 1)


class Caller(threading.Thread):
    """Asks again and again until it is told to stop; what goes wrong is kept."""

    def __init__(self, served: Served) -> None:
        super().__init__()
        self.served, self.over = served, threading.Event()
        self.versions: list[str] = []
        self.lists: set[str] = set()
        self.wrong: list[object] = []

    def run(self) -> None:
        while not self.over.is_set():
            try:
                status, answer = self.served.call("/recommend", ASKED)
                assert status == 200, answer
                self.versions.append(answer["version"])
                self.lists.add(json.dumps([item["item"] for item in answer["items"]]))
            except Exception as error:  # noqa: BLE001 (whatever it is, a call was lost)
                self.wrong.append(error)


@pytest.mark.acceptance
def test_no_call_is_lost_while_a_version_is_replaced_and_requests_share_calls(
    served: Served,
) -> None:
    callers = [Caller(served) for _ in range(8)]
    for caller in callers:
        caller.start()
    publish(served.path, "1.1.0")
    served.wait_for("/health/ready", 200)
    while not all("1.1.0" in caller.versions for caller in callers):
        assert any(caller.is_alive() for caller in callers)
    for caller in callers:
        caller.over.set()
    for caller in callers:
        caller.join()
    assert [caller.wrong for caller in callers] == [[]] * 8
    assert len(set.union(*(caller.lists for caller in callers))) == 1
    for caller in callers:
        assert caller.versions == sorted(caller.versions), "never back to the old one"
    assert served.metric('slmrec_version{version="1.1.0"}') == 1
    assert served.metric('slmrec_version{version="1.0.0"}') == 0
    calls, requests = served.metric("slmrec_batch_count"), served.metric("slmrec_batch_sum")
    assert requests > calls, "some came together"
