"""Teacher states are found by key, and the student learns from each term that has a weight."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from slmrec.batches import batches_of_epoch, make_batch
from slmrec.distillation import Distillation
from slmrec.errors import DataError, UnavailableError
from slmrec.item_table import ItemTable
from slmrec.models import new_decoder
from slmrec.params import DecoderParams, DistillWeights, RecordStatesParams
from slmrec.ranking import Ranking, trained_rows
from slmrec.stages.record_states import record_states
from slmrec.states import TeacherStates
from slmrec.teacher_rows import ComputedStates, Given, open_states, rows_of
from tests.made_histories import TRAINING, ring_histories

ITEMS = 14
HISTORIES = ring_histories(40, ITEMS - 2, 8)
RECORD = RecordStatesParams(keep="disk", blocks=[2, 4], top=5, precision="float32", shard_positions=37)
ALL = DistillWeights(ranking=1, cosine=1, norm=0.1, multi_supervision=0.1, logits=0.5)
NONE = DistillWeights(ranking=0, cosine=0, norm=0, multi_supervision=0, logits=0)


def decoder(layers: int, width: int = 16):
    torch.manual_seed(layers)
    table = ItemTable(torch.ones(ITEMS, dtype=torch.bool), 8, None)
    shape = DecoderParams(kind="config", layers=layers, width=width, heads=2, key_value_heads=1, feed_forward=24)
    return new_decoder(table, shape, 0.0, 0.0, 8).eval()


@pytest.fixture(scope="module")
def recorded(tmp_path_factory):
    folder = tmp_path_factory.mktemp("states") / "teacher_states"
    record_states(decoder(4), HISTORIES, RECORD, folder)
    return folder


def test_recorded_rows_are_the_teachers_own_whatever_the_batch(recorded):
    teacher, states = decoder(4), TeacherStates(recorded, HISTORIES)
    known = trained_rows(teacher.table)[1:]
    for rows in batches_of_epoch(HISTORIES, 60, seed=3, epoch=0):
        batch = make_batch(HISTORIES, rows)
        read = states.rows(batch.windows, batch.real)
        with torch.inference_mode():
            vectors, blocks = teacher.read(batch.items, RECORD.blocks)
            expected = rows_of(vectors, blocks, batch.real, known, teacher.table(known), RECORD.top)
        torch.testing.assert_close(read.states, expected.states)
        torch.testing.assert_close(read.scores, expected.scores)
        assert torch.equal(read.items, expected.items)


def test_states_are_written_in_shards_of_the_asked_size(recorded):
    shards = sorted(path.name for path in recorded.glob("states-*"))
    assert len(shards) == -(-int(HISTORIES.windows.positions.sum()) // 37)


def test_states_of_other_windows_are_refused(recorded):
    with pytest.raises(DataError, match="run dvc repro record_states"):
        TeacherStates(recorded, ring_histories(39, ITEMS - 2, 8))


def test_states_that_do_not_fit_the_disk_are_refused_before_anything_is_written(tmp_path, monkeypatch):
    monkeypatch.setattr("slmrec.states.shutil.disk_usage", lambda _: type("Usage", (), {"free": 100}))
    with pytest.raises(UnavailableError, match="record fewer blocks"):
        record_states(decoder(4), HISTORIES, RECORD, tmp_path / "states")
    assert not list((tmp_path / "states").iterdir())


def parts_of(distillation: Distillation, recorded, weights: DistillWeights) -> dict[str, torch.Tensor]:
    batch = make_batch(HISTORIES, np.arange(10))
    states = TeacherStates(recorded, HISTORIES)
    return distillation.parts(batch, states, Ranking(distillation.student.table, TRAINING.loss), weights, 1.0)


def test_a_term_of_weight_zero_is_not_computed(recorded):
    distillation = Distillation(decoder(2), 16, 2)
    assert set(parts_of(distillation, recorded, ALL)) == {"ranking", "cosine", "norm", "multi_supervision", "logits"}
    for name in ALL.model_dump():
        assert set(parts_of(distillation, recorded, NONE.model_copy(update={name: 1.0}))) == {name}


def test_the_teacher_itself_as_student_has_nothing_left_to_imitate(recorded):
    teacher = decoder(4)
    parts = parts_of(Distillation(teacher, 16, 2), recorded, ALL)
    assert parts["cosine"].item() == pytest.approx(0, abs=1e-5)
    assert parts["norm"].item() == pytest.approx(0, abs=1e-5)
    assert parts["logits"].item() == pytest.approx(0, abs=1e-5)


def test_every_term_reaches_the_student_and_imitation_falls_when_trained(recorded):
    torch.manual_seed(0)
    distillation = Distillation(decoder(2, width=8), 16, 2)  # a narrow student, through training-only projections
    optimizer = torch.optim.AdamW(distillation.parameters(), lr=0.01)
    imitation = DistillWeights(ranking=0, cosine=1, norm=1, multi_supervision=0, logits=1)
    first = {name: part.item() for name, part in parts_of(distillation, recorded, imitation).items()}
    for _ in range(60):
        torch.stack(list(parts_of(distillation, recorded, imitation).values())).sum().backward()
        optimizer.step()
        optimizer.zero_grad()
    last = parts_of(distillation, recorded, imitation)
    assert all(last[name].item() < 0.8 * first[name] for name in first)


def test_blocks_align_by_share_of_depth():
    assert Distillation(decoder(4), 16, 2).after == [2, 4]
    assert Distillation(decoder(2), 16, 2).after == [1, 2]
