"""Settings by name: found, changed, and searched between bounds that hold what is there."""

from __future__ import annotations

from typing import Any

import pytest
from optuna.distributions import CategoricalDistribution, FloatDistribution

from slmrec.core.errors import UsageError
from slmrec.params.section import read_yaml
from slmrec.tuning.settings import changed, distributions, fits, rounded, value_of
from slmrec.tuning.space import SPACE, PartSpace, read_space
from tests.support.project import ROOT

PARAMS = read_yaml(ROOT / "params.yaml")
DROPOUT, LAYERS = "embed_items.dropout", "train_teacher.backbone.layers"
NEGATIVES = "embed_items.training.loss.negatives"


def space_of(settings: dict[str, Any], only_where: dict[str, Any] | None = None) -> PartSpace:
    return PartSpace.model_validate(
        {"share": 1, "settings": settings, "only_where": only_where or {}}
    )


def test_a_change_leaves_the_original_alone() -> None:
    other = changed(PARAMS, {DROPOUT: 0.1})
    assert value_of(other, DROPOUT) == 0.1
    assert value_of(PARAMS, DROPOUT) == 0.4


def test_a_range_is_widened_to_what_stands_in_params_yaml() -> None:
    bounds = {"kind": "uniform", "low": 0.1, "high": 0.3}
    assert distributions(space_of({DROPOUT: bounds}), PARAMS) == {
        DROPOUT: FloatDistribution(0.1, 0.4)
    }


def test_choices_that_do_not_fit_are_left_out_and_the_present_one_is_not() -> None:
    choice = {"kind": "choice", "values": [4, 24]}
    # record_states names layer 16, so that 4 layers are too few
    assert distributions(space_of({LAYERS: choice}), PARAMS) == {
        LAYERS: CategoricalDistribution([16, 24])
    }
    width = {"kind": "choice", "values": [33, 64]}  # 2 heads
    assert distributions(space_of({"embed_items.width": width}), PARAMS) == {}


def test_a_setting_is_searched_only_where_it_is_there() -> None:
    choice = {"kind": "choice", "values": [512, 4096]}
    where = {NEGATIVES: {"setting": "embed_items.training.loss.kind", "is": ["sampled_softmax"]}}
    assert distributions(space_of({NEGATIVES: choice}, where), PARAMS) == {}
    loss = {"kind": "sampled_softmax", "negatives": 2048, "uniform_share": 0.5, "rows": "all"}
    sampled = changed(PARAMS, {"embed_items.training.loss": loss})
    assert distributions(space_of({NEGATIVES: choice}, where), sampled) == {
        NEGATIVES: CategoricalDistribution([512, 2048, 4096])
    }
    with pytest.raises(UsageError, match=r"has no embed_items\.training.loss.negatives"):
        distributions(space_of({NEGATIVES: choice}), PARAMS)


def test_a_log_range_cannot_start_from_zero() -> None:
    bounds = {"kind": "log", "low": 0.01, "high": 1}
    params = changed(PARAMS, {"embed_items.training.weight_decay": 0.0})
    with pytest.raises(UsageError, match=r"is 0\.0 in params\.yaml, which no log range holds"):
        distributions(space_of({"embed_items.training.weight_decay": bounds}), params)
    with pytest.raises(UsageError, match=r"'none' in params\.yaml, which no range holds"):
        distributions(space_of({"embed_items.text": bounds}), PARAMS)


def test_every_setting_of_the_space_stands_in_the_projects_params() -> None:
    parts = read_space(SPACE).parts
    found = [
        distributions(parts.of(part), PARAMS) for part in ("item_vectors", "teacher", "student")
    ]
    assert [len(each) for each in found] == [5, 3, 6]


def test_whether_settings_fit_the_rest_of_params_yaml() -> None:
    assert fits(PARAMS, {DROPOUT: 0.3})
    assert not fits(PARAMS, {DROPOUT: 1.0})


def test_drawn_values_have_few_digits_and_the_present_one_has_its_own() -> None:
    assert rounded(0.123456, 0.4) == 0.123
    assert rounded(0.00123456, 0.4) == 0.00123
    assert rounded(0.123456, 0.123456) == 0.123456
    assert rounded(64, 32) == 64
