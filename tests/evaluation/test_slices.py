"""Slices of the test targets: short inputs, tail items, items without a training event."""

from __future__ import annotations

import pytest

from slmrec.evaluation.slices import target_slices
from tests.support.evaluation import evaluate_params
from tests.support.histories import histories_of

P = evaluate_params()
# Trained on 2 2 2 3 4 and on 2: four times 2, once 3, once 4.
HISTORIES = histories_of([[2, 2, 2, 3, 4, 4, 9], [2, 3, 3]], max_length=9)


def test_slices_hold_short_inputs_rare_items_and_new_items() -> None:
    slices = target_slices(HISTORIES, HISTORIES.targets["test"], 10, P)  # of items 9 and 3
    assert slices["short_history"].tolist() == [False, True]  # inputs of 6 and 2 items
    assert slices["new_items"].tolist() == [True, False]
    assert slices["tail_items"].tolist() == [False, True]


@pytest.mark.parametrize(("tail_share", "in_tail"), [(0.2, False), (0.5, False), (1.0, True)])
def test_the_tail_ends_where_its_share_of_training_events_is_reached(
    tail_share: float, in_tail: bool
) -> None:
    histories = histories_of([[2, 2, 2, 3, 4, 4, 2]], max_length=9)
    p = P.model_copy(update={"tail_share": tail_share})
    slices = target_slices(histories, histories.targets["test"], 10, p)
    # the target 2 has three of five training events: only a tail of all of them holds it
    assert slices["tail_items"].tolist() == [in_tail]
