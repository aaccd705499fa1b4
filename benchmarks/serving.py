"""An exported graph as work that can be timed."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import onnxruntime

from slmrec.evaluation.timing import LIST_LENGTH
from slmrec.runtime.session import run_graph


def serving_in_onnx(
    session: onnxruntime.InferenceSession, batches: list[np.ndarray]
) -> Callable[[], None]:
    """Work that recommends ten items for each input with a graph; nothing is excluded."""

    def recommend() -> None:
        for items in batches:
            run_graph(session, items, np.zeros((len(items), 0), dtype=np.int64), LIST_LENGTH)

    return recommend
