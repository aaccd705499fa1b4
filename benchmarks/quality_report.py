"""Evaluations of several seeds as one result, and as Markdown."""

from __future__ import annotations

from collections import defaultdict
from statistics import fmean
from typing import Any

from slmrec.ranking.metrics import SAMPLED
from slmrec.results import as_markdown

Evaluation = dict[str, Any]  # as metrics/evaluation.json
Result = dict[str, Any]


def renamed(evaluation: Evaluation, name: str) -> Evaluation:
    """An evaluation in which the stage's `student` bears the name of its shape."""
    return evaluation | {
        part: {key.replace("student", name): value for key, value in evaluation[part].items()}
        for part in ("models", "paired")
    }


def averaged(values: list[Any]) -> Any:
    """Mean of numbers that stand in the same place of nested results.

    Of intervals, the mean of the lower and of the upper ends. Integers (counts) are the same in all
    and stay as they are. A key that only some results have is averaged over those.
    """
    first = values[0]
    if isinstance(first, dict):
        return {key: averaged([value[key] for value in values if key in value]) for key in first}
    if isinstance(first, list):
        return [averaged(list(group)) for group in zip(*values, strict=True)]
    return first if isinstance(first, int) else fmean(values)


def summarize(evaluations: dict[int, list[Evaluation]]) -> dict[str, Any]:
    """Means over seeds in the schema of metrics/evaluation.json, with each seed's figures.

    `evaluations` holds those of each seed; a model that several measure counts once a seed.
    """
    models: dict[str, dict[int, Evaluation]] = defaultdict(dict)
    pairs: dict[str, dict[int, list[float]]] = defaultdict(dict)
    for seed, of_seed in evaluations.items():
        for evaluation in of_seed:
            for name, measures in evaluation["models"].items():
                models[name][seed] = measures
            for name, interval in evaluation["paired"].items():
                pairs[name][seed] = interval
    return {
        "protocol": next(iter(evaluations.values()))[0]["protocol"],
        "models": {name: averaged(list(seeds.values())) for name, seeds in models.items()},
        "paired": {name: averaged(list(seeds.values())) for name, seeds in pairs.items()},
        "ndcg@10_by_seed": {
            name: {str(seed): measures["full"]["ndcg@10"] for seed, measures in seeds.items()}
            for name, seeds in models.items()
        },
        "paired_by_seed": {
            name: {str(seed): interval for seed, interval in seeds.items()}
            for name, seeds in pairs.items()
        },
    }


def report(result: dict[str, Any]) -> str:
    """Full ranking, the paper's protocol and paired differences as Markdown, worst model first."""
    models = sorted(result["models"].items(), key=lambda entry: entry[1]["full"]["ndcg@10"])
    seeds = {name: list(result["ndcg@10_by_seed"][name].values()) for name, _ in models}
    pairs = sorted(result["paired"].items())
    tables = {
        "Full ranking, mean over seeds": [
            full_row(name, model, seeds[name]) for name, model in models
        ],
        "The paper's protocol: 1 positive, 999 negatives, %": [
            sampled_row(name, model) for name, model in models
        ],
        "Paired over users, mean over seeds": [pair_row(*pair) for pair in pairs],
        **combined_tables(result.get("combined", {"models": {}, "paired": {}})),
    }
    filled = {head: rows for head, rows in tables.items() if rows}
    return "\n\n".join(f"{head}\n\n{as_markdown(rows)}" for head, rows in filled.items()) + "\n"


def combined_tables(combined: Result) -> dict[str, list[dict[str, str]]]:
    """Models and differences with intervals over test users and seeds together, and how many."""
    models = sorted(combined["models"].items(), key=lambda entry: entry[1]["mean"])
    pairs = sorted(combined["paired"].items())
    return {
        "NDCG@10, 95% over test users and seeds; one teacher and ensemble for all": [
            {"model": name} | combined_row(model, ".4f") for name, model in models
        ],
        "Differences of NDCG@10, paired over test users and seeds": [
            {"difference": name} | combined_row(pair, "+.4f") for name, pair in pairs
        ],
    }


def combined_row(report: Result, form: str) -> dict[str, str]:
    """What slmrec.evaluation.seeds.report_of_seeds says, as text."""
    low, high = report["ci95"]
    interval = f"{low:{form}} to {high:{form}}"
    return {"mean": f"{report['mean']:{form}}", "95%": interval, "seeds": str(report["seeds"])}


def pair_row(name: str, interval: list[float]) -> dict[str, str]:
    """The 95% interval of a difference between two models."""
    low, high = interval
    return {"difference of NDCG@10": name, "95%": f"{low:+.4f} to {high:+.4f}"}


def full_row(name: str, model: Evaluation, ndcg_by_seed: list[float]) -> dict[str, str]:
    """A model's line of the full ranking, with the range over seeds where they differ."""
    differ = len(set(ndcg_by_seed)) > 1
    return {
        "model": name,
        "NDCG@10": f"{model['full']['ndcg@10']:.4f}",
        "over seeds": f"{min(ndcg_by_seed):.4f} to {max(ndcg_by_seed):.4f}" if differ else "",
        "HR@10": f"{model['full']['hr@10']:.4f}",
        "parameters": f"{model['parameters']:,}",
    }


def sampled_row(name: str, model: Evaluation) -> dict[str, str]:
    """A model's line of the sampled ranking, in the form of the paper's table (percent)."""
    percent = {metric.upper(): f"{100 * model['sampled'][metric]:.2f}" for metric in SAMPLED}
    return {"model": name} | percent
