"""A whole bundle of any size with weights at random: it costs what a trained one costs.

Run as: python -m benchmarks.random_bundle FOLDER [--items 12000]
The decoder has 2 layers of width 128, items have vectors of width 64 and no neighbours, histories
are read up to 50 items. Its lists mean nothing.
"""

from __future__ import annotations

import functools
from pathlib import Path

import torch

from benchmarks.arguments import new_parser
from slmrec.core.files import new_folder
from slmrec.core.vocabulary import FIRST_ITEM
from slmrec.export.bundle_writer import bundle_files, json_bytes, write_bundle
from slmrec.export.contract import bundle_contract
from slmrec.export.graph import Additions, export_graph
from slmrec.export.graph_metadata import graph_properties, stamp
from slmrec.export.item_tables import candidates_of
from slmrec.models.item_embedding import ItemEmbedding
from slmrec.models.llama import DecoderShape, LlamaRecommender
from slmrec.params.export_onnx import ExportParams
from slmrec.runtime.golden import golden_inputs, record_golden_cases
from slmrec.runtime.items import ACTIVE, ServedItems, index_of
from slmrec.runtime.session import open_session, run_graph

LENGTH, TABLE_WIDTH = 50, 64
SHAPE = DecoderShape(2, 128, 4, 4, 512, 1e-6, {"rope_type": "default", "rope_theta": 10_000.0})
UNMEASURED = {
    "models": {},
    "parity": {"rows": 0, "max_abs_difference": 0.0, "same_top10": 1.0, "near_ties": 0.0},
}


def write_random_bundle(folder: Path, items: int) -> Path:
    """A bundle of `items` items, "i0" and so on, in a new folder."""
    torch.manual_seed(0)
    table = ItemEmbedding(torch.ones(items + FIRST_ITEM, dtype=torch.bool), TABLE_WIDTH, None, 0.0)
    model = LlamaRecommender(table, SHAPE, dropout=0.0, layer_drop=0.0, max_length=LENGTH).eval()
    ids = [f"i{item}" for item in range(items)]
    served = ServedItems(ids, [f"Item {name}" for name in ids], [ACTIVE] * items, index_of(ids))
    p = ExportParams.read()
    additions = Additions(popularity=torch.rand(served.rows))
    graph = export_graph(model, torch.from_numpy(candidates_of(served)), p.opset, additions)
    contract = bundle_contract(graph, served, LENGTH, True, p.max_score_difference, {}, None)
    stamped = stamp(graph, graph_properties(json_bytes(contract), served))
    run = functools.partial(run_graph, open_session(stamped, "cpu", 1))
    inputs = golden_inputs(served.rows, LENGTH, served.candidates, p.top, p.seed)
    golden = record_golden_cases(inputs, run, served.candidates)
    with new_folder(folder) as temporary:
        write_bundle(bundle_files(stamped, contract, served, UNMEASURED, golden), temporary)
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
