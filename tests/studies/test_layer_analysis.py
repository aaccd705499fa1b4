"""What layers do is measured right, on states whose answers are known."""

from __future__ import annotations

import pytest
import torch

from slmrec.studies.layer_analysis import (
    cka_matrix,
    layer_changes,
    linear_cka,
    replaceability,
    states_between_layers,
)
from tests.support.models import small_decoder


def noise(*shape: int, seed: int = 1) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def test_states_alike_up_to_rotation_and_scale_have_a_cka_of_one_and_noise_has_none() -> None:
    states, rotation = noise(400, 6), torch.linalg.qr(noise(6, 6, seed=2)).Q
    assert linear_cka(states, 3 * states @ rotation + 1) == pytest.approx(1, abs=1e-5)
    assert linear_cka(states, noise(400, 6, seed=3)) < 0.1


def test_the_matrix_of_ckas_is_symmetric_with_ones_on_its_diagonal() -> None:
    matrix = torch.tensor(cka_matrix(noise(3, 100, 6)))
    torch.testing.assert_close(matrix, matrix.T)
    torch.testing.assert_close(matrix.diagonal(), torch.ones(3))


def test_a_layer_that_does_nothing_changes_nothing_and_one_that_turns_back_changes_most() -> None:
    states = noise(50, 6)
    changes = layer_changes(torch.stack([states, states, -states]))
    assert changes == pytest.approx([1 - 1, 1 - (-1)], abs=1e-6)


def test_linear_layers_are_replaced_by_one_map_and_unpredictable_ones_are_not() -> None:
    first = noise(600, 6)
    second = first @ noise(6, 6, seed=2) + 1
    third = noise(600, 6, seed=4)
    states = torch.stack([first, second, third])
    linear, unpredictable = replaceability(states, 1, 1e-6)
    assert linear == pytest.approx(1, abs=1e-3)
    assert unpredictable == pytest.approx(0, abs=0.1)
    assert replaceability(states, 2, 1e-6) == [pytest.approx(0, abs=0.1)]  # from first to third


def test_states_between_layers_are_those_of_real_positions() -> None:
    decoder, items = small_decoder(3, width=16), torch.tensor([[3, 4, 5], [6, 0, 0]])
    states = states_between_layers(decoder, items)
    assert states.shape == (1 + 3, 3 + 1, 16)  # 3 + 1 real positions
    with torch.no_grad():
        torch.testing.assert_close(
            states[0, 3], decoder.input_proj(decoder.item_embedding(items[1, 0]))
        )
        (last,) = decoder.forward_with_states(items[:1], [3])[1]
    torch.testing.assert_close(states[-1, :3], last[0])
