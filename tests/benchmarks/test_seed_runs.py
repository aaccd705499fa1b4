"""What draws from a seed runs once a seed, the rest once, and nothing runs twice."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from ruamel.yaml import YAML

from benchmarks.seed_runs import SeedRun, draws_from_a_seed, seeds_of_run, shifted, upstream
from benchmarks.workspace import changed_params
from slmrec.core.errors import DataError
from slmrec.params.params_file import Params
from tests.support.small_seeds import SmallSeeds

SEEDED = ["embed_items", "train_teacher", "record_states", "distill_student", "evaluate"]


def test_the_stages_are_those_that_evaluate_needs_in_the_order_of_dvc_yaml() -> None:
    assert upstream("split") == ["prepare", "validate", "split"]
    stages = upstream("evaluate")
    assert stages[-1] == "evaluate"
    assert not {"export_onnx", "measure_cost"} & set(stages)
    assert set(SEEDED) == {stage for stage in stages if draws_from_a_seed(stage)}
    assert stages.index("record_states") < stages.index("distill_student")


def test_every_training_of_a_run_has_a_seed_that_no_other_run_draws() -> None:
    params = changed_params({"embed_items.ensemble_seeds": [7, 8]})
    assert seeds_of_run(params, 1).items() <= flat(params).items()  # those of params.yaml
    second = changed_params(seeds_of_run(params, 2))
    Params.model_validate(second)
    for section in ("embed_items", "train_teacher", "distill_student"):
        assert second[section]["seed"] == params[section]["seed"] + 1000
    assert second["embed_items"]["ensemble_seeds"] == [1007, 1008]
    # Which targets and negatives there are, and the resamples, are the same in every run.
    for section in ("prepare", "split", "evaluate"):
        assert second[section] == params[section]


def flat(params: dict[str, dict[str, object]]) -> dict[str, object]:
    return {f"{name}.{key}": value for name, keys in params.items() for key, value in keys.items()}


def test_seeds_are_found_however_deep_and_nothing_else_is_shifted() -> None:
    section = {"members": [{"seed": 3, "width": 4}], "seeds": [1, 2], "unseeded": 5, "seed": None}
    assert shifted(section, "section", 1000) == {
        "members": [{"seed": 1003, "width": 4}],
        "seeds": [1001, 1002],
        "unseeded": 5,
        "seed": None,
    }


def test_each_seed_trains_in_its_folder_and_preparation_runs_once(small_seeds: SmallSeeds) -> None:
    shared = ["shared prepare", "shared validate", "shared split", "shared neighbours"]
    expected = [*shared, *(f"seed-{seed} {stage}" for seed in (1, 2) for stage in SEEDED)]
    assert small_seeds.ran == expected


def test_a_complete_seed_is_not_run_again(small_seeds: SmallSeeds) -> None:
    before = list(small_seeds.ran)
    again = small_seeds.run(1)
    assert small_seeds.ran == before
    assert again.evaluation == small_seeds.done[1].evaluation


def test_the_users_figures_are_those_behind_the_report(small_seeds: SmallSeeds) -> None:
    for run in small_seeds.done.values():
        models = run.evaluation["models"]
        ndcg = run.user_ndcg()
        assert set(ndcg) == set(models)
        for name, values in ndcg.items():
            assert values.mean() == pytest.approx(models[name]["full"]["ndcg@10"], rel=1e-12)
    first, second = (small_seeds.done[seed].user_ndcg() for seed in (1, 2))
    assert np.array_equal(first["popularity"], second["popularity"])  # it has no seed
    assert not np.array_equal(first["student"], second["student"])


def test_ranks_that_are_gone_are_an_error_that_says_what_to_do(
    small_seeds: SmallSeeds, tmp_path: Path
) -> None:
    (tmp_path / "metrics").mkdir()
    evaluation = (small_seeds.done[1].root / "metrics" / "evaluation.json").read_text()
    (tmp_path / "metrics" / "evaluation.json").write_text(evaluation)
    with pytest.raises(DataError, match=r"holds the ranks of \[\], but .* remove .*/metrics"):
        SeedRun(tmp_path).user_ndcg()


def test_a_runs_own_params_are_those_that_its_stages_read(small_seeds: SmallSeeds) -> None:
    for seed, run in small_seeds.done.items():
        params = YAML(typ="safe").load(run.root / "params.yaml")
        assert params["embed_items"]["width"] == 8  # of the params.yaml that was named
        assert params["train_teacher"]["seed"] == 2 + 1000 * (seed - 1)
