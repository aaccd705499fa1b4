"""The graph `step.onnx`: further events of users whose earlier ones are a state, not read again.

The state holds what later positions read of earlier ones: what every layer keeps of them
(step_layers.py), and the items themselves, for neighbours and for how many there are. Both come out
with the new events written in. A state of zeros is that of a user without events.
"""

from __future__ import annotations

from collections.abc import Sequence

import onnx
import torch
from torch import Tensor, nn

from slmrec.core.vocabulary import PAD, UNK
from slmrec.export.canonical_graph import canonicalize
from slmrec.export.graph import Additions, ServingGraph, check_weights, exported
from slmrec.export.step_layers import step_layers
from slmrec.models.factory import SequenceModel
from slmrec.models.low_pass import states_at

INPUTS = ("events", "exclude", "k", "state_items", "state")
OUTPUTS = ("items", "scores", "new_state_items", "new_state")


class StepGraph(nn.Module):
    """What is exported: events (B, T), exclude (B, X), k (), state_items (B, W), state
    (B, W, L, S, H, d) -> items and scores (B, K), new_state_items, new_state.

    W is the longest history, L the layers, S what each keeps of an event (keys, values and, beside
    a low-pass filter, what it reads), H the heads of these, d their width. Events are read as
    ServingGraph reads a history, from the place where the state ends; a state and events of more
    than W together read positions out of their bounds, which fails on a CPU.
    """

    def __init__(self, model: SequenceModel, candidates: Tensor, additions: Additions) -> None:
        super().__init__()
        self.serving = ServingGraph(model, candidates, additions)
        self.window = model.max_length
        self.layers = step_layers(self.serving.vectors.get_submodule("model"), self.window)

    @property
    def state_shape(self) -> tuple[int, ...]:
        """(W, L, S, H, d)"""
        return (self.window, *self.layers.kept_shape)

    def forward(
        self, events: Tensor, exclude: Tensor, k: Tensor, state_items: Tensor, state: Tensor
    ) -> tuple[Tensor, ...]:
        """The best items after the events, and the state with these in it."""
        events, steps, last = self._real(events)
        length = (state_items != PAD).sum(1)  # (B,)
        slots = length[:, None] + steps  # (B, T)
        past = state.permute(2, 3, 0, 4, 1, 5)  # (L, S, B, H, W, d)
        h, kept = self.layers(events, slots, self._mask(length, steps), past)
        vector = self.layers.vectors(states_at(h, last[:, None]))[:, 0]  # (B, E)
        new_items = state_items.scatter(1, slots, events)
        best, scores = self.serving.best(vector, new_items, length + last, exclude, k)
        return best, scores, new_items, self._written(state, kept, slots)

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
        """What each event reads: the state, itself and the events before it.

        # (B, 1, T, W + T) bool
        """
        window = torch.arange(self.window)[None] < length[:, None]  # (B, W)
        earlier = window[:, None].expand(-1, steps.shape[1], -1)  # (B, T, W)
        places = torch.arange(steps.shape[1])
        among = places[None, None] <= steps[:, :, None]  # (B, T, T)
        return torch.cat([earlier, among], dim=2)[:, None]

    def _written(self, state: Tensor, kept: Sequence[Tensor], slots: Tensor) -> Tensor:
        """The state with what the layers keep of the events, (B, H, T, d) each, at their slots."""
        new = torch.stack(list(kept), dim=3)  # (B, H, T, L S, d)
        new = new.permute(0, 2, 3, 1, 4)  # (B, T, L S, H, d)
        rows = torch.arange(slots.shape[0])[:, None].expand_as(slots)
        flat = state.flatten(2)  # (B, W, F)
        return flat.index_put((rows, slots), new.flatten(2)).unflatten(2, self.state_shape[1:])


def step_graph(
    model: SequenceModel, candidates: Tensor, opset: int, additions: Additions
) -> onnx.ModelProto:
    """Export `model` as a step graph with `candidates` (I,) bool.

    Raises what `export_graph` does.
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
