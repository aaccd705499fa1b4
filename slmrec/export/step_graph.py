"""The graph `step.onnx`: further events of users whose earlier ones are a state, not read again.

The state holds what later positions read of earlier ones: keys and values of every layer, and the
items themselves, for neighbours and for how many there are. Both come out with the new events
written in. A state of zeros is that of a user without events.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import onnx
import torch
from torch import Tensor, nn
from torch.nn import functional
from transformers.models.llama.modeling_llama import LlamaDecoderLayer, repeat_kv

from slmrec.core.errors import UsageError
from slmrec.core.vocabulary import PAD, UNK
from slmrec.export.canonical_graph import canonicalize
from slmrec.export.graph import Additions, ServingGraph, check_weights, exported
from slmrec.export.last_position import heads_of, rotated
from slmrec.models.factory import SequenceModel
from slmrec.models.llama import LlamaRecommender

INPUTS = ("events", "exclude", "k", "state_items", "state")
OUTPUTS = ("items", "scores", "new_state_items", "new_state")
KeysValues = tuple[Tensor, Tensor]


class StepGraph(nn.Module):
    """What is exported: events (B, T), exclude (B, X), k (), state_items (B, W), state
    (B, W, L, 2, H, d) -> items and scores (B, K), new_state_items, new_state.

    W is the longest history, L the layers, 2 keys and values, H key heads, d their width. Events
    are read as ServingGraph reads a history, from the place where the state ends; a state and
    events of more than W together read the rotations out of their bounds, which fails on a CPU.
    """

    cosine: Tensor  # (W, d)
    sine: Tensor  # (W, d)

    def __init__(self, model: SequenceModel, candidates: Tensor, additions: Additions) -> None:
        super().__init__()
        if not isinstance(model, LlamaRecommender):
            raise UsageError(
                f"a {type(model).__name__} has no step graph, a decoder does; take step out of "
                "export_onnx.graphs"
            )
        self.serving = ServingGraph(model, candidates, additions)
        self.decoder = cast(LlamaRecommender, self.serving.vectors.get_submodule("model"))
        start = self.decoder.prompt_length
        positions = torch.arange(start, start + model.max_length)[None]
        with torch.no_grad():
            cosine, sine = self.decoder.rotary(torch.zeros(1), positions)
        self.register_buffer("cosine", cosine[0].clone())
        self.register_buffer("sine", sine[0].clone())

    @property
    def state_shape(self) -> tuple[int, ...]:
        """(W, L, 2, H, d)"""
        shape = self.decoder.shape
        return (len(self.cosine), shape.layers, 2, shape.key_value_heads, self.cosine.shape[1])

    def forward(
        self, events: Tensor, exclude: Tensor, k: Tensor, state_items: Tensor, state: Tensor
    ) -> tuple[Tensor, ...]:
        """The best items after the events, and the state with these in it."""
        events, steps, last = self._real(events)
        length = (state_items != PAD).sum(1)  # (B,)
        slots = length[:, None] + steps  # (B, T)
        rotation = (
            functional.embedding(slots, self.cosine)[:, None],  # (B, 1, T, d)
            functional.embedding(slots, self.sine)[:, None],
        )
        mask = self._mask(length, steps)
        past = state.permute(2, 3, 0, 4, 1, 5)  # (L, 2, B, H, W, d)
        h = self.decoder.input_proj(self.decoder.item_embedding(events))  # (B, T, D)
        added: list[Tensor] = []
        for index, layer in enumerate(self.decoder.layers):
            earlier = self._behind_prompt(index, (past[index, 0], past[index, 1]))
            h, new = _layer(cast(LlamaDecoderLayer, layer), h, rotation, earlier, mask)
            added += new
        h = h.gather(1, last[:, None, None].expand(-1, 1, h.shape[2]))  # (B, 1, D)
        vector = self.decoder.output_proj(self.decoder.norm(h))[:, 0]  # (B, E)
        new_items = state_items.scatter(1, slots, events)
        best, scores = self.serving.best(vector, new_items, length + last, exclude, k)
        return best, scores, new_items, self._written(state, added, slots)

    def _real(self, events: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Events without padding, their steps, and the last step.  # (B, T), (B, T), (B,)

        Padding repeats the last event, at the same step: it writes the same to the same place.
        """
        events = self.serving.known(events, UNK)
        steps = torch.arange(events.shape[1])[None]  # (1, T)
        last = torch.where(events != PAD, steps, 0).amax(1)  # (B,)
        steps = torch.minimum(steps, last[:, None])  # (B, T)
        real = events.gather(1, steps)
        return torch.where(real == PAD, UNK, real), steps, last

    def _mask(self, length: Tensor, steps: Tensor) -> Tensor:
        """What each event reads: the prompt, the state, itself and the events before it.

        # (B, 1, T, P + W + T) bool
        """
        window = torch.arange(len(self.cosine))[None] < length[:, None]  # (B, W)
        earlier = window[:, None].expand(-1, steps.shape[1], -1)  # (B, T, W)
        places = torch.arange(steps.shape[1])
        among = places[None, None] <= steps[:, :, None]  # (B, T, T)
        parts = [earlier, among]
        if self.decoder.prefix is not None:
            shape = (*steps.shape, self.decoder.prefix.length)
            parts.insert(0, torch.ones(shape, dtype=torch.bool))
        return torch.cat(parts, dim=2)[:, None]

    def _behind_prompt(self, index: int, state: KeysValues) -> KeysValues:
        if self.decoder.prefix is None:
            return state
        return self.decoder.prefix.of_layer(index).update(*state, index)

    def _written(self, state: Tensor, added: Sequence[Tensor], slots: Tensor) -> Tensor:
        """The state with keys and values (B, H, T, d) of every layer at their slots."""
        new = torch.stack(list(added), dim=3)  # (B, H, T, 2 L, d)
        new = new.permute(0, 2, 3, 1, 4)  # (B, T, 2 L, H, d)
        rows = torch.arange(slots.shape[0])[:, None].expand_as(slots)
        flat = state.flatten(2)  # (B, W, F)
        return flat.index_put((rows, slots), new.flatten(2)).unflatten(2, self.state_shape[1:])


