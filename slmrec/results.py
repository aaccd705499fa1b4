"""The last run's result, read from metrics/*.json, as tables in Markdown; and of which logs."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from tabulate import tabulate

from slmrec.core.errors import DataError, UsageError
from slmrec.core.files import new_file, read_json
from slmrec.params.section import read_yaml

BUNDLE = Path("artifacts/bundle")
MARKS = ("<!-- results: written by `slmrec show --readme README.md` -->", "<!-- end of results -->")
QUALITY = ("ndcg@10", "hr@10", "mrr", "coverage@10")
COST = {"epoch_seconds": ".2f", "users_per_second": ",.0f"}  # with their formats


def read_results(metrics_dir: Path) -> list[dict[str, str]]:
    """One row a model, the lowest NDCG@10 first: quality and cost as text, "" where unmeasured."""
    quality = {
        **read_json(metrics_dir / "evaluation.json")["models"],
        **_read_optional(metrics_dir / "bundle.json").get("models", {}),
    }
    cost = _read_optional(metrics_dir / "cost.json")
    names = sorted(quality, key=lambda name: quality[name]["full"]["ndcg@10"])
    return [_row(name, quality[name], cost.get(name, {})) for name in names]


def _read_optional(path: Path) -> dict[str, Any]:
    # A stage that has not run yet leaves a gap in the table, not an error.
    return read_json(path) if path.exists() else {}


def _row(name: str, quality: dict[str, Any], cost: dict[str, Any]) -> dict[str, str]:
    low, high = quality["ci95"]["ndcg@10"]
    costs = {key: f"{cost[key]:{spec}}" if key in cost else "" for key, spec in COST.items()}
    return {
        "model": name,
        **{metric: f"{quality['full'][metric]:.4f}" for metric in QUALITY},
        "ndcg@10 95%": f"{low:.4f} to {high:.4f}",
        "parameters": f"{quality['parameters']:,}",
        **{key.replace("_", " "): text for key, text in costs.items()},
    }


def read_differences(metrics_dir: Path) -> list[dict[str, str]]:
    """One row a pair of models: the 95% interval of their NDCG@10 difference."""
    paired = read_json(metrics_dir / "evaluation.json")["paired"]
    return [
        {"difference of ndcg@10": pair, "95% from": f"{low:+.4f}", "to": f"{high:+.4f}"}
        for pair, (low, high) in sorted(paired.items())
    ]


def result_text(project: Path) -> str:
    """Quality, cost, differences and the place of the bundle, as Markdown."""
    metrics_dir = project / "metrics"
    parts = [
        _protocol_line(metrics_dir),
        as_markdown(read_results(metrics_dir)),
        as_markdown(read_differences(metrics_dir)),
        _distillation_line(metrics_dir),
        _bundle_line(project),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _protocol_line(metrics_dir: Path) -> str:
    protocol = read_json(metrics_dir / "evaluation.json")["protocol"]
    return (
        f"{protocol['test_targets']:,} targets, {protocol['items']:,} items, "
        f"{protocol['split']} split; every item ranked; means over users; "
        "parameters without the item table."
    )


def _distillation_line(metrics_dir: Path) -> str:
    """What to do where the student is not above itself without distillation; else nothing."""
    evaluation = read_json(metrics_dir / "evaluation.json")
    low, high = evaluation["paired"].get("student-student_without_distillation", (0.0, 0.0))
    choice = evaluation.get("student")  # metrics of an earlier version have none
    if choice and choice["falls_back"]:
        why = (
            f"Distillation did not pay on validation (NDCG@10 {choice['distilled']:.4f} with it, "
            f"{choice['without_distillation']:.4f} without), so the student is the one without."
        )
    elif low > 0 or low == high:
        return ""
    else:
        interval = f"{low:+.4f} to {high:+.4f}"
        why = f"On these logs distillation is not shown to win anything ({interval})."
    return (
        f"{why} To go without it, set the weights of distill_student to 0 but for ranking: 1.0, "
        "and embed_items.ensemble_seeds to []; or try a better teacher (slmrec tune)."
    )


def _bundle_line(project: Path) -> str:
    bundle_dir = project / BUNDLE
    if not bundle_dir.is_dir():
        return f"No bundle at {BUNDLE} yet: run dvc repro."
    size = sum(file.stat().st_size for file in bundle_dir.rglob("*") if file.is_file())
    return f"The bundle: {BUNDLE} ({size / 1e6:.1f} MB). Check it: `slmrec verify {BUNDLE}`"


def as_markdown(rows: list[dict[str, str]]) -> str:
    """A Markdown table that reads well on a terminal too: names to the left, figures to the right.

    Without rows, the empty string.
    """
    if not rows:
        return ""
    alignment = ["left", *["right"] * (len(rows[0]) - 1)]
    # Figures are formatted already: read as numbers, they would lose their trailing zeros.
    return tabulate(
        rows, headers="keys", tablefmt="pipe", colalign=alignment, disable_numparse=True
    )


def write_into(readme: Path, text: str) -> None:
    """Replace what stands between the marks of `readme`, so that no figure is typed by hand.

    Raises UsageError where the marks are missing.
    """
    page = readme.read_text()
    pattern = re.compile(re.escape(MARKS[0]) + ".*?" + re.escape(MARKS[1]), re.DOTALL)
    if not pattern.search(page):
        raise UsageError(f"{readme} has no lines {MARKS[0]} and {MARKS[1]} to write between")
    with new_file(readme) as temporary:
        temporary.write_text(pattern.sub(lambda _match: f"{MARKS[0]}\n{text}{MARKS[1]}", page))


def logs_of_results(project_dir: Path) -> str:
    """One line that names the logs behind the figures.

    Raises DataError where data/ holds other logs than the last run read: a clone brings the demo's
    figures along, and they say nothing about anybody else's logs.
    """
    read, present = _logs_read(project_dir / "dvc.lock"), _logs_present(project_dir)
    if present is not None and read != present:
        raise DataError(
            f"the figures in metrics/ are of the logs {read}, but data/ holds {present}; "
            "run make repro (or dvc repro), which measures these"
        )
    return f"Figures of the logs {read} (dvc.lock)."


def _logs_read(lock_path: Path) -> str:
    """The checksum of the logs that the last `prepare` read."""
    if not lock_path.is_file():
        raise UsageError(f"{lock_path} is missing, so nothing was measured; run make repro")
    dependencies = read_yaml(lock_path).get("stages", {}).get("prepare", {}).get("deps", [])
    for dependency in dependencies:
        if dependency.get("path") == "data":
            return str(dependency["md5"])
    raise UsageError(f"{lock_path} names no logs, so nothing was measured; run make repro")


def _logs_present(project_dir: Path) -> str | None:
    """The checksum of data/ as DVC computes it; None where there is none."""
    from dvc.repo import Repo

    if not (project_dir / "data").is_dir() or not (project_dir / "data.dvc").is_file():
        return None
    with Repo(str(project_dir)) as repo:
        return str(repo.stage.load_one(str(project_dir / "data.dvc")).outs[0].get_hash().value)
