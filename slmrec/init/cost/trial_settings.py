"""What a trial of some training steps is given, and what it measures."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import asdict, dataclass, replace
from typing import Any

from slmrec.core.errors import UnavailableError

SECTIONS = ("embed_items", "train_teacher", "distill_student")
TEXT_WIDTHS = {"minilm": 384, "smollm2-words": 576}  # numbers of a title's vector
LONGEST_SECONDS = 300


@dataclass(frozen=True)
class Trial:
    """The shapes to be timed: sections of params.yaml, and the logs' items and lengths."""

    items: int
    quantiles: list[float]
    lengths: list[int]
    max_length: int
    text_width: int  # numbers of a title's vector, 0 without text
    top: int  # items that a student imitates at a position
    threads: int
    embed_items: dict[str, Any]
    distill_student: dict[str, Any]
    teachers: dict[str, dict[str, Any]]  # sections of train_teacher by name


@dataclass(frozen=True)
class Rate:
    """What one model costs on this machine."""

    name: str
    train_seconds: float  # of a position in a training step
    read_seconds: float  # of a position that is read without training
    list_seconds: float  # of a position whose scores are ranked, once it is read
    peak_bytes: int  # of the process, with what came before it

    def scaled(self, share: float) -> Rate:
        """The same model with another share of its layers."""
        return replace(
            self,
            train_seconds=self.train_seconds * share,
            read_seconds=self.read_seconds * share,
        )


def text_width(text: Any) -> int:
    """Numbers of a title's vector under `embed_items.text`."""
    return 0 if text == "none" else sum(TEXT_WIDTHS[name] for name in text["encoders"])


def run_trial(trial: Trial) -> dict[str, Rate]:
    """Time the trial's models in a process of its own. Raises UnavailableError where that fails."""
    # Without it torch slows down many times when another process wants the same cores.
    environment = os.environ | {"OMP_WAIT_POLICY": "PASSIVE"}
    command = [sys.executable, "-m", "slmrec.init.cost.trial"]
    try:
        done = subprocess.run(
            command,
            input=json.dumps(asdict(trial)),
            capture_output=True,
            text=True,
            check=False,
            env=environment,
            timeout=LONGEST_SECONDS,
        )
    except subprocess.TimeoutExpired as error:
        raise UnavailableError(
            f"a few training steps took longer than {LONGEST_SECONDS} s; nothing is estimated"
        ) from error
    if done.returncode:
        last = (done.stderr.strip() or "nothing").splitlines()[-1]
        raise UnavailableError(f"the timed training steps failed: {last}")
    return {rate["name"]: Rate(**rate) for rate in json.loads(done.stdout)}
