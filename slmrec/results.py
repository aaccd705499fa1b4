"""What a run of the pipeline came to, read from metrics/*.json: rows for a table, and the page that shows them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from slmrec.core.errors import UsageError
from slmrec.core.files import new_file, read_json

BUNDLE = Path("artifacts/bundle")
MARKS = ("<!-- results: written by `slmrec show --readme` -->", "<!-- end of results -->")
QUALITY = ("ndcg@10", "hr@10", "mrr", "coverage@10")
COST = {"epoch_seconds": ".2f", "users_per_second": ",.0f"}


def read_results(metrics: Path) -> list[dict[str, str]]:
    """One row a model, in the order of evaluation.json's baselines first, with what was measured of it; texts, "" where nothing was."""
    quality = {
        **read_json(metrics / "evaluation.json")["models"],
        **_optional(metrics / "bundle.json").get("models", {}),
    }
    cost = _optional(metrics / "cost.json")
    ranked = sorted(quality, key=lambda name: quality[name]["full"]["ndcg@10"])
    return [_row(name, quality[name], cost.get(name, {})) for name in ranked]


def _optional(path: Path) -> dict[str, Any]:
    # A stage that has not run yet leaves a gap in the table, not an error.
    return read_json(path) if path.exists() else {}


def _row(name: str, measured: dict[str, Any], cost: dict[str, Any]) -> dict[str, str]:
    low, high = measured["ci95"]["ndcg@10"]
    row = {"model": name, **{key: f"{measured['full'][key]:.4f}" for key in QUALITY}}
    row["ndcg@10 95%"] = f"{low:.4f} to {high:.4f}"
    row["parameters"] = f"{measured['parameters']:,}"
    row.update(
        {
            key.replace("_", " "): f"{cost[key]:{form}}" if key in cost else ""
            for key, form in COST.items()
        }
    )
    return row


def read_differences(metrics: Path) -> list[dict[str, str]]:
    """One row a pair of models: the 95% interval of their NDCG@10 difference, paired over users."""
    paired = read_json(metrics / "evaluation.json")["paired"]
    return [
        {"difference of ndcg@10": pair, "95% from": f"{low:+.4f}", "to": f"{high:+.4f}"}
        for pair, (low, high) in sorted(paired.items())
    ]


def result_text(project: Path) -> str:
    """The result as Markdown that reads well on a terminal too: quality and cost, differences, where the bundle lies."""
    metrics = project / "metrics"
    parts = [
        _protocol(metrics),
        as_markdown(read_results(metrics)),
        as_markdown(read_differences(metrics)),
        _bundle_line(project),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _protocol(metrics: Path) -> str:
    protocol = read_json(metrics / "evaluation.json")["protocol"]
    said = f"{protocol['test_targets']:,} targets, {protocol['items']:,} items, {protocol['split']} split"
    return f"{said}; every item ranked; means over users; parameters without the item table."


def _bundle_line(project: Path) -> str:
    bundle = project / BUNDLE
    if not bundle.is_dir():
        return f"No bundle at {BUNDLE} yet: run dvc repro."
    size = sum(file.stat().st_size for file in bundle.rglob("*") if file.is_file())
    return f"The bundle: {BUNDLE} ({size / 1e6:.1f} MB). Check it: `slmrec verify {BUNDLE}`"


def as_markdown(rows: list[dict[str, str]]) -> str:
    """A Markdown table with aligned columns: words to the left, figures to the right."""
    if not rows:
        return ""
    widths = {key: max(len(key), *(len(row[key]) for row in rows)) for key in rows[0]}
    first = next(iter(widths))
    lines = [{key: key for key in widths}, *rows]
    text = [
        "| "
        + " | ".join(
            row[key].ljust(w) if key == first else row[key].rjust(w) for key, w in widths.items()
        )
        + " |"
        for row in lines
    ]
    rule = (
        "|"
        + "|".join(
            "-" * (w + 2) if key == first else "-" * (w + 1) + ":" for key, w in widths.items()
        )
        + "|"
    )
    return "\n".join([text[0], rule, *text[1:]])


def write_into(readme: Path, text: str) -> None:
    """Replace what stands between the marks in `readme`, so that no figure is ever typed by hand. Raises UsageError without marks."""
    old = readme.read_text()
    pattern = re.compile(re.escape(MARKS[0]) + ".*?" + re.escape(MARKS[1]), re.DOTALL)
    if not pattern.search(old):
        raise UsageError(f"{readme} has no lines {MARKS[0]} and {MARKS[1]} to write between")
    with new_file(readme) as temporary:
        temporary.write_text(pattern.sub(lambda _found: f"{MARKS[0]}\n{text}{MARKS[1]}", old))
