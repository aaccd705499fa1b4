"""The model card of a bundle: what it is for, how good it is, what it cannot do."""

from __future__ import annotations

from typing import Any

GRAPH_NAME = "student_onnx"  # of the graph itself among the models of the metrics
CARD = """\
# Next-item recommender

Given the items a user had, oldest first, it ranks the {candidates:,} items of its catalogue by \
how likely each comes next. A
small sequential model, {made} with slmrec {version}; it needs onnxruntime \
{onnxruntime} or newer and nothing else.

## Quality
Means over users on later events than any it was trained on, every item ranked; 95% intervals by \
bootstrap over users. The last row is
this very graph.

{quality_table}

Against torch on {rows:,} histories: scores differ by at most {max_abs_difference:.1e} of their \
spread;
{same_top10:.4f} of the lists of ten are identical, {near_ties:.4f} differ in near-ties alone.

{precisions}## Limits
- It knows ids, order and nothing else: neither the time between events nor who the user is.
- It reads the newest {max_length} items of a history.
- An item without a training event scores as an unknown one does, unless item titles were part of \
training or of the neighbours.
- It was trained to predict what happened in its logs, popularity bias included. It has not been \
examined for fairness between
  groups of users or makers, and must not decide anything of consequence to a person.

{additions}## Made from
{inputs_list}

contract.json says what a consumer can rely on; golden.npz holds inputs and outputs to replay; \
MANIFEST.sha256 is checked with
`sha256sum -c` or `slmrec verify`.
"""


def model_card(contract: dict[str, Any], metrics: dict[str, Any]) -> str:
    """The card as Markdown, from the bundle's contract and metrics."""
    return CARD.format(
        candidates=contract["items"]["candidates"],
        version=contract["version"],
        onnxruntime=contract["minimum_runtime"]["onnxruntime"],
        max_length=contract["max_length"],
        made=_made(metrics),
        quality_table=_quality_table(metrics["models"]),
        precisions=_precisions(metrics.get("precisions", {})),
        additions=_additions(contract.get("additions", [])),
        inputs_list=_inputs_list(contract["inputs_sha256"]),
        **metrics["parity"],
    )


def _quality_table(models: dict[str, Any]) -> str:
    """The models from worst to best, the graph last."""
    names = sorted(models, key=lambda name: (name == GRAPH_NAME, models[name]["full"]["ndcg@10"]))
    rows = [_quality_row(name, models[name]) for name in names]
    return "\n".join(
        ["| model | NDCG@10 | 95% | HR@10 | MRR |", "|---|---:|---:|---:|---:|", *rows]
    )


def _quality_row(name: str, report: dict[str, Any]) -> str:
    full, (low, high) = report["full"], report["ci95"]["ndcg@10"]
    return (
        f"| {name} | {full['ndcg@10']:.4f} | {low:.4f} to {high:.4f} "
        f"| {full['hr@10']:.4f} | {full['mrr']:.4f} |"
    )


def _made(metrics: dict[str, Any]) -> str:
    """How the student came about; metrics of an earlier version do not say that it fell back."""
    if metrics.get("student", {}).get("falls_back"):
        return "trained without distillation, which did not pay on validation,"
    return "distilled from a larger one"


def _precisions(measured: dict[str, Any]) -> str:
    """The graph in fewer bits, as a part of the card; nothing where none was asked for."""
    if not measured:
        return ""
    rows = [
        f"| {name} | {_figure(each, 'overlap@10')} | {_figure(each, 'ndcg@10_fp32')} "
        f"| {_figure(each, 'ndcg@10')} | {each['verdict']} |"
        for name, each in measured.items()
    ]
    return "\n".join(
        [
            "## Precisions",
            "The graph in fewer bits beside the one in fp32, on validation histories: what share "
            "of its lists of ten is the same, and NDCG@10 of both.",
            "",
            "| precision | overlap | NDCG@10 in fp32 | NDCG@10 | |",
            "|---|---:|---:|---:|---|",
            *rows,
            "",
            "",
        ]
    )


def _figure(measured: dict[str, Any], name: str) -> str:
    return f"{measured[name]:.4f}" if name in measured else ""


def _additions(additions: list[dict[str, Any]]) -> str:
    """What was added after the export, as a part of the card; nothing where nothing was."""
    if not additions:
        return ""
    lines = [
        f"- {each['date']}: {each['items']:,} items from index {each['first']} on, by their titles"
        for each in additions
    ]
    return "\n".join(
        [
            "## Added since",
            "The figures above are from before. The new items have vectors of items with like "
            "titles, and no event was learnt of.",
            "",
            *lines,
            "",
            "",
        ]
    )


def _inputs_list(inputs_sha256: dict[str, str]) -> str:
    return "\n".join(f"- {name}: sha256 {digest}" for name, digest in sorted(inputs_sha256.items()))
