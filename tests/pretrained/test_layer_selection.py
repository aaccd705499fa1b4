"""Every rule keeps the layers that it says, and refuses to keep more than there are."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from slmrec.core.errors import UsageError
from slmrec.models.llama import LlamaRecommender
from slmrec.params.train_teacher import EveryLayer, FirstLayers, LeastChange
from slmrec.pretrained.layer_selection import layers_by_change, layers_by_place, output_changes
from tests.support.llm import INPUTS, decoder_from


@pytest.fixture
def idle_middle(llm_dir: Path) -> LlamaRecommender:
    """A decoder of four layers, of which the second and the third add nothing."""
    decoder = decoder_from(llm_dir)
    with torch.no_grad():
        for index in (1, 2):
            for branch in ("self_attn.o_proj", "mlp.down_proj"):
                decoder.get_parameter(f"layers.{index}.{branch}.weight").zero_()
    return decoder


def test_rules_of_place_keep_the_layers_they_say() -> None:
    assert layers_by_place(FirstLayers(rule="first", layers=3), 6) == [1, 2, 3]
    assert layers_by_place(EveryLayer(rule="every", step=3), 8) == [1, 4, 7]


def test_more_layers_than_there_are_are_refused(llm_dir: Path) -> None:
    with pytest.raises(UsageError, match="keeps 7 layers, the model has 6"):
        layers_by_place(FirstLayers(rule="first", layers=7), 6)
    cut = LeastChange(rule="least_change", layers=5, windows=3)
    with pytest.raises(UsageError, match="keeps 5 layers, the model has 4"):
        layers_by_change(decoder_from(llm_dir), INPUTS, cut)


def test_without_an_idle_layer_the_output_does_not_change(idle_middle: LlamaRecommender) -> None:
    layers = list(idle_middle.layers)
    changes = output_changes(idle_middle, INPUTS)
    assert changes[1:3] == pytest.approx([0, 0], abs=1e-6)
    assert min(changes[0], changes[3]) > 1e-4
    assert list(idle_middle.layers) == layers, "measuring leaves the model as it was"


def test_the_change_is_measured_at_real_positions(llm_dir: Path) -> None:
    decoder = decoder_from(llm_dir)
    padded = torch.cat([INPUTS, torch.zeros(3, 4, dtype=torch.int64)], dim=1)
    expected = pytest.approx(output_changes(decoder, INPUTS), abs=1e-5)
    assert output_changes(decoder, padded) == expected


@pytest.mark.parametrize(("layers", "expected"), [(2, [1, 4]), (3, [1, 2, 4])])
def test_the_measured_rule_drops_the_layers_without_which_nothing_changes(
    idle_middle: LlamaRecommender, layers: int, expected: list[int]
) -> None:
    cut = LeastChange(rule="least_change", layers=layers, windows=3)
    assert layers_by_change(idle_middle, INPUTS, cut) == expected  # of two idle ones the first


def test_the_measured_rule_says_what_it_measured(
    idle_middle: LlamaRecommender, capsys: pytest.CaptureFixture[str]
) -> None:
    layers_by_change(idle_middle, INPUTS, LeastChange(rule="least_change", layers=2, windows=3))
    changes = output_changes(idle_middle, INPUTS)
    figures = " ".join(f"{change:.4f}" for change in changes)
    assert capsys.readouterr().out == f"change of the output without each layer: {figures}\n"
