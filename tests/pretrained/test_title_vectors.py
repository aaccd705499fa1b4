"""Vectors of titles stand by item index; an item with a title and no events can be recommended."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest
import torch

from slmrec.core.checkpoint import Checkpoint
from slmrec.core.errors import DataError
from slmrec.dataset.histories import Histories
from slmrec.evaluation.baselines import Popularity
from slmrec.evaluation.evaluator import Evaluator, ParameterCounts
from slmrec.params.embed_items import EmbedItemsParams, TextEncoder, TextParams
from slmrec.params.training import SampledSoftmaxLoss
from slmrec.pretrained import title_vectors
from slmrec.ranking.scorers import ModelScorer, Scorer
from slmrec.stages.embed_items import embed_items
from tests.support.evaluation import evaluate_params
from tests.support.histories import TRAINING, histories_of

CATALOGUE = pl.DataFrame(
    {"item_index": [2, 3, 4, 5], "title": ["red car", None, "blue boat", " "]},
    schema={"item_index": pl.UInt32, "title": pl.String},
)


@pytest.fixture
def encoded_titles(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Titles that encoders were asked for; stand-ins whose vectors depend on the title alone."""
    encoded: list[str] = []

    def encode(titles: list[str], width: int) -> torch.Tensor:
        encoded.extend(titles)
        seeds = [torch.Generator().manual_seed(len(title)) for title in titles]
        return torch.stack([torch.randn(width, generator=seed) for seed in seeds])

    monkeypatch.setattr(
        title_vectors, "sentence_vectors", lambda titles, _encoder, _max_pieces: encode(titles, 6)
    )
    monkeypatch.setattr(
        title_vectors, "mean_word_vectors", lambda titles, _llm_dir, _max_pieces: encode(titles, 4)
    )
    monkeypatch.setattr(title_vectors, "smollm2_folder", lambda: Path("llm"))
    return encoded


def test_vectors_stand_by_item_index_and_an_item_without_a_title_gets_zeros(
    encoded_titles: list[str],
) -> None:
    vectors = title_vectors.title_vectors(CATALOGUE, 6, ["minilm"])
    assert vectors.any(dim=1).tolist() == [False, False, True, False, True, False]
    torch.testing.assert_close(vectors[[2, 4]].norm(dim=1), torch.ones(2))
    assert encoded_titles == ["red car", "blue boat"]


def test_what_all_titles_have_in_common_is_taken_away(encoded_titles: list[str]) -> None:
    vectors = title_vectors.title_vectors(CATALOGUE, 6, ["minilm"])
    torch.testing.assert_close(vectors[2], -vectors[4])  # two vectors about their mean


def test_several_encoders_stand_side_by_side(encoded_titles: list[str]) -> None:
    encoders: list[TextEncoder] = ["minilm", "smollm2-words"]
    both = title_vectors.title_vectors(CATALOGUE, 6, encoders)
    single = [title_vectors.title_vectors(CATALOGUE, 6, [encoder]) for encoder in encoders]
    assert torch.equal(both, torch.cat(single, dim=1))
    assert both.shape == (6, 6 + 4)


def test_text_without_a_single_title_is_refused(encoded_titles: list[str]) -> None:
    with pytest.raises(DataError, match="no item has a title"):
        title_vectors.title_vectors(CATALOGUE[[1, 3]], 6, ["minilm"])
    assert not encoded_titles


def test_whitened_vectors_vary_alike_in_every_direction() -> None:
    random = torch.Generator().manual_seed(1)
    shared = torch.tensor([30.0, 0, 0, 0, 0, 0])  # what all titles of a shop have in common
    deviations = torch.tensor([5.0, 3, 1, 1, 0.5, 0.3])
    vectors = torch.randn(4000, 6, generator=random) * deviations + shared
    variances = torch.linalg.eigvalsh(torch.cov(title_vectors.whiten(vectors).T))
    # before: 0.09 to 25; of the least, 0.09 / (0.09 + 0.01 * 6.06) is left
    assert 0.5 < variances.min() < variances.max() < 1.01


@pytest.mark.parametrize("vectors", [torch.randn(3, 6), torch.ones(3, 6), torch.ones(1, 6)])
def test_titles_fewer_than_directions_and_titles_all_alike_stay_finite(
    vectors: torch.Tensor,
) -> None:
    assert torch.isfinite(title_vectors.whiten(vectors)).all()


GROUPS, IN_GROUP, COLD = 8, 6, 2  # the last two items of each group come only after the cut
ITEMS = 2 + GROUPS * IN_GROUP


def grouped_histories() -> Histories:
    """Users stay in one group of items; half of them meet a new item of it at the very end."""
    random = np.random.default_rng(0)
    sequences = []
    for user in range(400):
        first = 2 + int(random.integers(GROUPS)) * IN_GROUP
        known = (first + random.integers(IN_GROUP - COLD, size=8)).tolist()
        last = first + int(
            random.integers(IN_GROUP - COLD, IN_GROUP)
            if user % 2
            else random.integers(IN_GROUP - COLD)
        )
        sequences.append([*known, last])
    return histories_of(sequences, 8)


def group_vectors() -> torch.Tensor:
    """Vectors of titles that tell the groups apart, with noise.  # (ITEMS, GROUPS)"""
    noise = 0.3 * torch.randn(ITEMS, GROUPS, generator=torch.Generator().manual_seed(1))
    groups = torch.eye(GROUPS).repeat_interleave(IN_GROUP, dim=0)
    return torch.cat([torch.zeros(2, GROUPS), groups + noise[2:]])


def test_a_new_item_with_a_title_is_recommended_above_popularity_and_chance(
    tmp_path: Path,
) -> None:
    torch.set_num_threads(1)
    histories = grouped_histories()
    loss = SampledSoftmaxLoss(kind="sampled_softmax", negatives=40, uniform_share=0.5, rows="all")
    changes = {"epochs": 6, "positions_per_batch": 256, "loss": loss}
    p = EmbedItemsParams(
        seed=1,
        ensemble_seeds=[],
        ensemble_low_pass=None,
        width=16,
        layers=1,
        heads=2,
        feed_forward=32,
        dropout=0.1,
        text=TextParams(encoders=["minilm"], hidden_ids=0.2, new_items_may_cost=0.0),
        training=TRAINING.model_copy(update=changes),
    )
    scorers: dict[str, Scorer] = {"popularity": Popularity(histories, ITEMS, None)}
    for name, text in (("sasrec", None), ("sasrec_text", group_vectors())):
        checkpoint = Checkpoint(tmp_path / f"{name}.safetensors")
        model, _ = embed_items(histories, text, ITEMS, p, torch.device("cpu"), checkpoint)
        scorers[name] = ModelScorer(model, histories)
    evaluator = Evaluator(
        histories,
        ITEMS,
        np.arange(2, ITEMS),
        evaluate_params(bootstrap=50),
    )
    hits = {
        name: evaluator.report(evaluator.rank(scorer), ParameterCounts.of())["slices"]["new_items"]
        for name, scorer in scorers.items()
    }
    chance = 10 / (ITEMS - 2 - 4)  # a user's own four items are left out
    assert hits["popularity"]["hr@10"] == 0
    assert hits["sasrec_text"]["hr@10"] > max(1.5 * chance, hits["sasrec"]["hr@10"])
