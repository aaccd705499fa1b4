"""Minutes and memory of each stage."""

from __future__ import annotations

from dataclasses import replace

import pytest
from ruamel.yaml import YAML

from slmrec.init.cost.estimate import GIB, START, StageCost, stage_costs, total_minutes, workload
from slmrec.init.cost.trial_settings import Rate
from slmrec.init.facts import Facts
from slmrec.init.sizing import sized_settings
from tests.init.support import BEAUTY, NOTHING, SCRATCH, STEAM, facts
from tests.support.project import ROOT

NAMES = ("sasrec", "teacher", "student")
RATES = {name: Rate(name, 1e-4, 1e-5, 1e-4, GIB) for name in NAMES}


def costs(f: Facts) -> dict[str, StageCost]:
    made = stage_costs(f, workload(f, sized_settings(f)), RATES)
    return {cost.stage: cost for cost in made}


def test_every_stage_of_the_pipeline_has_a_cost() -> None:
    stages = YAML(typ="safe").load(ROOT / "dvc.yaml")["stages"]
    assert list(costs(facts())) == list(stages)


def test_leave_one_out_trains_on_all_but_three_events_a_user() -> None:
    work = workload(facts(), sized_settings(facts()))

    assert work.positions == BEAUTY.events - 3 * BEAUTY.users
    assert (work.valid, work.test) == (6_000, BEAUTY.users)


def test_a_cut_in_time_tests_the_newest_fifth() -> None:
    work = workload(facts(STEAM), sized_settings(facts(STEAM)))

    assert work.test == round(0.2 * STEAM.events * STEAM.late_with_history)
    assert work.positions == round(0.7 * STEAM.events - 0.9 * STEAM.users)


def test_epochs_times_positions_times_seconds_of_every_model_trained() -> None:
    f = facts(extras=NOTHING, plan=replace(SCRATCH, members=1))
    cost = costs(f)["embed_items"]

    positions = BEAUTY.events - 3 * BEAUTY.users  # 131,219
    validated = 6_000 * (9 * 1e-5 + 1e-4)  # inputs of 9 positions, each ranked once
    seconds = START["embed_items"] + 2 * 20 * (positions * 1e-4 + validated)  # two models
    assert cost.minutes == pytest.approx(seconds / 60)


def test_more_members_and_layers_cost_more() -> None:
    few, more = facts(plan=replace(SCRATCH, members=0)), facts(plan=replace(SCRATCH, members=3))

    assert total_minutes(list(costs(more).values())) > total_minutes(list(costs(few).values()))
    assert costs(few)["train_teacher"].gib == pytest.approx(1 + BEAUTY.events * 40 / GIB)


def test_a_rate_of_half_the_layers_is_half_the_time_of_training_and_reading() -> None:
    half = RATES["teacher"].scaled(0.5)

    assert (half.train_seconds, half.read_seconds) == (5e-5, 5e-6)
    assert half.list_seconds == RATES["teacher"].list_seconds
