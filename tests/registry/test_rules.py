"""Each rule holds or breaks where its bound says so."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from slmrec.registry import rules
from slmrec.registry.verdict import Rule
from slmrec.registry.window import Standing, Window
from tests.support.bundles import served_items
from tests.support.histories import histories_of
from tests.support.registries import evaluate_params, gate_params

USERS = 8
HISTORIES = histories_of([[2, 3, 4, 5]] * USERS, 6)
P = gate_params(margin=0.1, min_slice_users=4, min_lead=0.0)


@pytest.fixture
def window() -> Window:
    window = Window(HISTORIES, HISTORIES.targets["test"], served_items(), evaluate_params(), P)
    half = np.arange(USERS) < USERS // 2
    window.slices = {"short_history": half, "tail_items": ~half, "new_items": half & False}
    return window


def standing(*ranks: int, coverage: float = 0.5) -> Standing:
    """Ranks of the eight users, the last one repeated."""
    filled = [*ranks, *ranks[-1:] * (USERS - len(ranks))]
    return Standing(np.array(filled), coverage)


def by_name(found: Any) -> dict[str, Rule]:
    return {rule.name: rule for rule in found}


def test_as_good_as_the_champion_is_good_enough_and_worse_is_not(window: Window) -> None:
    champion = standing(1)
    same = by_name(rules.champion_rules(standing(1), champion, window, P))
    assert set(same) == {"ndcg@10 of champion", "hr@10 of champion"}
    assert all(rule.passed for rule in same.values())
    assert same["hr@10 of champion"].at_least == -0.1  # a tenth of the champion's 1.0
    second = by_name(rules.champion_rules(standing(2), champion, window, P))
    assert second["hr@10 of champion"].passed  # still in the list of ten
    assert second["ndcg@10 of champion"].seen == pytest.approx(1 / np.log2(3) - 1)
    assert not second["ndcg@10 of champion"].passed


def test_what_may_be_chance_within_the_margin_passes_and_beyond_it_does_not(
    window: Window,
) -> None:
    one_lost = standing(11, 1)  # mean 7/8: an eighth below, and the bound is lower still
    (_ndcg, hit_rate) = rules.champion_rules(one_lost, standing(1), window, P)
    assert hit_rate.seen < -1 / 8
    assert not hit_rate.passed
    lenient = gate_params(margin=0.6)
    assert all(r.passed for r in rules.champion_rules(one_lost, standing(1), window, lenient))


def test_a_baseline_has_to_be_beaten_not_equalled(window: Window) -> None:
    counted = {"popularity": standing(5), "recent_popularity": standing(1)}
    found = by_name(rules.baseline_rules(standing(1), counted, window, P))
    assert found["beats popularity"].passed
    assert found["beats recent_popularity"].seen == 0.0
    assert not found["beats recent_popularity"].passed


def test_other_models_are_beaten_where_the_bundle_says_how_good_they_were(window: Window) -> None:
    metrics = {"models": {"sasrec": {"full": {"ndcg@10": 0.9}}, "teacher": {}}}
    (rule,) = rules.recorded_rules(standing(1), metrics, window, P)
    assert (rule.name, rule.seen, rule.passed) == ("beats sasrec", pytest.approx(0.1), True)
    (rule,) = rules.recorded_rules(standing(2), metrics, window, P)
    assert not rule.passed
    neighbours = {"models": {"item_neighbours": {"full": {"ndcg@10": 1.0}}}}
    (rule,) = rules.recorded_rules(standing(1), neighbours, window, P)
    assert (rule.name, rule.passed) == ("beats item_neighbours", False)


def test_a_slice_may_not_pay_for_a_better_mean(window: Window) -> None:
    champion = standing(2)
    challenger = standing(11, 11, 11, 11, 1)  # the first half lost, the other half won
    found = by_name(rules.slice_rules(challenger, champion, window, P))
    assert not found["slice short_history"].passed
    assert found["slice short_history"].at_least == pytest.approx(-0.1 / np.log2(3))
    assert found["slice tail_items"].passed


def test_a_slice_of_few_users_is_shown_and_not_judged(window: Window) -> None:
    found = by_name(rules.slice_rules(standing(11), standing(1), window, P))
    assert found["slice new_items"].not_judged == "0 users, gate.min_slice_users is 4"
    assert found["slice new_items"].passed
    few = gate_params(min_slice_users=5)
    assert all(
        rule.not_judged for rule in rules.slice_rules(standing(11), standing(1), window, few)
    )


@pytest.mark.parametrize(
    ("coverage", "champion", "passed"),
    [
        (0.009, None, False),
        (0.011, None, True),
        (0.24, 0.5, False),  # less than half of the champion's
        (0.26, 0.5, True),
        (0.41, 0.2, False),  # more than twice the champion's
        (0.39, 0.2, True),
    ],
)
def test_coverage_stays_in_its_band(coverage: float, champion: float | None, passed: bool) -> None:
    other = None if champion is None else standing(1, coverage=champion)
    (rule,) = rules.coverage_rules(standing(1, coverage=coverage), other, P)
    assert rule.passed is passed


def test_the_graph_has_to_do_here_what_it_did_at_export_and_in_torch(window: Window) -> None:
    right = {"full": {"ndcg@10": 1.0, "hr@10": 1.0}}
    off = {"full": {"ndcg@10": 1.0, "hr@10": 0.99}}
    metrics = {"models": {"student_onnx": right, "student": off}}
    found = by_name(rules.parity_rules(standing(1), metrics, "student", window, P))
    assert found["parity at export"].passed
    assert found["parity in torch"].seen == pytest.approx(0.01)
    assert not found["parity in torch"].passed


def test_serving_may_take_half_as_long_again() -> None:
    p = gate_params(max_latency_ratio=1.5)
    assert rules.latency_rule(1.5, p).passed
    assert not rules.latency_rule(1.51, p).passed
