"""A pipeline of three quick stages, for tests of the flow, and more stages for it."""

from __future__ import annotations

from pathlib import Path

from flows.dvc_stages import reproduce_stage

# The stages say in which order they ran; those of the file are in another order.
PIPELINE = """
stages:
  report:
    cmd: python report.py
    deps: [second.txt, evaluation.json]
    metrics:
      - metrics/evaluation.json: {cache: false}
  second:
    cmd: python -c "open('second.txt', 'w').write(open('first.txt').read()); print('second line')"
    deps: [first.txt]
    outs: [second.txt]
  first:
    cmd: python -c "open('first.txt', 'w').write('1'); print('first line')"
    deps: [data]
    outs: [first.txt]
"""
REPORT = """
import shutil
print("reporting")
shutil.copy("evaluation.json", "metrics/evaluation.json")
"""
METRICS = """
{"protocol": {"split": "temporal", "test_targets": 9, "items": 80, "seed": 4},
"paired": {"student-teacher": [-0.01, 0.02]},
"models": {"teacher": {"full": {"ndcg@10": 0.5, "hr@10": 0.6, "mrr": 0.4, "coverage@10": 0.9},
"ci95": {"ndcg@10": [0.4, 0.6]}, "parameters": 1000}}}
"""
STAGE = """
import os, sys, time
from slmrec.core.errors import DataError
from slmrec.core.stage import run_stage

def main():
    {program}

run_stage(main)
"""
ENTRY = """
  {name}:
    cmd: exec python -m slmrec.stages.{name}
    deps: [data]
    outs: [{name}.txt]
"""


def write_small_flow(project: Path) -> None:
    """Replace the project's pipeline by the one above."""
    (project / "dvc.yaml").write_text(PIPELINE)
    (project / "report.py").write_text(REPORT)
    (project / "evaluation.json").write_text(METRICS)
    (project / "metrics").mkdir()


def add_stage(project: Path, name: str, program: str) -> None:
    """Add a stage that runs as the real ones do."""
    (project / "slmrec" / "stages" / f"{name}.py").write_text(STAGE.format(program=program))
    with (project / "dvc.yaml").open("a") as stream:
        stream.write(ENTRY.format(name=name))


def reproduce(stage: str, project: Path) -> list[str]:
    """Run a stage as a flow does; the lines that it logs."""
    lines: list[str] = []
    reproduce_stage(stage, project, lines.append)
    return lines
