"""The exported graph: what it promises to every consumer, whoever calls it."""

from __future__ import annotations

import copy
import hashlib
import os
import subprocess
import sys

import numpy as np
import onnx
import pytest
import torch

from slmrec.core.errors import TrainingError
from slmrec.core.vocabulary import FIRST_ITEM, PAD, UNK
from slmrec.export.graph import ServingGraph, export_graph, stamp
from slmrec.export.last_position import last_vectors
from slmrec.models.item_embedding import ItemEmbedding
from slmrec.models.llama import DecoderShape, LlamaRecommender
from slmrec.models.sasrec import SASRec
from tests.support.bundles import (
    LISTED_ITEM,
    MAX_LENGTH,
    PARAMS,
    RETIRED_ITEM,
    ROWS,
    ask,
    scores_in_torch,
    served_items,
    small_graph,
    small_model,
    small_session,
)

CANDIDATES = served_items().candidates
ALL = 10_000  # more than there are


def best_in_torch(history: list[int], excluded: tuple[int, ...], k: int) -> list[int]:
    scores = scores_in_torch(history)
    scores[[PAD, UNK, RETIRED_ITEM, *excluded]] = -np.inf
    return np.argsort(-scores)[:k].tolist()


def test_the_best_items_are_those_of_the_model():
    assert ask([[5, 9, 3]]).items[0].tolist() == best_in_torch([5, 9, 3], (), 5)


def test_scores_are_those_of_the_model():
    answer = ask([[5, 9, 3]])
    np.testing.assert_allclose(
        answer.scores[0], scores_in_torch([5, 9, 3])[answer.items[0]], rtol=1e-5
    )


def test_the_bonus_of_new_items_is_in_the_graph():
    answer = ask([[5, 9, 3]], k=ALL)
    with torch.inference_mode():
        vector = small_model()(torch.tensor([[5, 9, 3]]))[0, -1]
        plain = float(vector @ small_model().item_embedding.folded()[LISTED_ITEM])
    found = float(answer.scores[0][answer.items[0] == LISTED_ITEM][0])
    assert found == pytest.approx(plain + 1.5, abs=1e-4)


def test_padding_unknown_and_retired_items_never_come_out():
    items = ask([[5, 9], [2, 3], [UNK, UNK]], k=ALL).items
    assert set(items.ravel().tolist()) == set(range(FIRST_ITEM, ROWS)) - {RETIRED_ITEM}


def test_excluded_items_never_come_out():
    items = ask([[5, 9], [2, 3]], exclude=[[4, 11, 12], [40, PAD, PAD]], k=CANDIDATES).items
    assert not {4, 11, 12} & set(items[0].tolist())
    assert 40 not in items[1]
    assert {4, 11, 12} <= set(items[1].tolist())


def test_a_row_whose_candidates_ran_out_ends_in_padding_with_a_score_of_minus_infinity():
    answer = ask([[5]], exclude=[list(range(2, 30))], k=CANDIDATES)
    left = CANDIDATES - len([item for item in range(2, 30) if item != RETIRED_ITEM])
    assert (answer.items[0, left:] == PAD).all()
    assert (answer.scores[0, left:] == -np.inf).all()
    assert (answer.items[0, :left] >= 30).all()


def test_the_items_of_a_history_may_come_out_unless_excluded():
    items = ask([[5, 9, 3]], k=CANDIDATES).items[0].tolist()
    assert {5, 9, 3} <= set(items)


def test_a_long_history_is_read_from_its_newest_items():
    long = [(7 * step) % 40 + 2 for step in range(25)]
    longest, newest = ask([long]), ask([long[-MAX_LENGTH:]])
    assert longest.items.tolist() == newest.items.tolist()
    np.testing.assert_allclose(longest.scores, newest.scores, rtol=1e-5)


@pytest.mark.parametrize("width", [0, 1, 5, 30])
def test_padding_on_the_right_changes_nothing(width):
    padded, alone = ask([[5, 9, 3] + [PAD] * width]), ask([[5, 9, 3]])
    assert padded.items.tolist() == alone.items.tolist()
    np.testing.assert_allclose(padded.scores, alone.scores, rtol=1e-5)


