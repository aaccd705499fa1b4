"""What is trained, and what is cut first."""

from __future__ import annotations

from dataclasses import replace

from slmrec.init.cost.budget import cuts_of, fit, full_plan
from slmrec.init.facts import Plan
from tests.init.support import BEAUTY, EVERYTHING, NOTHING

FULL = Plan(pretrained=True, members=2, teacher_layers=8, epochs=1.0)


def minutes(plan: Plan) -> float:
    """Made up: an LLM costs 20, a member 5, a layer 1, epochs share the rest."""
    return 20 * plan.pretrained + plan.epochs * (10 + 5 * plan.members + plan.teacher_layers)


def test_titles_bring_smollm2_and_ids_more_seeds() -> None:
    assert full_plan(BEAUTY, True, EVERYTHING) == FULL
    ids = full_plan(BEAUTY, False, EVERYTHING)
    assert (ids.pretrained, ids.members) == (False, 4)
    assert not full_plan(BEAUTY, True, NOTHING).pretrained


def test_large_logs_train_fewer_models_and_no_llm() -> None:
    large = full_plan(replace(BEAUTY, events=3_000_000), True, EVERYTHING)
    huge = full_plan(replace(BEAUTY, events=30_000_000), True, EVERYTHING)

    assert (large.pretrained, large.members, huge.members) == (False, 1, 0)


def test_a_plan_within_the_budget_is_left_alone() -> None:
    assert fit(FULL, minutes, budget=48.0) == (FULL, [])  # 20 + 10 + 10 + 8


def test_the_llm_goes_first_and_then_members_layers_and_epochs() -> None:
    plan, reasons = fit(FULL, minutes, budget=25.0)

    # 28 without the LLM, 23 with one member
    assert plan == replace(FULL, pretrained=False, members=1)
    assert len(reasons) == 2
    assert "SmolLM2" in reasons[0]


def test_where_nothing_fits_the_shortest_plan_is_taken() -> None:
    plan, _ = fit(FULL, minutes, budget=0.1)

    assert plan == list(cuts_of(FULL))[-1].plan
    assert (plan.members, plan.epochs) == (0, 0.15)
    assert minutes(plan) == min(minutes(cut.plan) for cut in cuts_of(FULL))


def test_what_wins_nothing_is_not_cut() -> None:
    def small(plan: Plan) -> float:
        return 3 + 0.02 * minutes(plan)  # small logs: it is the starts that take long

    plan, reasons = fit(replace(FULL, pretrained=False), small, budget=3.0)
    # 3.56 in full, 3.042 at the shortest: 3.322 is within a tenth of that
    assert plan == replace(FULL, pretrained=False, members=1, teacher_layers=4, epochs=0.7)
    assert len(reasons) == 3


def test_a_budget_that_the_shortest_plan_meets_is_kept_to() -> None:
    shortest = minutes(list(cuts_of(FULL))[-1].plan)
    plan, _ = fit(FULL, minutes, budget=1.02 * shortest)
    assert minutes(plan) <= 1.02 * shortest
