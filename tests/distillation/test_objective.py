"""The student learns from each term that has a weight, and the teacher only where it shall."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from slmrec.dataset.batches import make_batch
from slmrec.distillation.objective import Distillation, OnlineDistillation
from slmrec.distillation.teacher_states import TeacherStates
from slmrec.params.distill_student import DistillWeights
from slmrec.training.losses.next_item import NextItemLoss
from tests.support.histories import TRAINING
from tests.support.models import small_decoder
from tests.support.teachers import ALL_TERMS, HISTORIES, NO_TERMS, teacher

BATCH = make_batch(HISTORIES, np.arange(10))


def next_item_loss(distillation: Distillation) -> NextItemLoss:
    return NextItemLoss(distillation.student.item_embedding, TRAINING.loss, HISTORIES)


def losses_of(
    distillation: Distillation, recorded_dir: Path, weights: DistillWeights
) -> dict[str, Tensor]:
    """The parts of the loss of ten windows, from recorded states."""
    states = TeacherStates(recorded_dir, HISTORIES)
    return distillation.offline_losses(BATCH, states, next_item_loss(distillation), weights)


def test_a_term_of_weight_zero_is_not_computed(recorded_dir: Path) -> None:
    distillation = Distillation(small_decoder(2), 16, 2)
    losses = losses_of(distillation, recorded_dir, ALL_TERMS)
    assert list(losses) == ["ranking", "logits", "multi_supervision", "cosine", "norm"]
    for name in ALL_TERMS.model_dump():
        only = NO_TERMS.model_copy(update={name: 1.0})
        assert set(losses_of(distillation, recorded_dir, only)) == {name}


class Untouched:
    """Stands for a teacher that must not be asked."""

    def outputs(self, windows: Tensor, real: Tensor) -> None:
        raise AssertionError(f"asked for {windows} at {real}")


@pytest.mark.parametrize("name", ["ranking", "multi_supervision"])
def test_terms_without_imitation_do_not_ask_the_teacher(name: str) -> None:
    distillation = Distillation(small_decoder(2), 16, 2)
    only = NO_TERMS.model_copy(update={name: 1.0})
    losses = distillation.offline_losses(
        BATCH,
        Untouched(),  # type: ignore[arg-type]
        next_item_loss(distillation),
        only,
    )
    assert set(losses) == {name}


def test_the_teacher_itself_as_student_has_nothing_left_to_imitate(recorded_dir: Path) -> None:
    losses = losses_of(Distillation(teacher(), 16, 2), recorded_dir, ALL_TERMS)
    for name in ("cosine", "norm", "logits"):
        assert losses[name].item() == pytest.approx(0, abs=1e-5)


def test_every_term_reaches_the_student_and_imitation_falls_when_trained(
    recorded_dir: Path,
) -> None:
    torch.manual_seed(0)
    # A narrow student, through maps that only training has.
    distillation = Distillation(small_decoder(2, width=8), 16, 2)
    optimizer = torch.optim.AdamW(distillation.parameters(), lr=0.01)
    imitation = DistillWeights(ranking=0, cosine=1, norm=1, multi_supervision=0, logits=1)
    first = losses_of(distillation, recorded_dir, imitation)
    for _ in range(60):
        losses = losses_of(distillation, recorded_dir, imitation)
        torch.stack(list(losses.values())).sum().backward()
        optimizer.step()
        optimizer.zero_grad()
    last = losses_of(distillation, recorded_dir, imitation)
    assert all(last[name].item() < 0.8 * first[name].item() for name in first)


def test_multi_supervision_is_the_next_item_loss_of_every_block_but_the_last(
    recorded_dir: Path,
) -> None:
    distillation = Distillation(small_decoder(2), 16, 2)
    only = NO_TERMS.model_copy(update={"multi_supervision": 1.0})
    losses = losses_of(distillation, recorded_dir, only)
    _, [early, _] = distillation.student.forward_with_states(BATCH.items, [1, 2])
    [head] = distillation.heads.score_heads
    loss = next_item_loss(distillation).loss(head(early[BATCH.real]), BATCH.real_targets)
    torch.testing.assert_close(losses["multi_supervision"], loss)
    losses["multi_supervision"].backward()
    # The embedding learns as input, but not to suit early layers: none but read items change.
    gradient = distillation.student.item_embedding.ids.grad
    assert gradient is not None
    unread = [item for item in range(len(gradient)) if not (BATCH.items == item).any()]
    assert unread and not gradient[unread].any()


def test_blocks_align_by_share_of_depth() -> None:
    assert Distillation(small_decoder(4), 16, 2).block_ends == [2, 4]
    assert Distillation(small_decoder(2), 16, 2).block_ends == [1, 2]


def test_only_unequal_widths_are_mapped() -> None:
    assert not list(Distillation(small_decoder(2), 16, 2).heads.state_projs.parameters())
    narrow = Distillation(small_decoder(2, width=8), 16, 2).heads.state_projs
    assert [tuple(weight.shape) for weight in narrow.parameters()] == [(16, 8), (16, 8)]


def online_pull(detach: bool, weights: DistillWeights) -> tuple[set[str], float]:
    """Names of the parts, and how strongly the parts other than its own pull at the teacher."""
    distillation, learning = Distillation(small_decoder(2), 16, 2), teacher()
    teacher_loss = NextItemLoss(learning.item_embedding, TRAINING.loss, HISTORIES)
    online = OnlineDistillation(distillation, learning, teacher_loss, [2, 4], 5, detach)
    losses = online.losses(BATCH, next_item_loss(distillation), weights)
    torch.stack(
        [loss for name, loss in losses.items() if name != "teacher_ranking"]
    ).sum().backward()
    gradients = [weight.grad for weight in learning.parameters() if weight.grad is not None]
    return set(losses), sum(float(gradient.abs().sum()) for gradient in gradients)


def test_online_a_detached_teacher_learns_from_its_own_loss_alone() -> None:
    names, pull = online_pull(detach=True, weights=ALL_TERMS)
    assert names == {"ranking", "cosine", "norm", "multi_supervision", "logits", "teacher_ranking"}
    assert pull == 0
    assert online_pull(detach=False, weights=ALL_TERMS)[1] > 0


def test_online_soft_targets_of_the_full_softmax_never_pull_at_the_teacher() -> None:
    only_logits = NO_TERMS.model_copy(update={"logits": 1.0})
    assert online_pull(detach=False, weights=only_logits)[1] == 0


def test_online_the_student_learns_what_it_would_from_the_recorded_teacher(
    recorded_dir: Path,
) -> None:
    distillation, learning = Distillation(small_decoder(2), 16, 2), teacher()
    teacher_loss = NextItemLoss(learning.item_embedding, TRAINING.loss, HISTORIES)
    online = OnlineDistillation(distillation, learning, teacher_loss, [2, 4], 5, detach=True)
    losses = online.losses(BATCH, next_item_loss(distillation), ALL_TERMS)
    expected = losses_of(distillation, recorded_dir, ALL_TERMS)
    for name, loss in expected.items():
        torch.testing.assert_close(losses[name], loss, msg=name)
    vectors = learning(BATCH.items)[BATCH.real]
    teacher_ranking = teacher_loss.loss(vectors, BATCH.real_targets)
    torch.testing.assert_close(losses["teacher_ranking"], teacher_ranking)
