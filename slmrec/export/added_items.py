"""New items between two trainings: a bundle that reads and recommends items known by their titles.

The new items stand behind those that were there, whose indices, vectors and neighbours stay: what
the bundle says of them does not change as long as no new item is in a history.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import onnx

from slmrec.core.errors import BundleError, UsageError
from slmrec.core.files import new_folder
from slmrec.export.added_parts import (
    check_known_items,
    extended_contract,
    golden_with_new_items,
    longer_vectors,
)
from slmrec.export.bundle_writer import BundleFiles, bundle_files, json_bytes, write_bundle
from slmrec.export.derived_graphs import user_tower_graph
from slmrec.export.exposure import Lift, lift_for
from slmrec.export.extended_graph import ADVICE, Extension, extended_graph, item_columns
from slmrec.export.graph_metadata import graph_properties, stamp
from slmrec.export.item_tables import candidates_of
from slmrec.export.new_items import NewItems
from slmrec.export.precisions import CONVERTERS
from slmrec.export.titled_extension import TitleSettings, Trained, titled_extension
from slmrec.runtime import verify
from slmrec.runtime.bundle import ITEMS, METRICS, MODEL, Bundle, sha256_of_bytes
from slmrec.runtime.further_graphs import (
    GRAPH_OF,
    ITEM_VECTORS,
    SIGNATURES,
    USER_TOWER,
    file_of,
)
from slmrec.runtime.items import LISTED, ServedItems, index_of, items_from_jsonl
from slmrec.runtime.session import embed_users, open_session, run_graph

KNOWN_GRAPHS = (MODEL, *map(file_of, SIGNATURES))


@dataclass(frozen=True)
class AddSettings:
    """How new items are added."""

    titles: TitleSettings
    exposure: float  # how often a new item is listed, beside a known one
    date: str  # YYYY-MM-DD, for the contract
    threads: int | None  # of onnxruntime


@dataclass(frozen=True)
class Added:
    """What was added, for whoever asked for it."""

    new: NewItems
    share: float  # of new items in lists of ten


@dataclass(frozen=True)
class _Model:
    """A bundle's model.onnx as a model, and its items."""

    bundle: Bundle
    graph: onnx.ModelProto
    served: ServedItems

    @staticmethod
    def of(bundle: Bundle) -> _Model:
        graph = onnx.load_model_from_string(bundle.files[MODEL])
        return _Model(bundle, graph, items_from_jsonl(bundle.files[ITEMS]))

    @property
    def terms(self) -> list[str]:
        """The tables of neighbours in the graph, in their order."""
        return sorted((self.bundle.contract.get("neighbours") or {"terms": {}})["terms"])

    @property
    def trained(self) -> Trained:
        """What the bundle was when it was exported."""
        if additions := self.bundle.contract.get("additions"):
            return Trained(additions[0]["first"], additions[0]["title_neighbours"])
        return Trained(self.served.rows, None)


def add_items(bundle: Bundle, new: NewItems, settings: AddSettings, out: Path) -> Added:
    """Write a verified bundle with the new items behind those of `bundle` into a new folder.

    Raises UsageError where `out` exists; DataError where titles place no new item; BundleError
    where the bundle is not as this slmrec exports, or the new one would answer otherwise for the
    items that were there.
    """
    if out.exists():
        raise UsageError(f"{out} exists, and a bundle is never written over; name a new folder")
    _check_graphs(bundle)
    model = _Model.of(bundle)
    new, extension = titled_extension(
        model.graph, model.served, model.terms, model.trained, new, settings.titles
    )
    lift = _lift(model, extension, settings)
    extension = replace(extension, columns=extension.columns + lift.vector)
    files = _files(model, new, extension, _record(model, extension, lift, settings), settings)
    with new_folder(out) as folder:
        write_bundle(files, folder)
        verify(folder, "cpu", settings.threads)
    return Added(new, lift.share)


def _check_graphs(bundle: Bundle) -> None:
    named = [facts["file"] for facts in bundle.contract.get("graphs", {}).values()]
    if unknown := [name for name in named if name not in KNOWN_GRAPHS]:
        raise BundleError(f"{bundle.folder} has a graph {unknown[0]} of another slmrec; {ADVICE}")


def _lift(model: _Model, extension: Extension, settings: AddSettings) -> Lift:
    """What brings the new items to the exposure that was asked for."""
    graph = extended_graph(model.graph, extension)
    tower = user_tower_graph(graph, len(item_columns(graph)), extended=False)
    sessions = [
        open_session(part.SerializeToString(), "cpu", settings.threads) for part in (graph, tower)
    ]
    run, embed = partial(run_graph, sessions[0]), partial(embed_users, sessions[1])
    known = np.flatnonzero(candidates_of(model.served))
    return lift_for(run, embed, known, extension.old_rows, extension.count, settings.exposure)


def _record(
    model: _Model, extension: Extension, lift: Lift, settings: AddSettings
) -> dict[str, Any]:
    """What the contract says of this addition."""
    widths = [rows.count for rows in extension.neighbours if rows is not None]
    return {
        "date": settings.date,
        "first": extension.old_rows,
        "items": extension.count,
        "of_model_sha256": sha256_of_bytes(model.bundle.files[MODEL]),
        "words": settings.titles.terms.words,
        "most_titles": settings.titles.terms.most_titles,
        "like": settings.titles.like,
        "title_neighbours": widths[0] if widths else None,
        "exposure": settings.exposure,
        "lift": lift.score,
        "listed_share": lift.share,
    }


def _files(
    model: _Model,
    new: NewItems,
    extension: Extension,
    record: dict[str, Any],
    settings: AddSettings,
) -> BundleFiles:
    """The files of the new bundle; its answers for known items are those of the old one."""
    bundle, served = model.bundle, _with(model.served, new)
    graphs = _extended_graphs(bundle, extension)
    vectors = longer_vectors(bundle, extension)
    contract = extended_contract(bundle.contract, served, record, vectors)
    properties = graph_properties(json_bytes(contract), served)
    parts = {name: stamp(graph, properties) for name, graph in graphs.items()}
    run = partial(run_graph, open_session(parts[MODEL], "cpu", settings.threads))
    check_known_items(bundle, run, extension)
    embed = None
    if vectors is not None:
        parts[ITEM_VECTORS], tower = vectors, parts[file_of(USER_TOWER)]
        embed = partial(embed_users, open_session(tower, "cpu", settings.threads))
    golden = golden_with_new_items(bundle, served, extension.old_rows, run, embed)
    metrics = json.loads(bundle.files[METRICS])
    return bundle_files(parts.pop(MODEL), contract, served, metrics, golden, parts)


def _extended_graphs(bundle: Bundle, extension: Extension) -> dict[str, onnx.ModelProto]:
    """The graphs with more items; those in fewer bits are made anew of the one in fp32.

    Each item has its own scale there, so known items keep the scores that were measured.
    """
    converted = {file_of(GRAPH_OF[name]): convert for name, convert in CONVERTERS.items()}
    present = [name for name in KNOWN_GRAPHS if name in bundle.files]
    graphs = {
        name: extended_graph(onnx.load_model_from_string(bundle.files[name]), extension)
        for name in present
        if name not in converted
    }
    return graphs | {name: converted[name](graphs[MODEL]) for name in present if name in converted}


def _with(served: ServedItems, new: NewItems) -> ServedItems:
    """The items with the new ones behind them."""
    ids = [*served.ids, *new.ids]
    statuses = [*served.statuses, *[LISTED] * len(new.ids)]
    return ServedItems(ids, [*served.titles, *new.titles], statuses, index_of(ids))
