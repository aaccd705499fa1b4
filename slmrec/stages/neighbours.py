"""The neighbours of each item, from training events and from titles."""

from __future__ import annotations

from pathlib import Path

import polars as pl
from scipy.sparse import csr_matrix

from slmrec.core import tables
from slmrec.core.files import new_folder
from slmrec.core.stage import run_stage
from slmrec.core.vocabulary import FIRST_ITEM
from slmrec.dataset.histories import Histories, read_histories
from slmrec.neighbours.item_graph import item_graph, transition_graph
from slmrec.neighbours.table import Neighbours, NeighbourTable
from slmrec.neighbours.title_similarity import title_similarity
from slmrec.params.neighbours import NeighboursParams


def find_neighbours(histories: Histories, items: pl.DataFrame, p: NeighboursParams) -> Neighbours:
    """The tables of neighbours of all rows of a table of items; titles where there are any."""
    rows = len(items) + FIRST_ITEM
    found = {"graph": item_graph(histories, rows, p.graph, p.count)}
    if p.titles is not None:
        found["titles"] = title_similarity(items, rows, p.titles, p.count)
    if p.transitions:
        found["transitions"] = transition_graph(histories, rows, p.count)
    for source, matrix in found.items():
        _report(source, matrix)
    return Neighbours(
        {name: NeighbourTable.of(matrix, p.count) for name, matrix in found.items() if matrix.nnz},
        p.newest,
    )


def _report(source: str, matrix: csr_matrix) -> None:
    items = int((matrix.indptr[1:] > matrix.indptr[:-1]).sum())
    print(f"neighbours: {source}: {matrix.nnz:,} of {items:,} items", flush=True)


def main(events_dir: Path, histories_dir: Path, *, neighbours_dir: Path) -> None:
    """Write the tables of neighbours, and how many items of a history they are looked up for."""
    p = NeighboursParams.read()
    items = tables.read_table(events_dir / "items.parquet", tables.ITEMS)
    found = find_neighbours(read_histories(histories_dir), items, p)
    with new_folder(neighbours_dir) as folder:
        found.save(folder)


if __name__ == "__main__":
    run_stage(main)
