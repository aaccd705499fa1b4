"""Section `export_onnx`: the graph, and how far it may differ from torch."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from slmrec.params.section import Count, Section, Seed, Share, TopSection

Precision = Literal["int8", "fp16"]
Tolerance = Annotated[float, Field(gt=0, lt=1)]


class PrecisionParams(Section):
    """The graph in fewer bits: docs/consumers.md, "Precisions"."""

    wanted: list[Precision]  # beside fp32, each exported where it passes what follows
    targets: Count  # of validation, at most, whose lists are compared with those in fp32
    min_overlap: Share  # of the lists of ten
    max_ndcg_loss: Share  # of NDCG@10, as a share of that in fp32
    # How far golden scores may lie from those in fp32, as a share of their row's spread: what a
    # consumer's replay allows
    max_score_difference: dict[Precision, Tolerance]

    @model_validator(mode="after")
    def _each_has_its_tolerance(self) -> Self:
        if missing := sorted(set(self.wanted) - self.max_score_difference.keys()):
            raise ValueError(f"max_score_difference lacks {missing[0]}, which is wanted")
        return self


class ExportParams(TopSection):
    KEY = "export_onnx"

    seed: Seed
    model: Literal["student", "student_narrow"]  # which student is served
    neighbours: bool  # served with it, where validation says that they help
    # What answers a history without a known item: the newest days' popularity, or the model's list
    # for one unknown item
    empty_history: Literal["popularity", "unknown_item"]
    # Graphs beside model.onnx: docs/consumers.md, "Further graphs"
    graphs: list[Literal["serve_fixed", "user_tower", "step"]]
    precisions: PrecisionParams  # of model.onnx
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
