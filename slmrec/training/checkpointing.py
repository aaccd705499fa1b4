"""Weights and optimizer moments as the tensors of a checkpoint, and back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from torch import Tensor, nn
from torch.optim import Optimizer

NOW, BEST, OPTIMIZER = "now.", "best.", "optimizer."  # what the names of tensors start with


def copy_weights(module: nn.Module) -> dict[str, Tensor]:
    """The weights and buffers of a module, as they are now."""
    return {name: value.detach().clone() for name, value in module.state_dict().items()}


def checkpoint_tensors(
    module: nn.Module, best_weights: Mapping[str, Tensor], optimizers: Sequence[Optimizer]
) -> dict[str, Tensor]:
    """The tensors that `restore_tensors` goes on from."""
    tensors = {f"{NOW}{name}": value.detach() for name, value in module.state_dict().items()}
    tensors |= {f"{BEST}{name}": value for name, value in best_weights.items()}
    for number, optimizer in enumerate(optimizers):
        for index, moments in optimizer.state_dict()["state"].items():
            prefix = f"{OPTIMIZER}{number}.{index}."
            tensors |= {f"{prefix}{name}": value for name, value in moments.items()}
    return {name: value.contiguous() for name, value in tensors.items()}


def restore_tensors(
    tensors: Mapping[str, Tensor], module: nn.Module, optimizers: Sequence[Optimizer]
) -> dict[str, Tensor]:
    """Put weights and moments back where they were and return the best weights so far."""
    module.load_state_dict(_with_prefix(tensors, NOW))
    for number, optimizer in enumerate(optimizers):
        _restore_optimizer(optimizer, _with_prefix(tensors, f"{OPTIMIZER}{number}."))
    return _with_prefix(tensors, BEST)


def _restore_optimizer(optimizer: Optimizer, moments: Mapping[str, Tensor]) -> None:
    state: dict[int, dict[str, Tensor]] = {}
    for name, value in moments.items():
        index, _, key = name.partition(".")
        state.setdefault(int(index), {})[key] = value
    optimizer.load_state_dict({**optimizer.state_dict(), "state": state})


def _with_prefix(tensors: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {
        name.removeprefix(prefix): value
        for name, value in tensors.items()
        if name.startswith(prefix)
    }
