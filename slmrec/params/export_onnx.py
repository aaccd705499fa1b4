"""Section `export_onnx`: the graph, and how far it may differ from torch."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from slmrec.params.section import Count, Seed, Share, TopSection


class ExportParams(TopSection):
    KEY = "export_onnx"

    seed: Seed
    model: Literal["student", "student_narrow"]  # which student is served
    neighbours: bool  # served with it, where validation says that they help
    # Graphs beside model.onnx: docs/consumers.md, "Further graphs"
    graphs: list[Literal["serve_fixed", "user_tower", "step"]]
    fixed_k: Count  # length of serve_fixed's lists, or the number of candidates if that is less
    # Bounds: what was tried. From 23 on the exporter fuses attention, which is slower on a CPU.
    opset: int = Field(ge=18, le=20)
    max_score_difference: float = Field(gt=0)  # from torch, relative to the spread of the scores
    near_tie: float = Field(gt=0)  # scores closer than this share of their spread may change places
    min_same_top10: Share  # of rows with the same 10 best items in the same order, ties aside
    batches: list[Count] = Field(min_length=1)  # batch sizes of the grid compared with torch
    lengths: list[Count] = Field(min_length=1)  # history lengths of that grid
    compare_every: Count  # every so many batches of test inputs is compared with torch as well
    top: Count  # length of the compared lists and of the golden cases' lists