def step_graph(
    model: SequenceModel, candidates: Tensor, opset: int, additions: Additions
) -> onnx.ModelProto:
    """Export `model` as a step graph with `candidates` (I,) bool.

    Raises what `export_graph` does, and UsageError for a model that is no decoder.
    """
    graph = StepGraph(model, candidates, additions)
    check_weights(graph)
    batch, time, excluded = (torch.export.Dim(name) for name in ("batch", "time", "excluded"))
    # The example is longer than 1 in every direction: torch.export takes 0 and 1 for constants.
    example = (
        torch.full((2, 3), UNK),
        torch.full((2, 2), PAD),
        torch.tensor(2),
        torch.full((2, graph.state_shape[0]), PAD),
        torch.zeros(2, *graph.state_shape),
    )
    shapes = ({0: batch, 1: time}, {0: batch, 1: excluded}, None, {0: batch}, {0: batch})
    return canonicalize(exported(graph, example, INPUTS, OUTPUTS, shapes, opset))


def _layer(
    layer: LlamaDecoderLayer, h: Tensor, rotation: KeysValues, earlier: KeysValues, mask: Tensor
) -> tuple[Tensor, KeysValues]:
    """States (B, T, D) after a layer, and the keys and values (B, H, T, d) of its input."""
    attention, width = layer.self_attn, layer.self_attn.head_dim
    normed = layer.input_layernorm(h)
    query = rotated(heads_of(attention.q_proj(normed), width), *rotation)
    key = rotated(heads_of(attention.k_proj(normed), width), *rotation)
    value = heads_of(attention.v_proj(normed), width)
    keys, values = (
        repeat_kv(torch.cat([before, new], dim=2), attention.num_key_value_groups)
        for before, new in zip(earlier, (key, value), strict=True)
    )
    attended = functional.scaled_dot_product_attention(
        query, keys, values, attn_mask=mask, scale=attention.scaling
    )
    h = h + attention.o_proj(attended.transpose(1, 2).flatten(2))
    return h + layer.mlp(layer.post_attention_layernorm(h)), (key, value)
