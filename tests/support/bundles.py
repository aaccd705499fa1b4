"""A small random model, exported once for all tests, and bundles made of it."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch

from slmrec.core.vocabulary import FIRST_ITEM
from slmrec.dataset.histories import Histories
from slmrec.export.bundle_writer import BundleFiles, bundle_files, json_bytes, write_bundle
from slmrec.export.contract import bundle_contract
from slmrec.export.further_parts import FurtherParts, further_parts
from slmrec.export.graph import MODEL_ALONE, export_graph
from slmrec.export.graph_metadata import graph_properties, stamp
from slmrec.export.item_tables import candidates_of
from slmrec.export.precisions import CONVERTERS
from slmrec.models.item_embedding import ItemEmbedding
from slmrec.models.llama import DecoderShape, LlamaRecommender
from slmrec.models.low_pass import LowPassShape
from slmrec.models.sasrec import SASRec
from slmrec.params.export_onnx import ExportParams, PrecisionParams
from slmrec.runtime.comparison import TopK
from slmrec.runtime.further_graphs import ITEM_VECTORS, USER_TOWER, file_of
from slmrec.runtime.golden import EmbedUsers, golden_inputs, record_golden_cases
from slmrec.runtime.items import ACTIVE, LISTED, RETIRED, ServedItems, index_of
from slmrec.runtime.session import RunGraph, embed_users, open_session, run_graph
from tests.support.histories import ring_histories

ROWS = 42
MAX_LENGTH = 6
RETIRED_ITEM = 7
LISTED_ITEM = 8  # known by its title alone
PARAMS = ExportParams(
    seed=1,
    model="student",
    neighbours=True,
    empty_history="unknown_item",
    graphs=["serve_fixed", "user_tower", "step"],
    precisions=PrecisionParams(
        wanted=["int8", "fp16"],
        targets=50,
        # Of a random model of width 16 and 39 items.
        min_overlap=0.8,
        max_ndcg_loss=0.5,
        max_score_difference={"int8": 0.4, "fp16": 0.03},
    ),
    fixed_k=20,
    opset=18,
    max_score_difference=1e-4,
    near_tie=1e-5,
    min_same_top10=0.999,
    batches=[1, 2, 7, 33],
    lengths=[1, 2, 6, 7, 20],
    compare_every=1,
    top=10,
)
REPORT: dict[str, Any] = {
    "full": dict.fromkeys(
        ("hr@1", "hr@5", "hr@10", "ndcg@5", "ndcg@10", "mrr", "coverage@10"), 0.5
    ),
    "ci95": {"ndcg@10": [0.4, 0.6]},
}
METRICS: dict[str, Any] = {
    "models": {"student_onnx": REPORT},
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


def small_sasrec(low_pass: LowPassShape | None) -> SASRec:
    """Two layers of two heads, with a filter that has learnt something."""
    torch.manual_seed(1)
    embedding = ItemEmbedding(torch.ones(ROWS, dtype=torch.bool), 8, None, 0.0)
    model = SASRec(embedding, 2, 2, 8, 0.0, MAX_LENGTH, low_pass).eval()
    for name, parameter in model.named_parameters():
        if name.endswith("low_pass.high"):
            torch.nn.init.normal_(parameter)
    return model


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
    return ServedItems(ids, titles, statuses, index_of(ids))


@functools.cache
def small_graph() -> onnx.ModelProto:
    """The small model's graph, without metadata."""
    candidates = torch.from_numpy(candidates_of(served_items()))
    return export_graph(small_model(), candidates, PARAMS.opset)


@functools.cache
def small_parts() -> FurtherParts:
    """Every part that a bundle may have beside model.onnx, of the small model."""
    candidates = candidates_of(served_items())
    parts = further_parts(small_graph(), small_model(), MODEL_ALONE, candidates, PARAMS)
    return in_precisions(small_graph(), parts)


def in_precisions(graph: onnx.ModelProto, parts: FurtherParts) -> FurtherParts:
    """The parts, and the graph in each precision that the small bundle has."""
    graphs = {name: CONVERTERS[name](graph) for name in PARAMS.precisions.wanted}
    return parts.with_precisions(graphs, PARAMS.precisions.max_score_difference)


@functools.cache
def small_contract() -> dict[str, Any]:
    """The small bundle's contract."""
    return bundle_contract(
        small_graph(),
        served_items(),
        MAX_LENGTH,
        exclude_seen=True,
        tolerance=PARAMS.max_score_difference,
        inputs_sha256={"student": "0" * 64},
        neighbours=None,
        parts=small_parts(),
    )


@functools.cache
def stamped_parts() -> dict[str, bytes]:
    """The further parts as files, the graphs with the hashes of contract and item table."""
    properties = graph_properties(json_bytes(small_contract()), served_items())
    graphs = small_parts().graphs.items()
    files = {file_of(name): stamp(graph, properties) for name, graph in graphs}
    return {**files, ITEM_VECTORS: small_parts().item_vectors or b""}


@functools.cache
def stamped_graph() -> bytes:
    """The small model's graph with the hashes of its contract and item table."""
    properties = graph_properties(json_bytes(small_contract()), served_items())
    return stamp(small_graph(), properties)


@functools.cache
def run_small_graph() -> RunGraph:
    """The small graph in onnxruntime, as a function."""
    return functools.partial(run_graph, small_session())


@functools.cache
def small_session() -> Any:
    """The small graph in onnxruntime."""
    return open_session(stamped_graph(), "cpu", 1)


@functools.cache
def embed_small_users() -> EmbedUsers:
    """The small user tower in onnxruntime, as a function."""
    session = open_session(stamped_parts()[file_of(USER_TOWER)], "cpu", 1)
    return functools.partial(embed_users, session)


@functools.cache
def small_bundle_files() -> BundleFiles:
    """The files of a bundle of the small model, with every part that a bundle may have."""
    candidates = served_items().candidates
    inputs = golden_inputs(ROWS, MAX_LENGTH, candidates, PARAMS.top, PARAMS.seed)
    golden = record_golden_cases(inputs, run_small_graph(), candidates, embed_small_users())
    return bundle_files(
        stamped_graph(), small_contract(), served_items(), METRICS, golden, stamped_parts()
    )


def histories_of_served_items(users: int) -> Histories:
    """Histories on a ring of the items that the small bundle serves; nobody has the retired one."""
    histories = ring_histories(users, ROWS - 2, MAX_LENGTH)
    histories.items[histories.items == RETIRED_ITEM] = RETIRED_ITEM + 1
    return histories


def make_bundle(bundle_dir: Path) -> Path:
    """A complete bundle in a new folder."""
    bundle_dir.mkdir()
    write_bundle(small_bundle_files(), bundle_dir)
    return bundle_dir


def run_on(history: list[list[int]], exclude: list[list[int]] | None = None, k: int = 5) -> TopK:
    """Run the small graph; rows of lists must be of equal length."""
    excluded = exclude if exclude is not None else [[] for _ in history]
    rows = np.array(history, dtype=np.int64)
    return run_small_graph()(rows, np.array(excluded, dtype=np.int64).reshape(len(rows), -1), k)


def scores_in_torch(history: list[int]) -> np.ndarray:
    """Every item's score after one history, cut by hand, alone and without padding.  # (ROWS,)"""
    model = small_model()
    with torch.inference_mode():
        vector = model(torch.tensor([history[-MAX_LENGTH:]]))[0, -1]
        return (vector @ model.item_embedding.folded().T + model.item_embedding.bonuses()).numpy()
