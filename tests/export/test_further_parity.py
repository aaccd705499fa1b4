"""A user tower that does not give the model's scores stops the export."""

from __future__ import annotations

import functools

import numpy as np
import pytest

from slmrec.core.errors import PromiseError
from slmrec.export.further_parity import check_steps, check_user_tower
from slmrec.export.item_tables import candidates_of
from slmrec.export.parity import Parity
from slmrec.runtime.session import open_session
from slmrec.runtime.stepper import Stepped, run_step
from tests.support.bundles import (
    MAX_LENGTH,
    PARAMS,
    embed_small_users,
    run_small_graph,
    served_items,
    small_model,
    small_parts,
    stamped_parts,
)

P = PARAMS.model_copy(update={"batches": [1, 5], "lengths": [1, 6, 20]})
VECTORS = small_parts().item_vectors or b""


def new_parity() -> Parity:
    return Parity(candidates_of(served_items()), P)


def test_the_vectors_give_the_models_scores() -> None:
    parity = new_parity()
    check_user_tower(small_model(), embed_small_users(), VECTORS, parity)
    assert parity.rows == (1 + 5) * 3 == parity.identical


def test_a_vector_without_the_bonus_of_new_items_is_caught() -> None:
    def without_bonus(history: np.ndarray) -> np.ndarray:
        return embed_small_users()(history) * np.array([1] * 8 + [0], np.float32)

    with pytest.raises(PromiseError, match=r"differ by .* item index 8: torch"):
        check_user_tower(small_model(), without_bonus, VECTORS, new_parity())


def run_small_step() -> functools.partial[Stepped]:
    return functools.partial(run_step, open_session(stamped_parts()["step.onnx"], "cpu", 1))


def test_steps_up_to_the_full_window_give_what_the_whole_gives() -> None:
    parity = Parity(candidates_of(served_items()), P.model_copy(update={"lengths": [1, 4, 20]}))
    assert MAX_LENGTH not in parity.p.lengths
    check_steps(run_small_step(), run_small_graph(), small_parts().state_shape(), parity)
    # at lengths 1 and 4 of the grid, and at the end; 20 is longer than the window
    assert parity.rows == 5 * 3 == parity.identical


def test_a_state_that_forgets_is_caught_and_the_step_is_named() -> None:
    def forgetful(
        events: np.ndarray, exclude: np.ndarray, k: int, items: np.ndarray, state: np.ndarray
    ) -> Stepped:
        step = run_small_step()(events, exclude, k, items, state)
        return Stepped(step.top, step.items, step.state * np.float32(0.9))

    with pytest.raises(PromiseError, match=r"differ by .* at step \d of a history"):
        check_steps(forgetful, run_small_graph(), small_parts().state_shape(), new_parity())
