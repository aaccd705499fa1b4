"""Means of words' vectors: rare words weigh more, words of every title nothing."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from slmrec.pretrained.smollm2 import WORD_EMBEDDING
from slmrec.pretrained.word_vectors import mean_word_vectors
from tests.support.llm import write_tokenizer

WORDS = ["[UNK]", "red", "blue", "car", "boat", "the"]


@pytest.fixture
def words_dir(tmp_path: Path) -> Path:
    """A folder with a tokenizer of whole words and their vectors, one direction for each."""
    write_tokenizer(tmp_path, WORDS, unknown=WORDS[0])
    embedding = {WORD_EMBEDDING: torch.eye(len(WORDS)) + 1}
    save_file(embedding, tmp_path / "model.safetensors")
    return tmp_path


def test_rare_words_count_more_and_words_of_every_title_count_for_nothing(words_dir: Path) -> None:
    titles = ["The red car", "the blue boat", "The red car"]
    the_car, the_boat, again = mean_word_vectors(titles, words_dir, 64)
    assert torch.equal(the_car, again)
    assert the_car[1] == the_car[3] > 0
    assert the_boat[2] == the_boat[4] > 0
    three = mean_word_vectors(["the red car", "the red boat", "the blue boat"], words_dir, 64)
    assert three[0][3] > three[0][1], "a word of one title counts more than one of two"
    in_every_title = mean_word_vectors(["the", "the red"], words_dir, 64)[0]
    assert not in_every_title.any(), "what every title has tells none from another"


def test_a_mean_is_weighted_by_inverse_document_frequency(words_dir: Path) -> None:
    first, _ = mean_word_vectors(["red car", "red boat"], words_dir, 64)
    # red is in both titles: log(2 / 2) = 0; car in one: log(2 / 1). Two words, so half of it.
    centred = torch.eye(6)[3] - 1 / 6
    expected = torch.log(torch.tensor(2.0)) * centred / centred.norm() / 2
    torch.testing.assert_close(first, expected)


def test_words_are_read_in_lower_case(words_dir: Path) -> None:
    vectors = mean_word_vectors(["RED Car", "red car", "blue boat"], words_dir, 64)
    assert torch.equal(vectors[0], vectors[1])
    assert vectors[0].any()


def test_an_empty_title_has_a_vector_of_zeros(words_dir: Path) -> None:
    vectors = mean_word_vectors(["", "red"], words_dir, 64)
    assert vectors[0].tolist() == [0.0] * 6
    assert torch.isfinite(vectors).all()


def test_the_end_of_a_long_title_is_not_read(words_dir: Path) -> None:
    short, long, _ = mean_word_vectors(["red car", "red car boat", "blue"], words_dir, 2)
    assert torch.equal(short, long)
