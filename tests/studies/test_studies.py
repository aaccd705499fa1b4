"""Studies: what layers do is measured right, rows are trained once, pictures and findings are written."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest
import torch

from slmrec.models.factory import new_decoder
from slmrec.models.item_embedding import ItemEmbedding
from slmrec.models.serialization import save_model
from slmrec.params.decoder import DecoderParams
from slmrec.params.train_teacher import FirstLayers, TrainTeacherParams
from slmrec.studies.ablation import rows_of
from slmrec.studies.depth import Subject, chosen_depth, picture, read_out, study, with_depth
from slmrec.studies.layer_analysis import changes, linear_cka, replaceability, states_between_layers
from slmrec.studies.params import AblationParams, DepthStudyParams
from slmrec.studies.plots import spread_panel, write_picture
from slmrec.studies.result_cache import ResultCache
from tests.support.histories import TRAINING, ring_histories
from tests.support.llm import folder_params
from tests.support.project import ROOT

ITEMS = 14
SHAPE = DecoderParams(
    kind="config", layers=3, width=16, heads=2, key_value_heads=2, feed_forward=24
)
TEACHER = TrainTeacherParams(
    seed=1, backbone=SHAPE, dropout=0.0, layer_drop=0.0, item_vectors="trained", training=TRAINING
)
STUDY = DepthStudyParams(
    seed=1, depths=[1, 2, 8], windows=30, spans=[1, 2, 9], ridge=1e-3, near=0.9
)


def noise(*shape: int, seed: int = 1) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def decoder():
    torch.manual_seed(1)
    return new_decoder(
        ItemEmbedding(torch.ones(ITEMS, dtype=torch.bool), 8, None, 0.0), SHAPE, 0.0, 0.0, 8
    ).eval()


def test_states_alike_up_to_rotation_and_scale_have_a_cka_of_one_and_noise_has_none():
    states, turn = noise(400, 6), torch.linalg.qr(noise(6, 6, seed=2)).Q
    assert linear_cka(states, 3 * states @ turn + 1) == pytest.approx(1, abs=1e-5)
    assert linear_cka(states, noise(400, 6, seed=3)) < 0.1


def test_a_layer_that_does_nothing_changes_nothing_and_one_that_turns_back_changes_most():
    states = noise(50, 6)
    assert changes(torch.stack([states, states, -states])) == pytest.approx(
        [0, 2], abs=1e-6
    )  # 1 - 1, 1 - (-1)


def test_linear_layers_are_replaced_by_one_map_and_unpredictable_ones_are_not():
    first = noise(600, 6)
    second = first @ noise(6, 6, seed=2) + 1
    third = noise(600, 6, seed=4)
    states = torch.stack([first, second, third])
    assert replaceability(states, 1, 1e-6) == [
        pytest.approx(1, abs=1e-3),
        pytest.approx(0, abs=0.1),
    ]
    assert len(replaceability(states, 2, 1e-6)) == 1


def test_states_between_layers_are_those_of_real_positions():
    items = torch.tensor([[3, 4, 5], [6, 0, 0]])
    states = states_between_layers(decoder(), items)
    assert states.shape == (
        4,
        4,
        16,
    )  # before the first layer and after three; 3 + 1 real positions


def test_the_chosen_depth_is_the_least_that_is_good_enough():
    found = [
        {"depth": depth, "valid_ndcg@10": quality}
        for depth, quality in ((1, 0.5), (2, 0.91), (4, 1.0), (8, 0.99))
    ]
    assert chosen_depth(found, 0.9) == 2
    assert chosen_depth(found, 1.0) == 4


def test_depth_replaces_the_layers_of_a_config_and_the_cut_of_a_pretrained_model(tmp_path):
    assert with_depth(TEACHER, 2).backbone == SHAPE.model_copy(update={"layers": 2})
    pretrained = TEACHER.model_copy(update={"backbone": folder_params(tmp_path)})
    assert with_depth(pretrained, 2).backbone.cut == FirstLayers(rule="first", layers=2)  # type: ignore[union-attr]


def test_a_depth_study_finds_draws_and_does_nothing_twice(tmp_path, monkeypatch):
    monkeypatch.setenv("SLMREC_CACHE", str(tmp_path / "cache"))
    save_model(decoder(), tmp_path / "vectors" / "sasrec")
    histories = ring_histories(40, ITEMS - 2, 8)
    subject = Subject(
        histories, tmp_path / "vectors", decoder(), TEACHER, torch.device("cpu"), "key"
    )
    found = study(subject, STUDY, ResultCache("depth", "key"))
    assert [each["depth"] for each in found["retrained"]] == [1, 2, 3]
    assert len(found["read_out"]) == 3 and found["read_out"] == read_out(subject)
    assert set(found["layers"]["explained_by_one_map"]) == {"1", "2"}
    picture(found, tmp_path / "depth.svg")
    assert ElementTree.parse(tmp_path / "depth.svg").getroot().tag.endswith("svg")
    monkeypatch.setattr("slmrec.studies.depth.train_teacher", None)  # a second training would fail
    assert study(subject, STUDY, ResultCache("depth", "key")) == found


def test_a_finding_is_kept_where_it_was_made(tmp_path, monkeypatch):
    monkeypatch.setenv("SLMREC_CACHE", str(tmp_path))
    figures = iter([0.5])  # a second making would find nothing
    for _ in range(2):
        assert ResultCache("any", "key").get_or_compute(
            "one", lambda: {"figure": next(figures)}
        ) == {"figure": 0.5}


def test_names_with_signs_of_their_own_stay_readable_svg(tmp_path: Path):
    write_picture(tmp_path / "p.svg", [spread_panel("a < b & c", {"x < y": (0.2, 0.1, 0.3)})])
    texts = [
        element.text
        for element in ElementTree.parse(tmp_path / "p.svg").iter()
        if element.tag.endswith("text")
    ]
    assert "a < b & c" in texts and "x < y" in texts


def test_a_table_without_text_starts_alike_and_knows_new_items_no_more():
    torch.manual_seed(1)
    table = ItemEmbedding(torch.arange(ITEMS) < 12, 8, noise(ITEMS, 5), 0.1).eval()
    bare = table.without_text().eval()
    known = torch.arange(12)
    torch.testing.assert_close(bare(known), table(known))
    assert torch.equal(bare(torch.tensor([12])), bare(torch.tensor([13])))
    assert bare.text is None and bare.ids.requires_grad


def test_a_row_without_text_is_left_out_where_there_is_none(capsys):
    asked = AblationParams.read(ROOT)
    left = {row.name for row in asked.rows} - {row.name for row in rows_of(asked, decoder())}
    assert left == {"without text"}
    assert "without text: left out" in capsys.readouterr().out
    texts = new_decoder(
        ItemEmbedding(torch.ones(ITEMS, dtype=torch.bool), 8, noise(ITEMS, 5), 0.1),
        SHAPE,
        0.0,
        0.0,
        8,
    )
    assert rows_of(asked, texts) == asked.rows


def test_the_projects_own_studies_are_valid_and_name_the_row_the_paper_leaves_out():
    assert DepthStudyParams.read(ROOT).depths
    rows = {row.name: row.weights for row in AblationParams.read(ROOT).rows}
    terms = rows["+ multi-supervision"].model_dump()
    assert {name for name, weight in terms.items() if weight} == {"ranking", "multi_supervision"}
