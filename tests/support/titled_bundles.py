"""A small bundle whose items have titles that share words, without and with neighbours."""

from __future__ import annotations

import functools
from pathlib import Path

import onnx
import polars as pl
import torch

from slmrec.core.vocabulary import FIRST_ITEM
from slmrec.export.bundle_writer import bundle_files, json_bytes, write_bundle
from slmrec.export.contract import bundle_contract
from slmrec.export.further_parts import FurtherParts, further_parts
from slmrec.export.graph import Additions, export_graph
from slmrec.export.graph_metadata import graph_properties, stamp
from slmrec.export.item_tables import candidates_of
from slmrec.models.llama import LlamaRecommender
from slmrec.neighbours.blend import Blend, NeighbourScores, Term
from slmrec.neighbours.table import Neighbours, NeighbourTable
from slmrec.neighbours.title_similarity import title_similarity
from slmrec.neighbours.trend import Trend
from slmrec.params.neighbours import TitleParams
from slmrec.runtime.further_graphs import ITEM_VECTORS, USER_TOWER, file_of
from slmrec.runtime.golden import golden_inputs, record_golden_cases
from slmrec.runtime.items import ServedItems
from slmrec.runtime.session import embed_users, open_session, run_graph
from tests.support.bundles import (
    MAX_LENGTH,
    METRICS,
    PARAMS,
    ROWS,
    in_precisions,
    served_items,
    small_graph,
    small_model,
    small_parts,
)
from tests.support.neighbours import ring_table

TITLE_TERMS = TitleParams(words=2, most_titles=100)
COUNT = 3  # title neighbours that an item keeps
KINDS = ("apple", "bread", "cheese", "dates", "eggs")
COLOURS = ("red", "green", "blue", "white", "black", "brown", "pink")
POPULARITY = torch.linspace(2, 3, ROWS)
BLEND = Blend(0.8, {"graph": Term(0.5, 1e-1), "titles": Term(2.0, 1e-1)}, Trend(0.1, 5.0, 0.75))


@functools.cache
def titled_items() -> ServedItems:
    """The small bundle's items, with titles of a colour and a kind, such as "red apple 12"."""
    served = served_items()
    titles = [
        f"{COLOURS[place % 7]} {KINDS[place % 5]} {place}" for place in range(FIRST_ITEM, ROWS)
    ]
    return ServedItems(served.ids, titles, served.statuses, served.index)


@functools.cache
def title_table() -> NeighbourTable:
    """The title neighbours of the items, as the stage finds them."""
    items = pl.DataFrame(
        {"item_index": range(FIRST_ITEM, ROWS), "title": titled_items().titles},
        schema={"item_index": pl.UInt32, "title": pl.String},
    )
    return NeighbourTable.of(title_similarity(items, ROWS, TITLE_TERMS, COUNT), COUNT)


def neighbour_scores() -> NeighbourScores:
    """What a blend of transitions, titles and a trend adds."""
    tables = {"graph": ring_table(ROWS), "titles": title_table()}
    return NeighbourScores(Neighbours(tables, 3), BLEND, torch.linspace(0, 1, ROWS))


@functools.cache
def exported(with_neighbours: bool) -> tuple[onnx.ModelProto, FurtherParts]:
    """The graph of the bundle, and its further parts."""
    if not with_neighbours:
        return small_graph(), small_parts()
    model: LlamaRecommender = small_model()
    candidates, additions = candidates_of(titled_items()), Additions(neighbour_scores(), POPULARITY)
    graph = export_graph(model, torch.from_numpy(candidates), PARAMS.opset, additions)
    return graph, in_precisions(graph, further_parts(graph, model, additions, candidates, PARAMS))


def make_titled_bundle(
    folder: Path, with_neighbours: bool, served: ServedItems | None = None
) -> Path:
    """A bundle in a new folder, with every further graph; `served` in place of `titled_items`."""
    served = served or titled_items()
    graph, parts = exported(with_neighbours)
    blend = BLEND.as_json() if with_neighbours else None
    contract = bundle_contract(
        graph, served, MAX_LENGTH, True, PARAMS.max_score_difference, {}, blend, parts
    )
    properties = graph_properties(json_bytes(contract), served)
    further = {file_of(name): stamp(part, properties) for name, part in parts.graphs.items()}
    further[ITEM_VECTORS] = parts.item_vectors or b""
    model = stamp(graph, properties)
    run = functools.partial(run_graph, open_session(model, "cpu", 1))
    tower = open_session(further[file_of(USER_TOWER)], "cpu", 1)
    inputs = golden_inputs(ROWS, MAX_LENGTH, served.candidates, PARAMS.top, PARAMS.seed)
    embed = functools.partial(embed_users, tower)
    golden = record_golden_cases(inputs, run, served.candidates, embed)
    folder.mkdir()
    write_bundle(bundle_files(model, contract, served, METRICS, golden, further), folder)
    return folder
