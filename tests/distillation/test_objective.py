"""Teacher states are found by key, and the student learns from each term that has a weight."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from slmrec.core.checkpoint import Checkpoint
from slmrec.core.errors import DataError, UnavailableError
from slmrec.dataset.batches import batches_of_epoch, make_batch
from slmrec.distillation.live_teacher import LiveTeacher, open_states
from slmrec.distillation.objective import Distillation, OnlineDistillation
from slmrec.distillation.teacher_outputs import rows_of
from slmrec.distillation.teacher_states import TeacherStates
from slmrec.models.factory import new_decoder
from slmrec.models.item_embedding import ItemEmbedding, trained_rows
from slmrec.params.decoder import DecoderParams, FullTuning, LoraTuning
from slmrec.params.distill_student import CutDecoder, DistillWeights, OnlineTeaching, StudentParams
from slmrec.params.record_states import RecordStatesParams
from slmrec.stages.distill_student import ONLY_RANKING, DistillationSetup, distill_student
from slmrec.stages.record_states import record_states
from slmrec.training.losses.next_item import NextItemLoss
from tests.support.histories import TRAINING, ring_histories

ITEMS = 14
HISTORIES = ring_histories(40, ITEMS - 2, 8)
RECORD = RecordStatesParams(
    keep="disk", blocks=[2, 4], top=5, precision="float32", shard_positions=37
)
ALL = DistillWeights(ranking=1, cosine=1, norm=0.1, multi_supervision=0.1, logits=0.5)
NONE = DistillWeights(ranking=0, cosine=0, norm=0, multi_supervision=0, logits=0)


def decoder(layers: int, width: int = 16):
    torch.manual_seed(layers)
    table = ItemEmbedding(torch.ones(ITEMS, dtype=torch.bool), 8, None, 0.0)
    shape = DecoderParams(
        kind="config", layers=layers, width=width, heads=2, key_value_heads=1, feed_forward=24
    )
    return new_decoder(table, shape, 0.0, 0.0, 8).eval()


@pytest.fixture(scope="module")
def recorded(tmp_path_factory):
    folder = tmp_path_factory.mktemp("states") / "teacher_states"
    record_states(decoder(4), [], HISTORIES, RECORD, folder)
    return folder


def test_recorded_rows_are_the_teachers_own_whatever_the_batch(recorded):
    teacher, states = decoder(4), TeacherStates(recorded, HISTORIES)
    known = trained_rows(teacher.item_embedding)
    for rows in batches_of_epoch(HISTORIES, 60, seed=3, epoch=0):
        batch = make_batch(HISTORIES, rows)
        read = states.rows(batch.windows, batch.real)
        with torch.inference_mode():
            vectors, blocks = teacher.forward_with_states(batch.items, RECORD.blocks)
            expected = rows_of(
                vectors, blocks, batch.real, known, teacher.item_embedding(known), RECORD.top
            )
        torch.testing.assert_close(read.states, expected.states)
        torch.testing.assert_close(read.scores, expected.scores)
        assert torch.equal(read.items, expected.items)


def test_states_are_written_in_shards_of_the_asked_size(recorded):
    shards = sorted(path.name for path in recorded.glob("states-*"))
    assert len(shards) == -(-int(HISTORIES.windows.positions.sum()) // 37)


def test_states_of_other_windows_are_refused(recorded):
    with pytest.raises(DataError, match="run dvc repro record_states"):
        TeacherStates(recorded, ring_histories(39, ITEMS - 2, 8))


def test_states_that_do_not_fit_the_disk_are_refused_before_anything_is_written(
    tmp_path, monkeypatch
):
    monkeypatch.setattr(
        "slmrec.distillation.teacher_states.shutil.disk_usage",
        lambda _: type("Usage", (), {"free": 100}),
    )
    with pytest.raises(UnavailableError, match="record fewer blocks"):
        record_states(decoder(4), [], HISTORIES, RECORD, tmp_path / "states")
    assert not list((tmp_path / "states").iterdir())


def parts_of(
    distillation: Distillation, recorded, weights: DistillWeights
) -> dict[str, torch.Tensor]:
    batch = make_batch(HISTORIES, np.arange(10))
    states = TeacherStates(recorded, HISTORIES)
    return distillation.parts(
        batch,
        states,
        NextItemLoss(distillation.student.item_embedding, TRAINING.loss, HISTORIES),
        weights,
    )


def test_a_term_of_weight_zero_is_not_computed(recorded):
    distillation = Distillation(decoder(2), 16, 2)
    assert set(parts_of(distillation, recorded, ALL)) == {
        "ranking",
        "cosine",
        "norm",
        "multi_supervision",
        "logits",
    }
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
    distillation = Distillation(
        decoder(2, width=8), 16, 2
    )  # a narrow student, through training-only projections
    optimizer = torch.optim.AdamW(distillation.parameters(), lr=0.01)
    imitation = DistillWeights(ranking=0, cosine=1, norm=1, multi_supervision=0, logits=1)
    first = {
        name: part.item() for name, part in parts_of(distillation, recorded, imitation).items()
    }
    for _ in range(60):
        torch.stack(list(parts_of(distillation, recorded, imitation).values())).sum().backward()
        optimizer.step()
        optimizer.zero_grad()
    last = parts_of(distillation, recorded, imitation)
    assert all(last[name].item() < 0.8 * first[name] for name in first)


def test_blocks_align_by_share_of_depth():
    assert Distillation(decoder(4), 16, 2).after == [2, 4]
    assert Distillation(decoder(2), 16, 2).after == [1, 2]


def test_computed_rows_are_the_recorded_ones_and_no_state_is_written(recorded, tmp_path):
    record_states(
        decoder(4), [], HISTORIES, RECORD.model_copy(update={"keep": "nothing"}), tmp_path
    )
    assert {file.name for file in tmp_path.iterdir()} == {"members.json", "states.json"}
    computed = open_states(tmp_path, HISTORIES, decoder(4))
    assert isinstance(computed, LiveTeacher)
    batch = make_batch(HISTORIES, np.arange(10))
    read, expected = (
        computed.rows(batch.windows, batch.real),
        TeacherStates(recorded, HISTORIES).rows(batch.windows, batch.real),
    )
    torch.testing.assert_close(read.states, expected.states)
    torch.testing.assert_close(read.scores, expected.scores)
    assert torch.equal(read.items, expected.items)


def online_gradients(detach: bool, weights: DistillWeights) -> tuple[set[str], float]:
    """Names of the parts, and how strongly the parts other than its own pull at the teacher."""
    student, teacher = decoder(2), decoder(4)
    both = OnlineDistillation(
        Distillation(student, 16, 2),
        teacher,
        NextItemLoss(teacher.item_embedding, TRAINING.loss, HISTORIES),
        [2, 4],
        5,
        detach,
    )
    parts = both.parts(
        make_batch(HISTORIES, np.arange(10)),
        NextItemLoss(student.item_embedding, TRAINING.loss, HISTORIES),
        weights,
    )
    torch.stack(
        [part for name, part in parts.items() if name != "teacher_ranking"]
    ).sum().backward()
    return set(parts), sum(
        float(weight.grad.abs().sum()) for weight in teacher.parameters() if weight.grad is not None
    )


def test_online_a_detached_teacher_learns_from_its_own_loss_alone():
    names, pull = online_gradients(detach=True, weights=ALL)
    assert names == {"ranking", "cosine", "norm", "multi_supervision", "logits", "teacher_ranking"}
    assert pull == 0
    assert online_gradients(detach=False, weights=ALL)[1] > 0


CUT = CutDecoder(kind="cut", teacher_layers=[1, 3], tuning=FullTuning(kind="full"))


def setup(recorded, online: OnlineTeaching | None = None) -> DistillationSetup:
    teacher = decoder(4)
    return DistillationSetup(
        HISTORIES, teacher, TeacherStates(recorded, HISTORIES), online, 1, torch.device("cpu")
    )


def student_params(**changes) -> StudentParams:
    plain = StudentParams(
        decoder=CUT,
        dropout=0.0,
        layer_drop=0.0,
        item_vectors="trained",
        weights=ALL,
        training=TRAINING,
    )
    return plain.model_copy(update=changes)


def test_a_student_learns_offline_online_with_lora_and_narrow(recorded, tmp_path):
    lora = LoraTuning(kind="lora", rank=2, alpha=2, dropout=0.0, targets=["q_proj", "down_proj"])
    narrow = DecoderParams(
        kind="config", layers=2, width=8, heads=2, key_value_heads=2, feed_forward=12
    )
    online = OnlineTeaching(kind="online", detach=False, teacher_weight=1.0)
    cases = {
        "offline": (setup(recorded), student_params()),
        "online": (setup(recorded, online), student_params()),
        "lora": (setup(recorded), student_params(decoder=CUT.model_copy(update={"tuning": lora}))),
        "narrow": (setup(recorded), student_params(decoder=narrow)),
        "frozen": (setup(recorded), student_params(item_vectors="frozen")),
    }
    for name, (taught, p) in cases.items():
        before = [weight.clone() for weight in taught.teacher.parameters()]
        student, curve = distill_student(
            taught, p, p.weights, Checkpoint(tmp_path / f"{name}.safetensors"), name
        )
        assert curve[-1]["ranking"] < curve[0]["ranking"], name
        assert ("teacher_ranking" in curve[0]) == (name == "online")
        assert student.shape.width == (8 if name == "narrow" else 16)
        assert torch.equal(
            student.item_embedding.folded(), taught.teacher.item_embedding.folded()
        ) == (name == "frozen")
        assert not any("lora" in key for key in student.state_dict())
        for old, new in zip(before, taught.teacher.parameters(), strict=True):
            assert torch.equal(old, new)  # the setup's teacher is the same for the next student


def test_without_distillation_no_teacher_runs_even_online(recorded, tmp_path):
    online = OnlineTeaching(kind="online", detach=True, teacher_weight=1.0)
    p = student_params()
    _, curve = distill_student(
        setup(recorded, online), p, ONLY_RANKING, Checkpoint(tmp_path / "c.safetensors"), "alone"
    )
    assert set(curve[0]) == {"epoch", "valid_ndcg@10", "ranking"}
