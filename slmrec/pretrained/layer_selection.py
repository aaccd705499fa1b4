"""Which layers of a pretrained decoder a teacher keeps."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from slmrec.core.errors import UsageError
from slmrec.models.llama import LlamaRecommender
from slmrec.params.train_teacher import EveryLayer, FirstLayers, LeastChange


def layers_by_place(cut: FirstLayers | EveryLayer, depth: int) -> list[int]:
    """Layers, counted from 1, that a rule keeps of a decoder of `depth` layers. Raises UsageError when there are too few."""
    if isinstance(cut, EveryLayer):
        return list(range(1, depth + 1, cut.step))
    if cut.layers > depth:
        raise UsageError(f"backbone.cut keeps {cut.layers} layers, the model has {depth}; lower it")
    return list(range(1, cut.layers + 1))


def changes_without(model: LlamaRecommender, items: Tensor) -> list[float]:
    """How far the last state turns when one layer is left out: 1 - cosine, mean over real positions, layer by layer.

    items (B, T) are right-padded histories. As ShortGPT's block influence (arXiv 2403.03853), but
    measured on the output, so that what later layers repair or amplify counts.
    """
    real = items != 0
    layers = model.layers
    with torch.inference_mode():
        whole = _last_state(model, items)[real]
        changes = []
        for left_out in range(len(layers)):
            model.layers = nn.ModuleList(
                layer for index, layer in enumerate(layers) if index != left_out
            )
            without = _last_state(model, items)[real]
            changes.append(float(1 - functional.cosine_similarity(whole, without, dim=1).mean()))
    model.layers = layers
    return changes


def _last_state(model: LlamaRecommender, items: Tensor) -> Tensor:
    return model.norm(model.forward_with_states(items, [len(model.layers)])[1][-1])


def least_change(model: LlamaRecommender, items: Tensor, cut: LeastChange) -> list[int]:
    """The layers, counted from 1, without which the output changes most; the first of equals stays."""
    depth = len(model.layers)
    if cut.layers > depth:
        raise UsageError(f"backbone.cut keeps {cut.layers} layers, the model has {depth}; lower it")
    changes = changes_without(model, items)
    print(
        "change of the output without each layer: "
        + " ".join(f"{change:.4f}" for change in changes),
        flush=True,
    )
    best = sorted(range(depth), key=lambda layer: (-changes[layer], layer))[: cut.layers]
    return sorted(layer + 1 for layer in best)
