"""The gate lets the better one through, keeps the champion from the worse one, and says why."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from slmrec.core.errors import UsageError
from slmrec.registry.gate import GateSettings, Side, judge, latency_ratio
from slmrec.registry.made_until import MadeUntil
from slmrec.registry.store import Registry
from slmrec.registry.verdict import Verdict
from slmrec.runtime import Recommender
from slmrec.runtime.bundle import read_bundle
from slmrec.runtime.comparison import TopK
from tests.support.registries import small_window, suited_histories


def side(bundle_dir: Path, name: str) -> Side:
    return Side(name, read_bundle(bundle_dir), Recommender(bundle_dir, "cpu", 1), None)


def judged(challenger: Path, champion: Path | None) -> Verdict:
    settings = GateSettings.read(challenger.parents[1], "champion", None)
    other = side(champion, "1.0.0") if champion else None
    return judge(side(challenger, "new"), other, suited_histories(), settings, None, lambda _: None)


def names(verdict: Verdict) -> set[str]:
    return {rule.name.split(" ")[0] for rule in verdict.rules}


def test_the_first_one_is_held_against_the_baselines_alone(worse_bundle: Path) -> None:
    verdict = judged(worse_bundle, None)
    assert verdict.passed, verdict.headline
    assert verdict.champion is None
    assert names(verdict) == {"beats", "coverage@10", "parity"}
    assert set(verdict.figures) == {
        "challenger", "popularity", "recent_popularity", "last_item_transition"
    }  # fmt: skip


def test_the_better_one_passes_every_rule(good_bundle: Path, worse_bundle: Path) -> None:
    verdict = judged(good_bundle, worse_bundle)
    assert verdict.passed, verdict.headline
    assert names(verdict) == {
        "ndcg@10", "hr@10", "slice", "beats", "coverage@10", "parity", "latency"
    }  # fmt: skip
    assert verdict.figures["challenger"]["ndcg@10"] == 1.0
    assert verdict.figures["champion"]["ndcg@10"] < 0.5


def test_the_worse_one_breaks_the_rules_that_name_the_champion(
    good_bundle: Path, worse_bundle: Path
) -> None:
    verdict = judged(worse_bundle, good_bundle)
    assert not verdict.passed
    assert {"ndcg@10 of champion", "hr@10 of champion", "slice tail_items"} <= {*verdict.failed}
    assert not any(name.startswith("beats") for name in verdict.failed)


def test_the_same_one_again_is_not_worse(good_bundle: Path) -> None:
    assert judged(good_bundle, good_bundle).passed


def test_targets_that_the_champion_was_made_with_are_not_compared(
    good_bundle: Path, worse_bundle: Path
) -> None:
    histories = suited_histories()
    times = np.arange(len(histories.times), dtype=np.int64)
    histories = replace(histories, times=times)
    moments = np.sort(histories.target_times(histories.targets["test"]))
    made_until = MadeUntil("1.0.0", "temporal", int(moments[40]))
    settings = GateSettings.read(good_bundle.parents[1], "champion", None)
    told: list[str] = []
    champion = replace(side(worse_bundle, "1.0.0"), made_until=made_until)
    verdict = judge(side(good_bundle, "new"), champion, histories, settings, None, told.append)
    assert (verdict.window["targets"], verdict.window["compared"]) == (60, 20)
    assert any(line.startswith("40 of 60 targets are older than 1970-01-01") for line in told)
    slices = [rule.what for rule in verdict.rules if rule.name.startswith("slice ")]
    assert len(slices) == 3
    assert all(int(what.split()[-5]) <= 20 for what in slices)  # "... over N users of the slice"


def test_a_verdict_is_the_same_twice_but_for_the_time_taken(
    good_bundle: Path, worse_bundle: Path
) -> None:
    first, second = (judged(good_bundle, worse_bundle) for _ in range(2))
    timed = [rule for rule in first.rules if rule.name != "latency"]
    assert timed == [rule for rule in second.rules if rule.name != "latency"]
    assert first.figures == second.figures


def test_the_window_says_how_large_it_is_and_from_when_to_when(good_bundle: Path) -> None:
    window = judged(good_bundle, None).window
    assert (window["targets"], window["users"], window["split"]) == (60, 60, "leave_one_out")
    assert window["from"] == window["to"] == "1970-01-01T00:00:00Z"  # counted in microseconds


class Slow(Recommender):
    """Runs its graph twenty times for each answer."""

    def recommend_indices(self, history: np.ndarray, exclude: np.ndarray, k: int) -> TopK:
        for _ in range(19):
            super().recommend_indices(history, exclude, k)
        return super().recommend_indices(history, exclude, k)


def test_a_slow_challenger_is_seen_side_by_side(good_bundle: Path) -> None:
    settings = GateSettings.read(good_bundle.parents[1], "champion", None)
    slow, quick = Slow(good_bundle, "cpu", 1), Recommender(good_bundle, "cpu", 1)
    assert latency_ratio(slow, quick, small_window(), settings) > 1.5
    assert latency_ratio(quick, slow, small_window(), settings) < 1


def test_a_wrong_setting_is_named(tmp_path: Path, registry: Registry) -> None:
    from tests.support.registries import write_params

    write_params(tmp_path, keep_versions=1)
    with pytest.raises(UsageError, match=r"gate\.keep_versions: .* saw 1"):
        GateSettings.read(tmp_path, "champion", None)


def test_metrics_are_those_of_the_bundle(good_bundle: Path) -> None:
    metrics: dict[str, Any] = side(good_bundle, "new").metrics
    assert metrics["models"]["sasrec"]["full"]["ndcg@10"] == 0.2


def test_a_graph_with_neighbours_is_compared_with_the_student_that_has_them(
    good_bundle: Path,
) -> None:
    one = side(good_bundle, "new")
    assert one.name_in_report("student") == "student"
    joined = replace(one.bundle, contract=one.bundle.contract | {"neighbours": {"decay": 0.5}})
    assert replace(one, bundle=joined).name_in_report("student") == "student_with_neighbours"
