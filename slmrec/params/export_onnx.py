"""Section `export_onnx`."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from slmrec.params.section import Count, Seed, Share, TopSection


class ExportParams(TopSection):
    KEY = "export_onnx"

    seed: Seed
    model: Literal["student", "student_narrow"]  # which student is served
    opset: int = Field(
        ge=18, le=20
    )  # what was tried; from 23 on the exporter fuses attention, which is slower on a CPU
    max_score_difference: float = Field(gt=0)
    near_tie: float = Field(gt=0)  # scores closer than this share of their spread may change places
    min_same_top10: Share
    batches: list[Count] = Field(min_length=1)
    lengths: list[Count] = Field(min_length=1)
    compare_every: (
        Count  # of the batches of test inputs, which are held against torch beside the grid
    )
    top: Count
