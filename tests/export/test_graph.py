"""The exported graph: what it promises to every consumer, whoever calls it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch

from slmrec.core.errors import TrainingError, UsageError
from slmrec.core.vocabulary import FIRST_ITEM, PAD, UNK
from slmrec.export.graph import MODEL_ALONE, ServingGraph, export_graph
from slmrec.models.item_embedding import ItemEmbedding
from slmrec.models.sasrec import SASRec
from slmrec.runtime.session import graph_errors
from tests.support.bundles import (
    LISTED_ITEM,
    MAX_LENGTH,
    PARAMS,
    RETIRED_ITEM,
    ROWS,
    run_on,
    run_small_graph,
    scores_in_torch,
    served_items,
    small_graph,
    small_model,
    small_session,
)
from tests.support.llm import INPUTS, ITEMS, decoder_from

CANDIDATES = served_items().candidates
ALL = 10_000  # more than there are


def best_in_torch(history: list[int], excluded: tuple[int, ...], k: int) -> list[int]:
    scores = scores_in_torch(history)
    scores[[PAD, UNK, RETIRED_ITEM, *excluded]] = -np.inf
    return np.argsort(-scores)[:k].tolist()


def test_the_best_items_are_those_of_the_model() -> None:
    assert run_on([[5, 9, 3]]).items[0].tolist() == best_in_torch([5, 9, 3], (), 5)


def test_scores_are_those_of_the_model() -> None:
    top = run_on([[5, 9, 3]])
    np.testing.assert_allclose(top.scores[0], scores_in_torch([5, 9, 3])[top.items[0]], rtol=1e-5)


def test_the_bonus_of_new_items_is_in_the_graph() -> None:
    top = run_on([[5, 9, 3]], k=ALL)
    with torch.inference_mode():
        vector = small_model()(torch.tensor([[5, 9, 3]]))[0, -1]
        plain = float(vector @ small_model().item_embedding.folded()[LISTED_ITEM])
    with_bonus = float(top.scores[0][top.items[0] == LISTED_ITEM][0])
    assert with_bonus == pytest.approx(plain + 1.5, abs=1e-4)


def test_padding_unknown_and_retired_items_never_come_out() -> None:
    items = run_on([[5, 9], [2, 3], [UNK, UNK]], k=ALL).items
    assert set(items.ravel().tolist()) == set(range(FIRST_ITEM, ROWS)) - {RETIRED_ITEM}


def test_excluded_items_never_come_out() -> None:
    items = run_on([[5, 9], [2, 3]], exclude=[[4, 11, 12], [40, PAD, PAD]], k=CANDIDATES).items
    assert not {4, 11, 12} & set(items[0].tolist())
    assert 40 not in items[1]
    assert {4, 11, 12} <= set(items[1].tolist())


def test_one_row_of_exclusions_holds_for_the_whole_batch() -> None:
    histories = [[5, 9], [6, 10], [7, 11]]
    excluded = run_on([histories[0]], k=3).items[0].tolist()  # what the first row would list
    once = run_small_graph()(np.array(histories), np.array([excluded]), 5)
    each = run_on(histories, [excluded] * 3)
    assert once.items.tolist() == each.items.tolist()
    assert not np.isin(once.items, excluded).any()


def test_exclusions_for_another_number_of_rows_fail_instead_of_masking_some() -> None:
    with pytest.raises(graph_errors()):
        run_small_graph()(np.full((3, 2), 5), np.full((2, 1), 9), 5)


def test_a_row_whose_candidates_ran_out_ends_in_padding_with_a_score_of_minus_infinity() -> None:
    top = run_on([[5]], exclude=[list(range(2, 30))], k=CANDIDATES)
    left = CANDIDATES - len([item for item in range(2, 30) if item != RETIRED_ITEM])
    assert (top.items[0, left:] == PAD).all()
    assert (top.scores[0, left:] == -np.inf).all()
    assert (top.items[0, :left] >= 30).all()


def test_the_items_of_a_history_may_come_out_unless_excluded() -> None:
    items = run_on([[5, 9, 3]], k=CANDIDATES).items[0].tolist()
    assert {5, 9, 3} <= set(items)


def test_a_long_history_is_read_from_its_newest_items() -> None:
    long = [(7 * step) % 40 + 2 for step in range(25)]
    longest, newest = run_on([long]), run_on([long[-MAX_LENGTH:]])
    assert longest.items.tolist() == newest.items.tolist()
    np.testing.assert_allclose(longest.scores, newest.scores, rtol=1e-5)


@pytest.mark.parametrize("width", [0, 1, 5, 30])
def test_padding_on_the_right_changes_nothing(width: int) -> None:
    padded, single = run_on([[5, 9, 3] + [PAD] * width]), run_on([[5, 9, 3]])
    assert padded.items.tolist() == single.items.tolist()
    np.testing.assert_allclose(padded.scores, single.scores, rtol=1e-5)


def test_a_batch_of_mixed_lengths_equals_its_rows_one_by_one() -> None:
    random = np.random.default_rng(0)
    lengths = [1, 2, 5, 6, 7, 15, 3, 0]
    rows = [random.integers(FIRST_ITEM, ROWS, length).tolist() for length in lengths]
    batch = run_on([row + [PAD] * (15 - len(row)) for row in rows], k=CANDIDATES)
    for place, row in enumerate(rows):
        single = run_on([row or [PAD]], k=CANDIDATES)
        assert batch.items[place].tolist() == single.items[0].tolist()
        np.testing.assert_allclose(batch.scores[place], single.scores[0], rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("index", [-1, ROWS, 10**12, -(10**12)])
def test_an_index_outside_the_table_is_read_as_unknown_and_harms_no_other_row(index: int) -> None:
    top = run_on([[5, index, 3], [8, 9, 10]])
    assert top.items.tolist() == run_on([[5, UNK, 3], [8, 9, 10]]).items.tolist()


@pytest.mark.parametrize("index", [-1, ROWS, 10**12, UNK, PAD])
def test_an_exclusion_outside_the_catalogue_excludes_nothing(index: int) -> None:
    assert (
        run_on([[5, 9]], exclude=[[index]], k=ALL).items.tolist()
        == run_on([[5, 9]], k=ALL).items.tolist()
    )


def test_an_empty_history_is_read_as_one_unknown_item() -> None:
    assert run_on([[PAD, PAD]]).items.tolist() == run_on([[UNK]]).items.tolist()


def test_a_gap_in_a_history_is_read_as_unknown() -> None:
    assert run_on([[5, PAD, 3]]).items.tolist() == run_on([[5, UNK, 3]]).items.tolist()


@pytest.mark.parametrize(
    ("k", "width"),
    [
        (0, 0),
        (1, 1),
        (10, 10),
        (CANDIDATES, CANDIDATES),
        (CANDIDATES + 1, CANDIDATES),
        (ALL, CANDIDATES),
    ],
)
def test_a_list_is_as_long_as_asked_or_as_there_are_candidates(k: int, width: int) -> None:
    top = run_on([[5, 9]], k=k)
    assert top.items.shape == top.scores.shape == (1, width)


def test_a_length_of_several_numbers_fails_instead_of_the_first_being_taken() -> None:
    inputs = {"history": np.array([[5, 9]]), "exclude": np.zeros((1, 0), np.int64)}
    with pytest.raises(graph_errors()):
        small_session().run(None, {**inputs, "k": np.array([2, 3])})


def test_an_empty_batch_gives_empty_lists() -> None:
    outputs = small_session().run(
        None,
        {
            "history": np.zeros((0, 4), np.int64),
            "exclude": np.zeros((0, 0), np.int64),
            "k": np.array(3),
        },
    )
    assert outputs[0].shape == (0, 3)


def test_inputs_and_outputs_are_named_typed_and_of_free_size() -> None:
    described = [
        (value.name, value.type, value.shape)
        for value in (*small_session().get_inputs(), *small_session().get_outputs())
    ]
    assert described == [
        ("history", "tensor(int64)", ["batch", "time"]),
        ("exclude", "tensor(int64)", ["batch", "excluded"]),
        ("k", "tensor(int64)", []),
        ("items", "tensor(int64)", ["batch", "k"]),
        ("scores", "tensor(float)", ["batch", "k"]),
    ]


def test_a_head_of_its_own_stands_as_a_constant_of_a_matmul() -> None:
    # A head tied to the input table would be a Transpose, which dynamic quantisation leaves alone.
    graph = small_graph().graph
    heads = [node for node in graph.node if "columns" in node.input]
    assert [node.op_type for node in heads] == ["MatMul"]
    assert not [
        node
        for node in graph.node
        if node.op_type == "Transpose" and set(node.input) & {w.name for w in graph.initializer}
    ]


def test_exporting_leaves_the_model_as_it_was() -> None:
    model = small_model()
    graph = ServingGraph(model, torch.ones(ROWS, dtype=torch.bool), MODEL_ALONE)
    assert isinstance(model.item_embedding, ItemEmbedding)
    assert graph.vectors.get_submodule("model") is not model


def test_a_weight_that_is_not_finite_is_not_exported() -> None:
    model = SASRec(
        ItemEmbedding(torch.ones(ROWS, dtype=torch.bool), 8, None, 0.0), 1, 2, 8, 0.0, MAX_LENGTH
    )
    with torch.no_grad():
        dict(model.named_parameters())["layers.0.widen.bias"][3] = torch.nan
    with pytest.raises(TrainingError, match=r"model\.layers\.0\.widen\.bias holds NaN"):
        export_graph(model, torch.ones(ROWS, dtype=torch.bool), PARAMS.opset)


def test_a_graph_that_one_file_cannot_hold_is_not_exported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("slmrec.export.graph.LARGEST_GRAPH", 10_000)
    with pytest.raises(UsageError, match="bytes, one file holds 10,000; choose a narrower item"):
        export_graph(small_model(), torch.ones(ROWS, dtype=torch.bool), PARAMS.opset)


def test_a_model_of_another_kind_is_exported_as_it_is() -> None:
    torch.manual_seed(1)
    model = SASRec(
        ItemEmbedding(torch.ones(ROWS, dtype=torch.bool), 8, None, 0.0), 1, 2, 8, 0.0, MAX_LENGTH
    ).eval()
    graph = ServingGraph(model, torch.arange(ROWS) >= FIRST_ITEM, MODEL_ALONE)
    with torch.inference_mode():
        items, _ = graph(
            torch.tensor([[5, 9, PAD]]), torch.zeros((1, 0), dtype=torch.long), torch.tensor(5)
        )
        scores = model(torch.tensor([[5, 9]]))[0, -1] @ model.item_embedding.folded().T
        scores[:FIRST_ITEM] = -torch.inf
    assert items[0].tolist() == scores.topk(5).indices.tolist()


@pytest.mark.acceptance
def test_a_prompt_is_exported_as_constants_and_gives_torchs_scores(llm_dir: Path) -> None:
    decoder = decoder_from(llm_dir, prompt="bought then")
    candidates = torch.arange(ITEMS) >= FIRST_ITEM
    graph = export_graph(decoder, candidates, PARAMS.opset)
    assert decoder.prompt is not None, "the caller's model is left as it was"
    session = onnxruntime.InferenceSession(
        graph.SerializeToString(), providers=["CPUExecutionProvider"]
    )
    exclude, k = np.zeros((len(INPUTS), 0), dtype=np.int64), np.array(ITEMS - FIRST_ITEM)
    inputs = {"history": INPUTS.numpy(), "exclude": exclude, "k": k}
    items, scores = session.run(None, inputs)
    with torch.no_grad():
        expected = decoder(INPUTS)[:, -1] @ decoder.item_embedding.folded().T
    expected_scores = np.take_along_axis(expected.numpy(), items, axis=1)
    np.testing.assert_allclose(scores, expected_scores, rtol=1e-4, atol=1e-5)
    # Four layers of nine products, and three besides: had the prompt been left inside, each layer
    # would hold its seven maps twice.
    assert sum(node.op_type == "MatMul" for node in graph.graph.node) <= 4 * 9 + 3
