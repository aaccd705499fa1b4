"""A user tower that does not give the model's scores stops the export."""

from __future__ import annotations

import numpy as np
import pytest

from slmrec.core.errors import PromiseError
from slmrec.export.further_parity import check_user_tower
from slmrec.export.item_tables import candidates_of
from slmrec.export.parity import Parity
from tests.support.bundles import (
    PARAMS,
    embed_small_users,
    served_items,
    small_model,
    small_parts,
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
