"""A small random model, exported once for all tests, and bundles made of it."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch

from slmrec.core.vocabulary import FIRST_ITEM
from slmrec.export.bundle_writer import Parts, write_bundle
from slmrec.export.contract import properties, write_contract
from slmrec.export.graph import export_graph, stamp
from slmrec.export.item_tables import candidates_of, item_files
from slmrec.models.item_embedding import ItemEmbedding
from slmrec.models.llama import DecoderShape, LlamaRecommender
from slmrec.params.export_onnx import ExportParams
from slmrec.runtime.comparison import Answer
from slmrec.runtime.golden import questions, record
from slmrec.runtime.items import ACTIVE, LISTED, RETIRED, ServedItems
from slmrec.runtime.session import answer, open_session

ROWS = 42
MAX_LENGTH = 6
RETIRED_ITEM = 7
LISTED_ITEM = 8  # known by its title alone
NONE = np.zeros((1, 0), dtype=np.int64)
PARAMS = ExportParams(
    seed=1,
    model="student",
    opset=18,
    max_score_difference=1e-4,
    near_tie=1e-5,
    min_same_top10=0.999,
    batches=[1, 2, 7, 33],
    lengths=[1, 2, 6, 7, 20],
    compare_every=1,
    top=10,
)
MEASURED = {
    "full": dict.fromkeys(
        ("hr@1", "hr@5", "hr@10", "ndcg@5", "ndcg@10", "mrr", "coverage@10"), 0.5
    ),
    "ci95": {"ndcg@10": [0.4, 0.6]},
}
METRICS: dict[str, Any] = {
    "models": {"student_onnx": MEASURED},
    "parity": {"rows": 1, "max_abs_difference": 0.0, "same_top10": 1.0, "near_ties": 0.0},
}


@functools.cache
def small_model() -> LlamaRecommender:
    """Two decoder layers over 40 items, histories up to 6; weights at random but far apart."""
    torch.manual_seed(0)
    table = ItemEmbedding(torch.arange(ROWS) != LISTED_ITEM, 8, None, 0.0)
    table.new_item_bonus.fill_(1.5)
    shape = DecoderShape(2, 16, 2, 2, 24, 1e-6, {"rope_type": "default", "rope_theta": 10_000.0})
    model = LlamaRecommender(table, shape, dropout=0.3, layer_drop=0.0, max_length=MAX_LENGTH)
    with torch.no_grad():
        for weight in model.parameters():
            weight.add_(torch.randn(weight.shape) * 0.3)
    return model.eval()


@functools.cache
def served_items() -> ServedItems:
    """Items "i2" to "i41": one retired, one known by its title alone."""
    places = range(FIRST_ITEM, ROWS)
    statuses = [
        RETIRED if place == RETIRED_ITEM else LISTED if place == LISTED_ITEM else ACTIVE
        for place in places
    ]
    titles = [None if place % 5 == 0 else f"Title {place} “quoted” \n é" for place in places]
    ids = [f"i{place}" for place in places]
    return ServedItems(
        ids, titles, statuses, {item: place for place, item in enumerate(ids, start=FIRST_ITEM)}
    )


@functools.cache
def small_graph() -> onnx.ModelProto:
    """The small model's graph, without metadata."""
    return export_graph(
        small_model(), torch.from_numpy(candidates_of(served_items())), PARAMS.opset
    )


@functools.cache
def small_parts() -> Parts:
    """Everything a bundle of the small model is made of."""
    served = served_items()
    items = item_files(served)
    contract = write_contract(
        small_graph(), items, MAX_LENGTH, PARAMS.max_score_difference, {"student": "0" * 64}
    )
    stamped = stamp(small_graph(), properties(contract, items))
    asked = questions(ROWS, MAX_LENGTH, served.candidates, PARAMS.top, PARAMS.seed)
    golden = record(
        asked, functools.partial(answer, open_session(stamped, "cpu", 1)), served.candidates
    )
    return Parts(stamped, contract, items, METRICS, golden)


def make_bundle(folder: Path) -> Path:
    """A whole bundle in a new folder."""
    folder.mkdir()
    write_bundle(small_parts(), folder)
    return folder


@functools.cache
def small_session() -> Any:
    """The small graph in onnxruntime."""
    return open_session(small_parts().graph, "cpu", 1)


def ask(history: list[list[int]], exclude: list[list[int]] | None = None, k: int = 5) -> Answer:
    """Ask the small graph; rows of lists must be of equal length."""
    masked = (
        np.array(exclude, dtype=np.int64)
        if exclude is not None
        else NONE.repeat(len(history), axis=0)
    )
    return answer(small_session(), np.array(history, dtype=np.int64), masked, k)


def scores_in_torch(history: list[int]) -> np.ndarray:
    """Every item's score after one history, cut by hand, alone and without padding.  # (ROWS,)"""
    model = small_model()
    with torch.inference_mode():
        vector = model(torch.tensor([history[-MAX_LENGTH:]]))[0, -1]
        return (vector @ model.item_embedding.folded().T + model.item_embedding.bonuses()).numpy()
