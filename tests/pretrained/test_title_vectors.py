"""Sentence vectors are kept by title; an item with a title and no events can be recommended."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
import torch
from safetensors.torch import save_file
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Whitespace
from transformers import PreTrainedTokenizerFast

from slmrec.core.checkpoint import Checkpoint
from slmrec.core.errors import DataError, UnavailableError
from slmrec.evaluation.baselines import Popularity
from slmrec.evaluation.evaluator import Evaluator, Parameters
from slmrec.params.embed_items import EmbedItemsParams, TextParams
from slmrec.params.evaluate import EvaluateParams
from slmrec.params.training import SampledSoftmaxLoss
from slmrec.pretrained import title_vectors
from slmrec.pretrained.smollm2 import WORDS
from slmrec.pretrained.word_vectors import mean_words
from slmrec.ranking.scorers import ModelScorer, Scorer
from slmrec.stages.embed_items import embed_items
from tests.support.histories import TRAINING, histories_of

CATALOGUE = pl.DataFrame(
    {"item_index": [2, 3, 4, 5], "title": ["red car", None, "blue boat", " "]},
    schema={"item_index": pl.UInt32, "title": pl.String},
)


@pytest.fixture
def encoder(monkeypatch, tmp_path):
    """A stand-in for the encoder that counts what it is asked; vectors hang on the title alone."""
    asked: list[str] = []

    def encode(titles, _folder):
        asked.extend(titles)
        return torch.stack(
            [
                torch.randn(6, generator=torch.Generator().manual_seed(len(title)))
                for title in titles
            ]
        )

    monkeypatch.setenv("SLMREC_CACHE", str(tmp_path))
    monkeypatch.setattr(title_vectors, "_encode", encode)
    monkeypatch.setattr(title_vectors, "_model", lambda _encoder: (tmp_path, "stand-in"))
    return asked


def test_a_title_is_encoded_once_and_an_item_without_one_gets_zeros(encoder):
    vectors = title_vectors.title_vectors(CATALOGUE, 6, ["minilm"])
    assert vectors.any(dim=1).tolist() == [False, False, True, False, True, False]
    torch.testing.assert_close(vectors[[2, 4]].norm(dim=1), torch.ones(2))
    assert torch.equal(title_vectors.title_vectors(CATALOGUE, 6, ["minilm"]), vectors)
    assert sorted(encoder) == ["blue boat", "red car"]
    title_vectors.encoded(["red car", "green bus"], "minilm")
    assert encoder[2:] == ["green bus"]


@pytest.fixture
def llm(tmp_path):
    """A folder with a tokenizer of whole words and a table of their vectors."""
    words = ["[UNK]", "red", "blue", "car", "boat", "the"]
    tokenizer = Tokenizer(
        WordLevel({word: number for number, word in enumerate(words)}, unk_token="[UNK]")
    )
    tokenizer.pre_tokenizer = Whitespace()
    PreTrainedTokenizerFast(tokenizer_object=tokenizer).save_pretrained(tmp_path)
    save_file({WORDS: torch.eye(len(words)) + 1}, tmp_path / "model.safetensors")
    return tmp_path


def test_rare_words_count_more_and_words_of_every_title_count_for_nothing(llm):
    the_car, the_boat, again = mean_words(["The red car", "the blue boat", "The red car"], llm, 64)
    assert torch.equal(the_car, again)
    assert the_car[1] == the_car[3] > 0 and the_boat[2] == the_boat[4] > 0
    three = mean_words(["the red car", "the red boat", "the blue boat"], llm, 64)
    assert three[0][3] > three[0][1], "a word of one title counts more than one of two"
    assert not mean_words(["the", "the red"], llm, 64)[0].any(), (
        "what every title has tells none from another"
    )
    assert torch.isfinite(mean_words(["", "red"], llm, 64)).all()


def test_the_end_of_a_long_title_is_not_read(llm):
    short, long, _other = mean_words(["red car", "red car boat", "blue"], llm, 2)
    assert torch.equal(short, long)


def test_several_encoders_stand_side_by_side(encoder, llm, monkeypatch):
    monkeypatch.setattr(title_vectors, "smollm2_folder", lambda: llm)
    both = title_vectors.title_vectors(CATALOGUE, 6, ["minilm", "smollm2-words"])
    alone = [
        title_vectors.title_vectors(CATALOGUE, 6, [name]) for name in ("minilm", "smollm2-words")
    ]
    assert torch.equal(both, torch.cat(alone, dim=1))


def test_whitened_vectors_vary_alike_in_every_direction():
    random = torch.Generator().manual_seed(1)
    shared = torch.tensor([30.0, 0, 0, 0, 0, 0])  # what all titles of a shop have in common
    vectors = (
        torch.randn(4000, 6, generator=random) * torch.tensor([5.0, 3, 1, 1, 0.5, 0.3]) + shared
    )
    variances = torch.linalg.eigvalsh(torch.cov(title_vectors.whitened(vectors).T))
    assert (
        0.5 < variances.min() < variances.max() < 1.01
    )  # before: 0.09 to 25; the least keeps 0.09 / (0.09 + 0.01 * 6.06)


@pytest.mark.parametrize("vectors", [torch.randn(3, 6), torch.ones(3, 6), torch.ones(1, 6)])
def test_titles_fewer_than_directions_and_titles_all_alike_stay_finite(vectors):
    assert torch.isfinite(title_vectors.whitened(vectors)).all()


def test_a_damaged_cache_of_vectors_is_made_again(encoder, tmp_path, capsys):
    first = title_vectors.encoded(["red car"], "minilm")
    (tmp_path / "text" / "stand-in.safetensors").write_bytes(b"broken")
    assert torch.equal(title_vectors.encoded(["red car"], "minilm"), first)
    assert "damaged" in capsys.readouterr().out


def test_an_encoder_that_is_not_installed_is_named_with_what_to_do(monkeypatch):
    monkeypatch.setitem(title_vectors.PACKAGES, "minilm", ("no_such_module", "no-such-package"))
    with pytest.raises(
        UnavailableError, match=r"no-such-package is not installed; pip install 'slmrec\[text\]'"
    ):
        title_vectors.encoded(["red car"], "minilm")


def test_text_without_a_single_title_is_refused(encoder):
    with pytest.raises(DataError, match="no item has a title"):
        title_vectors.title_vectors(CATALOGUE[[1, 3]], 6, ["minilm"])
    assert not encoder


GROUPS, IN_GROUP, COLD = 8, 6, 2  # the last two items of each group come only after the cut
ITEMS = 2 + GROUPS * IN_GROUP


def grouped_histories():
    """Users stay in one group of items; half of them meet a new item of their group at the very end."""
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


def test_a_new_item_with_a_title_is_recommended_above_popularity_and_chance(tmp_path):
    torch.set_num_threads(1)
    histories = grouped_histories()
    noise = 0.3 * torch.randn(ITEMS, GROUPS, generator=torch.Generator().manual_seed(1))
    groups = torch.eye(GROUPS).repeat_interleave(IN_GROUP, dim=0)
    vectors = (
        torch.cat([torch.zeros(2, GROUPS), groups]) + noise * (torch.arange(ITEMS) > 1)[:, None]
    )
    loss = SampledSoftmaxLoss(kind="sampled_softmax", negatives=40, uniform_share=0.5, rows="all")
    training = TRAINING.model_copy(update={"epochs": 6, "positions_per_batch": 256, "loss": loss})
    p = EmbedItemsParams(
        seed=1, ensemble_seeds=[], width=16, layers=1, heads=2, feed_forward=32, dropout=0.1,
        text=TextParams(encoders=["minilm"], hidden_ids=0.2, new_items_may_cost=0.0), training=training,
    )  # fmt: skip
    judged = EvaluateParams(
        seed=1, negatives=3, bootstrap=50, recent_days=30, short_history=5, tail_share=0.2
    )
    evaluator = Evaluator(histories, ITEMS, np.arange(2, ITEMS), judged)
    scorers: dict[str, Scorer] = {"popularity": Popularity(histories, ITEMS, None)}
    for name, given in (("sasrec", None), ("sasrec_text", vectors)):
        model, _ = embed_items(
            histories,
            given,
            ITEMS,
            p,
            torch.device("cpu"),
            Checkpoint(tmp_path / f"{name}.safetensors"),
        )
        scorers[name] = ModelScorer(model, histories)
    new = {
        name: evaluator.report(evaluator.rank(scorer), Parameters(0, 0))["slices"]["new_items"][
            "hr@10"
        ]
        for name, scorer in scorers.items()
    }
    chance = 10 / (ITEMS - 2 - 4)  # a user's own four items are left out
    assert new["popularity"] == 0
    assert new["sasrec_text"] > max(1.5 * chance, new["sasrec"])
