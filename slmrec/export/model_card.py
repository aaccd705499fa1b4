"""The model card of a bundle: what it is for, how good it is, what it cannot do. Generated, never typed."""

from __future__ import annotations

from typing import Any


def model_card(contract: dict[str, Any], metrics: dict[str, Any]) -> str:
    """A page for people: what the model is for, how good it is and beside what, and what it cannot do."""
    items, parity = contract["items"], metrics["parity"]
    onnxruntime = contract["minimum_runtime"]["onnxruntime"]
    return f"""# Next-item recommender

Given the items a user had, oldest first, it ranks the {items["candidates"]:,} items of its catalogue by how likely each comes next. A
small decoder distilled from a larger one with slmrec {contract["version"]}; it needs onnxruntime {onnxruntime} or newer and nothing else.

## Quality
Means over users on later events than any it was trained on, every item ranked; 95% intervals by bootstrap over users. The last row is
this very graph.

{_quality_table(metrics["models"])}

Against torch on {parity["rows"]:,} histories: scores differ by at most {parity["max_abs_difference"]:.1e} of their spread;
{parity["same_top10"]:.4f} of the lists of ten are identical, {parity["near_ties"]:.4f} differ in near-ties alone.

## Limits
- It knows ids, order and nothing else: neither the time between events nor who the user is.
- It reads the newest {contract["max_length"]} items of a history.
- An item without a training event scores as an unknown one does, unless item titles were part of training.
- It was trained to predict what happened in its logs, popularity bias included. It has not been examined for fairness between
  groups of users or makers, and must not decide anything of consequence to a person.

## Made from
{chr(10).join(f"- {name}: sha256 {digest}" for name, digest in sorted(contract["inputs_sha256"].items()))}

contract.json says what a consumer can rely on; golden.npz holds inputs and outputs to replay; MANIFEST.sha256 is checked with
`sha256sum -c` or `slmrec verify`.
"""


def _quality_table(models: dict[str, Any]) -> str:
    ranked = sorted(
        models.items(), key=lambda entry: (entry[0] == "student_onnx", entry[1]["full"]["ndcg@10"])
    )
    rows = [_quality_row(name, measured) for name, measured in ranked]
    return "\n".join(
        ["| model | NDCG@10 | 95% | HR@10 | MRR |", "|---|---:|---:|---:|---:|", *rows]
    )


def _quality_row(name: str, measured: dict[str, Any]) -> str:
    full, (low, high) = measured["full"], measured["ci95"]["ndcg@10"]
    return f"| {name} | {full['ndcg@10']:.4f} | {low:.4f} to {high:.4f} | {full['hr@10']:.4f} | {full['mrr']:.4f} |"
