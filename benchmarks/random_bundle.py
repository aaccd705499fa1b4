"""A whole bundle of any size with weights at random: it costs what a trained one costs.

Run as: python -m benchmarks.random_bundle FOLDER [--items 12000]
The decoder has 2 layers of width 128, items have vectors of width 64 and no neighbours, histories
are read up to 50 items. Its lists mean nothing.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from pathlib import Path

import torch

from benchmarks.arguments import new_parser
from slmrec.core.files import new_folder
from slmrec.core.vocabulary import FIRST_ITEM
from slmrec.export.bundle_writer import bundle_files, json_bytes, write_bundle
from slmrec.export.contract import bundle_contract
from slmrec.export.further_parts import further_parts
from slmrec.export.graph import Additions, export_graph
from slmrec.export.graph_metadata import graph_properties, stamp
from slmrec.export.item_tables import candidates_of
from slmrec.models.factory import SequenceModel
from slmrec.models.item_embedding import ItemEmbedding
from slmrec.models.llama import DecoderShape, LlamaRecommender
from slmrec.params.export_onnx import ExportParams
from slmrec.runtime.further_graphs import ITEM_VECTORS, USER_TOWER, file_of
from slmrec.runtime.golden import golden_inputs, record_golden_cases
from slmrec.runtime.items import ACTIVE, ServedItems, index_of
from slmrec.runtime.session import embed_users, open_session, run_graph

LENGTH, TABLE_WIDTH = 50, 64
SHAPE = DecoderShape(2, 128, 4, 4, 512, 1e-6, {"rope_type": "default", "rope_theta": 10_000.0})
UNMEASURED = {
    "models": {},
    "parity": {"rows": 0, "max_abs_difference": 0.0, "same_top10": 1.0, "near_ties": 0.0},
}


def write_random_bundle(
    folder: Path, items: int, graphs: Sequence[str] = (), titles: Sequence[str] | None = None
) -> Path:
    """A bundle of `items` items, "i0" and so on, in a new folder, with these further graphs.

    Without `titles` items are called "Item i0" and so on.
    """
    torch.manual_seed(0)
    table = ItemEmbedding(torch.ones(items + FIRST_ITEM, dtype=torch.bool), TABLE_WIDTH, None, 0.0)
    model = LlamaRecommender(table, SHAPE, dropout=0.0, layer_drop=0.0, max_length=LENGTH).eval()
    return write_bundle_of(model, folder, graphs, titles)


def write_bundle_of(
    model: SequenceModel,
    folder: Path,
    graphs: Sequence[str],
    titles: Sequence[str] | None = None,
) -> Path:
    """The same of a model whose every item can be recommended."""
    items = len(model.item_embedding) - FIRST_ITEM
    ids = [f"i{item}" for item in range(items)]
    named = titles or [f"Item {name}" for name in ids]
    served = ServedItems(ids, named, [ACTIVE] * items, index_of(ids))
    p = ExportParams.read().model_copy(update={"graphs": list(graphs)})
    additions, candidates = Additions(popularity=torch.rand(served.rows)), candidates_of(served)
    graph = export_graph(model, torch.from_numpy(candidates), p.opset, additions)
    parts = further_parts(graph, model, additions, candidates, p)
    length = model.max_length
    contract = bundle_contract(graph, served, length, True, p.max_score_difference, {}, None, parts)
    properties = graph_properties(json_bytes(contract), served)
    stamped = stamp(graph, properties)
    files = {file_of(name): stamp(part, properties) for name, part in parts.graphs.items()}
    embed = None
    if parts.item_vectors is not None:
        files[ITEM_VECTORS] = parts.item_vectors
        embed = functools.partial(embed_users, open_session(files[file_of(USER_TOWER)], "cpu", 1))
    run = functools.partial(run_graph, open_session(stamped, "cpu", 1))
    inputs = golden_inputs(served.rows, length, served.candidates, p.top, p.seed)
    golden = record_golden_cases(inputs, run, served.candidates, embed)
    with new_folder(folder) as temporary:
        write_bundle(bundle_files(stamped, contract, served, UNMEASURED, golden, files), temporary)
    return folder


def main() -> None:
    """Write one."""
    parser = new_parser(__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--items", type=int, default=12_000)
    p = parser.parse_args()
    print(write_random_bundle(p.folder, p.items))


if __name__ == "__main__":
    main()
