"""The gate's rules, each with what was seen, its bound and its reason."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from slmrec.params.gate import GateParams
from slmrec.registry.verdict import Rule
from slmrec.registry.window import Standing, Window

GRAPH = "student_onnx"  # as a bundle's metrics name what was measured through its graph
RECORDED = ("sasrec", "item_neighbours")  # that a bundle's metrics hold, where they were made
JUDGED = ("ndcg@10", "hr@10")


def champion_rules(
    challenger: Standing, champion: Standing, window: Window, p: GateParams
) -> Iterator[Rule]:
    """Not worse than the champion as a whole."""
    for metric in JUDGED:
        low, _high = window.difference(challenger, champion, metric)
        yield Rule(
            name=f"{metric} of champion",
            seen=low,
            what=f"lower 95% bound of challenger - champion in {metric}, paired over users",
            reason="two trainings differ by chance; a new version may not be worse beyond that",
            at_least=0.0 - p.margin * window.mean(champion, metric),
        )


def baseline_rules(
    challenger: Standing, baselines: Mapping[str, Standing], window: Window, p: GateParams
) -> Iterator[Rule]:
    """Better than counting."""
    for name, baseline in baselines.items():
        low, _high = window.difference(challenger, baseline, "ndcg@10")
        yield Rule(
            name=f"beats {name}",
            seen=low,
            what=f"lower 95% bound of challenger - {name} in ndcg@10, paired over users",
            reason="a model that does not beat counting is not worth its cost, or is broken",
            above=p.min_lead,
        )


def recorded_rules(
    challenger: Standing, metrics: Mapping[str, Any], window: Window, p: GateParams
) -> Iterator[Rule]:
    """Better than the other models that were trained and measured on the same window."""
    for name in RECORDED:
        if name in metrics["models"]:
            recorded = metrics["models"][name]["full"]["ndcg@10"]
            yield Rule(
                name=f"beats {name}",
                seen=window.mean(challenger, "ndcg@10") - recorded,
                what=f"ndcg@10 of the challenger - that of {name} in the bundle's metrics.json",
                reason="what is simpler to train and serve has to be beaten",
                above=p.min_lead,
            )


def slice_rules(
    challenger: Standing, champion: Standing, window: Window, p: GateParams
) -> Iterator[Rule]:
    """Not at the expense of those who are easily overlooked."""
    for name, margin in p.slices.model_dump().items():
        users, before = window.slice_means(champion, name)
        _users, after = window.slice_means(challenger, name)
        few = f"{users} users, gate.min_slice_users is {p.min_slice_users}"
        yield Rule(
            name=f"slice {name}",
            seen=after - before,
            what=f"challenger - champion in ndcg@10 over {users} users of the slice",
            reason="a better mean may hide that some users or items fare worse",
            at_least=0.0 - margin * before,
            not_judged=few if users < p.min_slice_users else None,
        )


def coverage_rules(
    challenger: Standing, champion: Standing | None, p: GateParams
) -> Iterator[Rule]:
    """As varied as before: neither the same few items for all, nor anything for anybody."""
    band = p.coverage
    lowest, most = band.lowest, None
    if champion is not None:
        lowest = max(lowest, band.least_of_champion * champion.coverage)
        most = band.most_of_champion * champion.coverage
    yield Rule(
        name="coverage@10",
        seen=challenger.coverage,
        what="share of the challenger's items that stand in a top ten",
        reason="lists that narrow or scatter at one stroke come from a fault more often than not",
        at_least=lowest,
        at_most=most,
    )


def parity_rules(
    challenger: Standing, metrics: Mapping[str, Any], served: str, window: Window, p: GateParams
) -> Iterator[Rule]:
    """The graph does here what it did when it was exported, and what torch did."""
    for name, where in ((GRAPH, "at export"), (served, "in torch")):
        if name in metrics["models"]:
            recorded = metrics["models"][name]["full"]
            differences = [
                abs(window.mean(challenger, metric) - recorded[metric]) for metric in JUDGED
            ]
            yield Rule(
                name=f"parity {where}",
                seen=max(differences),
                what=f"largest difference of {' and '.join(JUDGED)} from those recorded {where}",
                reason="a graph that measures otherwise here was made of other data, or is broken",
                at_most=p.max_metric_difference,
            )


def latency_rule(ratio: float, p: GateParams) -> Rule:
    """Not slower than services can bear."""
    return Rule(
        name="latency",
        seen=ratio,
        what="the challenger's time by the champion's, batches in turn, of each the fastest",
        reason="services are sized to the champion",
        at_most=p.max_latency_ratio,
    )
