"""Section `record_states`: what is recorded of the teacher."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from slmrec.params.section import Count, Section, TopSection


class NeighbourMemberParams(Section):
    folds: int = Field(ge=2)  # of users; a user's positions are scored by the other folds' graph
    decay: float = Field(gt=0, le=1)  # of the item n steps before the newest: decay ** n
    # weight * log(1 + sum / epsilon) is added to the mean score of teacher and other members.
    weight: float = Field(gt=0)
    epsilon: float = Field(gt=0)


class RecordStatesParams(TopSection):
    KEY = "record_states"

    keep: Literal["disk", "nothing"]  # nothing: states are computed wherever they are read
    blocks: list[Count] = Field(min_length=1)  # teacher layers whose states are recorded, from 1
    top: Count  # items whose scores are recorded at a position
    precision: Literal["float16", "float32"]
    shard_positions: Count  # training positions a file
    # Item neighbours as a member of the ensemble that students imitate; None: they are none.
    neighbours: NeighbourMemberParams | None
