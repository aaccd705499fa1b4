"""Which parts a bundle gets beside its graph, and what its contract says of them."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest
import torch

from slmrec.export.contract import bundle_contract
from slmrec.export.further_parts import FurtherParts, further_parts, item_vectors
from slmrec.export.graph import MODEL_ALONE
from slmrec.export.item_tables import candidates_of
from slmrec.models.item_embedding import ItemEmbedding
from slmrec.models.sasrec import SASRec
from tests.support.bundles import (
    LISTED_ITEM,
    MAX_LENGTH,
    PARAMS,
    RETIRED_ITEM,
    ROWS,
    served_items,
    small_contract,
    small_graph,
    small_model,
    small_parts,
)

CANDIDATES = candidates_of(served_items())


@pytest.mark.parametrize("graphs", [[], ["serve_fixed"], ["user_tower"], ["step"]])
def test_a_bundle_gets_the_parts_that_are_asked_for(
    graphs: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    step = small_parts().graphs["step"]
    monkeypatch.setattr("slmrec.export.further_parts.step_graph", lambda *_arguments: step)
    p = PARAMS.model_copy(update={"graphs": graphs})
    parts = further_parts(small_graph(), small_model(), MODEL_ALONE, CANDIDATES, p)
    assert list(parts.graphs) == graphs
    assert (parts.item_vectors is not None) is ("user_tower" in graphs)


def test_a_fixed_list_is_no_longer_than_there_are_candidates() -> None:
    p = PARAMS.model_copy(update={"fixed_k": 1000, "graphs": ["serve_fixed"]})
    graph = further_parts(small_graph(), small_model(), MODEL_ALONE, CANDIDATES, p).graphs[
        "serve_fixed"
    ]
    shape = graph.graph.output[0].type.tensor_type.shape
    assert shape.dim[1].dim_value == CANDIDATES.sum()


def test_every_candidate_has_a_vector_that_ends_in_its_bonus() -> None:
    table = item_vectors(small_model(), CANDIDATES)
    assert table.items.tolist() == [item for item in range(2, ROWS) if item != RETIRED_ITEM]
    assert table.vectors.shape == (ROWS - 3, 8 + 1)
    bonuses = dict(zip(table.items.tolist(), table.vectors[:, -1].tolist(), strict=True))
    assert {item: bonus for item, bonus in bonuses.items() if bonus} == {LISTED_ITEM: 1.5}
    rows = small_model().item_embedding.folded().detach().numpy()
    np.testing.assert_array_equal(table.vectors[:, :-1], rows[table.items])


def test_without_a_bonus_the_vectors_are_as_wide_as_the_model() -> None:
    embedding = ItemEmbedding(torch.ones(ROWS, dtype=torch.bool), 8, None, 0.0)
    model = SASRec(embedding, 1, 2, 8, 0.0, MAX_LENGTH).eval()
    assert item_vectors(model, CANDIDATES).vectors.shape == (ROWS - 3, 8)


def test_the_contract_says_what_the_parts_are() -> None:
    facts = small_contract()["graphs"]
    state = [MAX_LENGTH, 2, 2, 2, 8]
    assert facts["step"]["inputs"]["state"] == {"dtype": "float32", "shape": ["batch", *state]}
    assert facts["step"]["outputs"]["new_state"] == facts["step"]["inputs"]["state"]
    assert small_parts().state_shape() == tuple(state)
    assert facts["serve_fixed"]["outputs"]["items"] == {"dtype": "int64", "shape": ["batch", 20]}
    assert facts["user_tower"]["item_vectors"] == {
        "file": "item_vectors.safetensors",
        "rows": ROWS - 3,
        "width": 9,
        "sha256": hashlib.sha256(small_parts().item_vectors or b"").hexdigest(),
    }


def test_the_contract_says_which_graphs_know_neighbours() -> None:
    blend = {"decay": 0.5, "terms": {}}
    made = bundle_contract(
        small_graph(), served_items(), MAX_LENGTH, True, 1e-4, {}, blend, small_parts()
    )
    knows = {name: facts["neighbours"] for name, facts in made["graphs"].items()}
    assert knows == {
        "serve_fixed": True,
        "user_tower": False,
        "step": True,
        "model_int8": True,
        "model_fp16": True,
    }
    assert not any(facts["neighbours"] for facts in small_contract()["graphs"].values())


def test_a_bundle_without_further_parts_says_so() -> None:
    made = bundle_contract(small_graph(), served_items(), MAX_LENGTH, True, 1e-4, {}, None)
    assert made["graphs"] == {} == FurtherParts().graphs
