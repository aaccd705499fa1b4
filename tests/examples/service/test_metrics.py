"""What Prometheus reads follows what was answered."""

from __future__ import annotations

from tests.support.examples import ASKED, Served


def test_metrics_say_what_was_answered(served: Served) -> None:
    good = 'slmrec_answers_total{path="/recommend",status="200"}'
    before = served.metric(good), served.metric("slmrec_unknown_ids_total")
    served.call("/recommend", ASKED)
    assert served.metric(good) == before[0] + 1
    assert served.metric("slmrec_unknown_ids_total") == before[1] + 1
    served.call("/a-label-of-the-caller's")
    assert served.metric('slmrec_answers_total{path="other",status="404"}') > 0
    assert served.metric('slmrec_seconds_count{path="/recommend"}') > 0
