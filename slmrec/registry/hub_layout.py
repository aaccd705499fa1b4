"""What of a version goes to a model hub, laid out as its repository: never a history, nor a log.

README.md             the model card, whose head the Hugging Face hub reads
bundle/               as it serves: `Recommender.load` takes this folder
student/              safetensors and config of the served model
verdict.json, verdict.html, record.json
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from slmrec.registry.comparison import GRAPH
from slmrec.registry.store import RECORD, VERDICT, VERDICT_PAGE, Registry
from slmrec.registry.version import Version
from slmrec.runtime.bundle import METRICS, MODEL_CARD
from slmrec.runtime.follow import BUNDLE

README = "README.md"
TASK = "sequential-recommendation"
FOLDERS = (BUNDLE, "student")
FILES = (VERDICT, VERDICT_PAGE, RECORD)


def lay_out(registry: Registry, version: Version, target: Path) -> None:
    """Write the repository of a version into an empty folder; its bundle is verified first.

    Raises BundleError where the bundle is damaged.
    """
    source, bundle = registry.folder_of(version), registry.read(version)
    card = bundle.files[MODEL_CARD].decode()
    figures = json.loads(bundle.files[METRICS])["models"]
    (target / README).write_text(f"---\n{_head(version, figures)}---\n\n{card}", encoding="utf-8")
    for name in FOLDERS:
        if (source / name).is_dir():
            shutil.copytree(source / name, target / name)
    for name in FILES:
        shutil.copyfile(source / name, target / name)


def figures_of(models: Mapping[str, Any]) -> dict[str, float]:
    """What was measured through the graph, metric by metric; empty where it was not."""
    return dict(models[GRAPH]["full"]) if GRAPH in models else {}


def _head(version: Version, models: Mapping[str, Any]) -> str:
    """The card's head as YAML, made by the hub's own client."""
    from huggingface_hub import EvalResult, ModelCardData

    results = [
        EvalResult(
            task_type=TASK,
            dataset_type="private",
            dataset_name="the newest events of its logs",
            metric_type=metric,
            metric_value=value,
        )
        for metric, value in sorted(figures_of(models).items())
    ]
    data = ModelCardData(
        library_name="onnx",
        tags=["sequential-recommendation", "slmrec"],
        model_name=f"slmrec {version}",
        eval_results=results or None,
    )
    return f"{data.to_yaml()}\n"
