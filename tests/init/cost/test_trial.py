"""Timed steps on made-up histories, in this process and small."""

from __future__ import annotations

import io
import json
import sys
from dataclasses import asdict
from typing import Any

import pytest
from ruamel.yaml import YAML

from slmrec.core.vocabulary import FIRST_ITEM
from slmrec.init.cost.trial import HISTORIES, made_up_histories, main
from slmrec.init.cost.trial_settings import Trial
from tests.support.project import ROOT

TINY = {"layers": 1, "width": 8, "heads": 2, "key_value_heads": 2, "feed_forward": 8}


def small_trial() -> Trial:
    sections: dict[str, Any] = YAML(typ="safe").load(ROOT / "params.yaml")
    embed, student = sections["embed_items"], sections["distill_student"]
    embed.update(width=8, heads=2, feed_forward=8)
    student["decoder"] = {"kind": "config", **TINY}
    teacher = sections["train_teacher"] | {"backbone": {"kind": "config", **TINY}}
    for section in (embed, student, teacher):
        section["training"]["positions_per_batch"] = 64
    return Trial(
        items=30,
        quantiles=[0.5, 0.98],
        lengths=[4, 90],
        max_length=10,
        text_width=0,
        top=5,
        threads=1,
        embed_items=embed,
        distill_student=student,
        teachers={"scratch": teacher},
    )


def test_histories_have_the_lengths_of_the_logs_up_to_a_window() -> None:
    histories = made_up_histories(small_trial())

    lengths = histories.windows.stop - histories.windows.start
    assert len(lengths) == HISTORIES
    assert sorted(lengths)[HISTORIES // 4] == 4
    assert lengths.max() == 10 + 1
    assert histories.items.min() >= FIRST_ITEM
    assert histories.items.max() < FIRST_ITEM + 30


def test_every_model_of_a_run_is_timed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO(json.dumps(asdict(small_trial()))))

    main()

    rates = json.loads(capsys.readouterr().out)
    assert [rate["name"] for rate in rates] == ["sasrec", "student", "scratch"]
    for rate in rates:
        assert rate["train_seconds"] > rate["read_seconds"] > 0
        assert rate["peak_bytes"] > 2**20
