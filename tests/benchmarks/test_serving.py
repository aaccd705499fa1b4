"""A graph serves every batch once, ten items a user."""

from __future__ import annotations

from unittest.mock import Mock

import numpy as np

from benchmarks.serving import serving_in_onnx


def test_every_batch_is_served_once_and_nothing_is_excluded() -> None:
    session = Mock()
    session.run.return_value = (np.zeros((2, 10)), np.zeros((2, 10)))
    batches = [np.ones((2, 5), dtype=np.int64), np.ones((1, 3), dtype=np.int64)]
    serving_in_onnx(session, batches)()
    inputs = [call.args[1] for call in session.run.call_args_list]
    assert [given["history"].shape for given in inputs] == [(2, 5), (1, 3)]
    assert [given["exclude"].shape for given in inputs] == [(2, 0), (1, 0)]
    assert [int(given["k"]) for given in inputs] == [10, 10]