def test_a_batch_of_mixed_lengths_equals_its_rows_one_by_one():
    random = np.random.default_rng(0)
    lengths = [1, 2, 5, 6, 7, 15, 3, 0]
    rows = [random.integers(FIRST_ITEM, ROWS, length).tolist() for length in lengths]
    together = ask([row + [PAD] * (15 - len(row)) for row in rows], k=CANDIDATES)
    for place, row in enumerate(rows):
        alone = ask([row or [PAD]], k=CANDIDATES)
        assert together.items[place].tolist() == alone.items[0].tolist()
        np.testing.assert_allclose(together.scores[place], alone.scores[0], rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("strange", [-1, ROWS, 10**12, -(10**12)])
def test_an_index_outside_the_table_is_read_as_unknown_and_harms_no_other_row(strange):
    answer = ask([[5, strange, 3], [8, 9, 10]])
    assert answer.items.tolist() == ask([[5, UNK, 3], [8, 9, 10]]).items.tolist()


@pytest.mark.parametrize("strange", [-1, ROWS, 10**12, UNK, PAD])
def test_an_exclusion_outside_the_catalogue_excludes_nothing(strange):
    assert (
        ask([[5, 9]], exclude=[[strange]], k=ALL).items.tolist()
        == ask([[5, 9]], k=ALL).items.tolist()
    )


def test_an_empty_history_is_read_as_one_unknown_item():
    assert ask([[PAD, PAD]]).items.tolist() == ask([[UNK]]).items.tolist()


def test_a_gap_in_a_history_is_read_as_unknown():
    assert ask([[5, PAD, 3]]).items.tolist() == ask([[5, UNK, 3]]).items.tolist()


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
def test_a_list_is_as_long_as_asked_or_as_there_are_candidates(k, width):
    answer = ask([[5, 9]], k=k)
    assert answer.items.shape == answer.scores.shape == (1, width)


def test_an_empty_batch_gives_an_empty_answer():
    answer = small_session().run(
        None,
        {
            "history": np.zeros((0, 4), np.int64),
            "exclude": np.zeros((0, 0), np.int64),
            "k": np.array(3),
        },
    )
    assert answer[0].shape == (0, 3)


def test_inputs_and_outputs_are_named_typed_and_of_free_size():
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


def test_the_graph_is_valid_and_keeps_nothing_of_where_it_was_made():
    onnx.checker.check_model(small_graph(), full_check=True)
    graph = onnx.ModelProto()
    graph.CopyFrom(small_graph())
    graph.graph.ClearField("initializer")
    text = str(graph)
    assert not [
        word
        for word in (
            "/",
            ".py",
            "slmrec",
            "stack_trace",
            "torch.ops",
            "doc_string",
            "metadata_props",
        )
        if word in text
    ]


def test_a_head_of_its_own_stands_as_a_constant_of_a_matmul():
    # A head tied to the input table would be a Transpose, which dynamic quantisation leaves alone.
    graph = small_graph().graph
    heads = [node for node in graph.node if "columns" in node.input]
    assert [node.op_type for node in heads] == ["MatMul"]
    assert not [
        node
        for node in graph.node
        if node.op_type == "Transpose" and set(node.input) & {w.name for w in graph.initializer}
    ]


def test_exporting_leaves_the_model_as_it_was():
    model = small_model()
    graph = ServingGraph(model, torch.ones(ROWS, dtype=torch.bool))
    assert isinstance(model.item_embedding, ItemEmbedding)
    assert graph.vectors.get_submodule("model") is not model


def test_a_weight_that_is_not_finite_is_not_exported():
    model = SASRec(
        ItemEmbedding(torch.ones(ROWS, dtype=torch.bool), 8, None, 0.0), 1, 2, 8, 0.0, MAX_LENGTH
    )
    with torch.no_grad():
        dict(model.named_parameters())["layers.0.widen.bias"][3] = torch.nan
    with pytest.raises(TrainingError, match=r"model\.layers\.0\.widen\.bias holds NaN"):
        export_graph(model, torch.ones(ROWS, dtype=torch.bool), PARAMS.opset)


DIGEST = """
import copy
import hashlib
from slmrec.export.graph import stamp
from tests.support.bundles import small_graph
print(hashlib.sha256(stamp(small_graph(), {"a": "1"})).hexdigest())
"""


def test_another_process_exports_the_same_bytes():
    # Another hash seed: the exporter's own counters follow it.
    environment = {**os.environ, "PYTHONHASHSEED": "4711"}
    done = subprocess.run(
        [sys.executable, "-c", DIGEST], env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == hashlib.sha256(stamp(small_graph(), {"a": "1"})).hexdigest()


def test_one_position_a_row_gives_what_the_whole_model_gives():
    items = torch.tensor(
        [[5, 9, 3, 8, 7, 6], [2, 4, 40, PAD, PAD, PAD], [UNK, PAD, PAD, PAD, PAD, PAD]]
    )
    last = torch.tensor([5, 2, 0])
    with torch.inference_mode():
        whole = small_model()(items)[torch.arange(3), last]
        found = last_vectors(copy.deepcopy(small_model()))(items, last)
    torch.testing.assert_close(found, whole, rtol=1e-4, atol=1e-5)


def test_heads_that_share_keys_give_what_the_whole_model_gives():
    torch.manual_seed(1)
    shape = DecoderShape(2, 16, 4, 2, 24, 1e-6, {"rope_type": "default", "rope_theta": 10_000.0})
    table = ItemEmbedding(torch.ones(ROWS, dtype=torch.bool), 8, None, 0.0)
    model = LlamaRecommender(
        table, shape, dropout=0.3, layer_drop=0.0, max_length=MAX_LENGTH
    ).eval()
    items, last = torch.tensor([[5, 9, 3, 8], [2, 4, PAD, PAD]]), torch.tensor([3, 1])
    with torch.inference_mode():
        whole = model(items)[torch.arange(2), last]
        torch.testing.assert_close(
            last_vectors(copy.deepcopy(model))(items, last), whole, rtol=1e-4, atol=1e-5
        )


def test_a_model_of_another_kind_is_exported_as_it_is():
    torch.manual_seed(1)
    model = SASRec(
        ItemEmbedding(torch.ones(ROWS, dtype=torch.bool), 8, None, 0.0), 1, 2, 8, 0.0, MAX_LENGTH
    ).eval()
    graph = ServingGraph(model, torch.arange(ROWS) >= FIRST_ITEM)
    with torch.inference_mode():
        items, _ = graph(
            torch.tensor([[5, 9, PAD]]), torch.zeros((1, 0), dtype=torch.long), torch.tensor(5)
        )
        scores = model(torch.tensor([[5, 9]]))[0, -1] @ model.item_embedding.folded().T
        scores[:FIRST_ITEM] = -torch.inf
    assert items[0].tolist() == scores.topk(5).indices.tolist()
