"""The depth study measures every depth once, and chooses the least one that is good enough."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from slmrec.models.serialization import save_model
from slmrec.params.train_teacher import FirstLayers, PretrainedParams, TrainTeacherParams
from slmrec.studies.params import DepthStudyParams
from slmrec.studies.result_cache import ResultCache
from slmrec.studies.teacher_depth import (
    StudiedTeacher,
    choose_depth,
    read_out_layers,
    study_depth,
    with_depth,
)
from tests.support.histories import TRAINING, ring_histories
from tests.support.llm import folder_params
from tests.support.models import ITEMS, MAX_LENGTH, decoder_params, small_decoder, small_sasrec

LAYERS = 3
SHAPE = decoder_params(LAYERS)
TEACHER = TrainTeacherParams(
    seed=1, backbone=SHAPE, dropout=0.0, layer_drop=0.0, item_vectors="trained", training=TRAINING
)
STUDY = DepthStudyParams(
    seed=1, depths=[1, 2, 8], windows=30, spans=[1, 2, 9], ridge=1e-3, near=0.9
)


@pytest.fixture
def teacher(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> StudiedTeacher:
    monkeypatch.setenv("SLMREC_CACHE", str(tmp_path / "cache"))
    save_model(small_sasrec(1), tmp_path / "vectors" / "sasrec")
    histories = ring_histories(40, ITEMS - 2, MAX_LENGTH)
    return StudiedTeacher(
        histories, tmp_path / "vectors", small_decoder(LAYERS), TEACHER, torch.device("cpu"), "key"
    )


def test_the_chosen_depth_is_the_least_that_is_good_enough() -> None:
    retrained = [
        {"depth": depth, "valid_ndcg@10": quality}
        for depth, quality in ((1, 0.5), (2, 0.91), (4, 1.0), (8, 0.99))
    ]
    assert choose_depth(retrained, 0.9) == 2
    assert choose_depth(retrained, 1.0) == 4


def test_depth_replaces_the_layers_of_a_config_and_the_cut_of_a_pretrained_model(
    tmp_path: Path,
) -> None:
    assert with_depth(TEACHER, 2).backbone == SHAPE.model_copy(update={"layers": 2})
    pretrained = TEACHER.model_copy(update={"backbone": folder_params(tmp_path)})
    backbone = with_depth(pretrained, 2).backbone
    assert isinstance(backbone, PretrainedParams)
    assert backbone.cut == FirstLayers(rule="first", layers=2)


def test_the_last_layer_read_out_is_the_teacher_itself(teacher: StudiedTeacher) -> None:
    figures = read_out_layers(teacher)
    assert len(figures) == LAYERS
    assert figures[-1] == teacher.validation()(teacher.model)


def test_a_depth_study_measures_each_depth_and_nothing_twice(
    teacher: StudiedTeacher, monkeypatch: pytest.MonkeyPatch
) -> None:
    results = study_depth(teacher, STUDY, ResultCache("depth", "key"))
    # of the depths 1, 2 and 8, those below the teacher's own, and that
    assert [result["depth"] for result in results["retrained"]] == [1, 2, LAYERS]
    assert results["read_out"] == read_out_layers(teacher)
    assert set(results["layers"]["explained_by_one_map"]) == {"1", "2"}  # no span of 9
    # a second training would fail
    monkeypatch.setattr("slmrec.studies.teacher_depth.train_teacher", None)
    assert study_depth(teacher, STUDY, ResultCache("depth", "key")) == results
