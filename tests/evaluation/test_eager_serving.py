"""Torch answers the workloads that a bundle is measured on."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from slmrec.core.errors import UsageError
from slmrec.evaluation import eager_serving
from slmrec.evaluation.eager_serving import serving_eagerly
from slmrec.models.serialization import save_model
from slmrec.runtime.latency import Workload, workloads
from tests.support.bundles import MAX_LENGTH, small_model


def test_a_model_is_run_on_the_newest_histories(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save_model(small_model(), tmp_path)
    listed: list[torch.Tensor] = []
    topk = torch.topk

    def noted(scores: torch.Tensor, k: int) -> object:
        listed.append(scores)
        return topk(scores, k)

    monkeypatch.setattr(eager_serving.torch, "topk", noted)
    (_, _, longest, _) = workloads(items=40, longest=MAX_LENGTH, batches=(3,))
    serving_eagerly(tmp_path, None)(Workload(3, "6", longest.indices))()
    with torch.inference_mode():
        model = small_model()
        items = torch.from_numpy(longest.indices)
        expected = model(items)[:, -1] @ model.item_embedding.folded().T
    torch.testing.assert_close(listed[0], expected)


def test_a_folder_without_a_model_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="holds no model; give the folder of the student"):
        serving_eagerly(tmp_path, None)
