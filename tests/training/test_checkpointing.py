"""A checkpoint's tensors bring weights, best weights and moments back."""

from __future__ import annotations

import torch
from torch import nn
from torch.optim import AdamW

from slmrec.training.checkpointing import checkpoint_tensors, copy_weights, restore_tensors


def take_steps(module: nn.Module, optimizers: list[AdamW], steps: int) -> None:
    for step in range(steps):
        torch.manual_seed(step)
        module(torch.randn(5, 3)).square().sum().backward()
        for optimizer in optimizers:
            optimizer.step()
            optimizer.zero_grad()


def make(seed: int) -> tuple[nn.Linear, list[AdamW]]:
    """A module whose two weights learn by an optimizer each."""
    torch.manual_seed(seed)
    module = nn.Linear(3, 2)
    return module, [AdamW([module.weight], lr=0.1), AdamW([module.bias], lr=0.2)]


def test_a_restored_run_takes_the_step_that_the_saved_one_would_have_taken() -> None:
    module, optimizers = make(1)
    take_steps(module, optimizers, 2)
    best = copy_weights(module)
    take_steps(module, optimizers, 3)
    tensors = {
        name: value.clone() for name, value in checkpoint_tensors(module, best, optimizers).items()
    }
    other, other_optimizers = make(2)
    restored_best = restore_tensors(tensors, other, other_optimizers)
    take_steps(module, optimizers, 1)
    take_steps(other, other_optimizers, 1)
    assert torch.equal(other.weight, module.weight) and torch.equal(other.bias, module.bias)
    assert restored_best.keys() == best.keys()
    assert all(torch.equal(restored_best[name], best[name]) for name in best)


def test_before_the_first_step_there_are_no_moments_and_nothing_breaks() -> None:
    module, optimizers = make(1)
    tensors = checkpoint_tensors(module, copy_weights(module), optimizers)
    assert set(tensors) == {"now.weight", "now.bias", "best.weight", "best.bias"}
    other, other_optimizers = make(2)
    restore_tensors(tensors, other, other_optimizers)
    assert torch.equal(other.weight, module.weight)


def test_copied_weights_do_not_follow_the_module() -> None:
    module, _ = make(1)
    weights, before = copy_weights(module), module.weight.tolist()
    nn.init.zeros_(module.weight)
    assert weights["weight"].tolist() == before and not weights["weight"].requires_grad
