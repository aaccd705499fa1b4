"""The plan of a run, and what is left out of it, in which order, where a budget asks for less."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from slmrec.init.facts import Extras, Facts, Plan
from slmrec.init.log_statistics import LogStatistics

LAYERS = 8
LARGE, HUGE = 2_000_000, 10_000_000  # events, from which on fewer further models are trained
NO_LONGER = 1.1  # times the shortest plan's minutes, where the budget is less than those
LLM_EVENTS = 300_000  # up to which SmolLM2 trains within half an hour on two cores


@dataclass(frozen=True)
class Cut:
    """A way to a shorter run, and why it comes at this place in the order."""

    plan: Plan
    reason: str


def full_plan(logs: LogStatistics, has_titles: bool, extras: Extras) -> Plan:
    """What is trained where no budget is given: by events, so that the same logs get the same."""
    plan = Plan(pretrained=False, members=0, teacher_layers=LAYERS, epochs=1.0)
    facts = Facts(logs, True, has_titles, extras, plan)
    members = 2 if logs.events < LARGE else 1 if logs.events < HUGE else 0
    if not facts.uses_text and logs.events < LLM_EVENTS:
        members = 4  # without titles other seeds are all that a student can learn from
    pretrained = facts.uses_text and extras.llm and logs.events <= LLM_EVENTS
    return replace(plan, pretrained=pretrained, members=members)


def cuts_of(plan: Plan) -> Iterator[Cut]:
    """Ever shorter plans: what costs most minutes for the least gain goes first."""
    if plan.pretrained:
        plan = replace(plan, pretrained=False)
        yield Cut(
            plan,
            "a teacher from scratch instead of SmolLM2, which costs most and adds least "
            "(validation .0716 to .0726 on amazon-beauty-2014)",
        )
    for members in (2, 1):
        if plan.members > members:
            plan = replace(plan, members=members)
            yield Cut(plan, f"{members} further models instead of more: the first add most")
    plan = replace(plan, teacher_layers=LAYERS // 2)
    yield Cut(plan, f"{LAYERS // 2} teacher layers (MovieLens-100k: .0861 beside .0889 of 8)")
    for share in (0.7, 0.5):
        plan = replace(plan, epochs=share)
        yield Cut(plan, f"{share:.0%} of the epochs: the cosine ends earlier, not in its middle")
    if plan.members:
        plan = replace(plan, members=0)
        yield Cut(plan, "no further models: students imitate the teacher alone")
    for share in (0.35, 0.25, 0.15):
        plan = replace(plan, epochs=share)
        yield Cut(plan, f"{share:.0%} of the epochs")


def fit(plan: Plan, minutes: Callable[[Plan], float], budget: float) -> tuple[Plan, list[str]]:
    """The first plan within `budget` minutes, and what was cut on the way.

    Where none is, the first that takes hardly longer than the shortest: small logs spend their time
    on starting stages, and to train less would win nothing.
    """
    cuts = list(cuts_of(plan))
    shortest = minutes(cuts[-1].plan)
    within = budget if shortest <= budget else NO_LONGER * shortest
    reasons: list[str] = []
    for cut in cuts:
        if minutes(plan) <= within:
            break
        plan = cut.plan
        reasons.append(cut.reason)
    return plan, reasons
