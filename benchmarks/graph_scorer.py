"""A graph that recommends, as a scorer that can be ranked and measured as models are."""

from __future__ import annotations

import numpy as np
import onnxruntime
import torch
from torch import Tensor

from slmrec.dataset.histories import Histories
from slmrec.dataset.padding import right_padded
from slmrec.runtime.session import run_graph


class GraphScorer:
    """Scores every item: asks for a list of all items and puts it back in the items' order."""

    def __init__(
        self, session: onnxruntime.InferenceSession, histories: Histories, items: int, length: int
    ) -> None:
        self.session = session
        self.histories = histories
        self.items = items
        self.length = length

    def score(self, rows: np.ndarray, stops: np.ndarray) -> Tensor:
        """Scores (B, I) of the histories `items[:stops]` of the users in `rows`."""
        history = right_padded(self.histories, rows, stops, self.length)  # (B, T)
        nothing = np.zeros((len(history), 0), dtype=np.int64)
        best = run_graph(self.session, history, nothing, self.items)
        scores = torch.full((len(history), self.items), -torch.inf)  # PAD and UNK are not listed
        return scores.scatter_(1, torch.from_numpy(best.items), torch.from_numpy(best.scores))
