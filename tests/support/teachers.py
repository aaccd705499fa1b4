"""A small teacher, what is recorded of it, and what a student may be asked to learn from it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from slmrec.models.factory import SequenceModel
from slmrec.models.llama import LlamaRecommender
from slmrec.neighbours.cross_fitted import CrossFittedNeighbours
from slmrec.params.distill_student import DistillWeights
from slmrec.params.record_states import RecordStatesParams
from slmrec.stages.record_states import record_states
from tests.support.histories import ring_histories
from tests.support.models import ITEMS, MAX_LENGTH, small_decoder

HISTORIES = ring_histories(40, ITEMS - 2, MAX_LENGTH)
RECORD = RecordStatesParams(
    keep="disk", blocks=[2, 4], top=5, precision="float32", shard_positions=37, neighbours=None
)
KEEP_NOTHING = RECORD.model_copy(update={"keep": "nothing"})
ALL_TERMS = DistillWeights(ranking=1, cosine=1, norm=0.1, multi_supervision=0.1, logits=0.5)
NO_TERMS = DistillWeights(ranking=0, cosine=0, norm=0, multi_supervision=0, logits=0)


def teacher() -> LlamaRecommender:
    """Four layers of width 16, the same on every call."""
    return small_decoder(4)


def record_teacher(
    states_dir: Path,
    members: Sequence[SequenceModel] = (),
    p: RecordStatesParams = RECORD,
    neighbours: CrossFittedNeighbours | None = None,
) -> Path:
    """Record the teacher, and the ensemble it forms with others, into `states_dir`."""
    record_states(teacher(), members, neighbours, HISTORIES, p, states_dir)
    return states_dir
