"""What a figure was measured on is said with it."""

from __future__ import annotations

import os
from importlib.metadata import version

import pytest

from slmrec.params.compute import ComputeParams
from slmrec.studies.environment import machine, study_context
from tests.support.evaluation import evaluate_params


@pytest.mark.parametrize(("threads", "stated"), [(None, None), (2, 2)])
def test_the_machine_is_named_with_versions_and_with_threads_where_they_were_set(
    threads: int | None, stated: int | None
) -> None:
    facts = machine(threads, "torch", "numpy")
    assert facts["cores"] == os.cpu_count()
    assert facts["memory_mib"] > 0
    assert facts["versions"] == {"torch": version("torch"), "numpy": version("numpy")}
    assert facts.get("threads") == stated


def test_a_report_says_all_settings_by_section_and_the_versions_of_the_machine() -> None:
    compute = ComputeParams(device="cpu", threads=2, processes=1, precision="fp32")
    evaluate = evaluate_params(bootstrap=20)
    context = study_context(compute, evaluate)
    assert set(context["settings"]) == {"compute", "evaluate"}
    assert context["settings"]["evaluate"]["negatives"] == 3
    assert context["made_with"]["threads"] == 2
    assert context["made_with"]["versions"]["torch"] == version("torch")
