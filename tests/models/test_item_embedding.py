"""The item embedding: ids, text and the items that have no events."""

from __future__ import annotations

import pytest
import torch

from slmrec.core.vocabulary import UNK
from slmrec.models.item_embedding import training_candidates
from tests.support.models import ITEMS, WIDTH, item_embedding

COLD = (5, 7)
TEXT = torch.randn(ITEMS, 6, generator=torch.Generator().manual_seed(3))


def test_an_item_without_training_events_reads_the_unknown_items_vector() -> None:
    embedding = item_embedding(COLD)
    assert torch.equal(embedding(torch.tensor([5, 7])), embedding(torch.tensor([UNK, UNK])))
    assert not torch.equal(embedding(torch.tensor([4])), embedding(torch.tensor([UNK])))


def test_text_gives_an_item_without_events_a_place_of_its_own() -> None:
    embedding = item_embedding(COLD, TEXT)
    assert not torch.allclose(embedding(torch.tensor([5])), embedding(torch.tensor([7])))
    assert embedding.map_text is not None
    by_hand = embedding.ids[UNK] + embedding.map_text.weight @ TEXT[5]
    torch.testing.assert_close(embedding(torch.tensor(5)), by_hand)


def test_the_folded_matrix_holds_the_vectors_of_all_items() -> None:
    embedding = item_embedding(COLD, TEXT)
    folded = embedding.folded()
    assert folded.shape == (ITEMS, WIDTH) == (len(embedding), embedding.width)
    for item in range(ITEMS):
        torch.testing.assert_close(folded[item], embedding(torch.tensor(item)))


def test_training_ranks_unk_and_the_items_with_events() -> None:
    expected = [item for item in range(1, ITEMS) if item not in COLD]
    assert training_candidates(item_embedding(COLD)).tolist() == expected


def test_only_new_items_get_the_bonus() -> None:
    embedding = item_embedding(COLD)
    embedding.new_item_bonus.fill_(1.5)
    assert embedding.bonuses().tolist() == [1.5 if item in COLD else 0 for item in range(ITEMS)]


def test_described_items_are_those_whose_title_has_a_vector() -> None:
    text = TEXT.clone()
    text[[0, 1, 4]] = 0
    assert item_embedding(COLD, text).described().tolist() == [2, 3, *range(5, ITEMS)]
    assert item_embedding(COLD).described().tolist() == []


def test_a_copy_without_text_starts_alike_and_tells_new_items_apart_no_more() -> None:
    embedding = item_embedding(COLD, TEXT)
    copy = embedding.without_text()
    trained = [item for item in range(ITEMS) if item not in COLD]
    torch.testing.assert_close(copy.folded()[trained], embedding.folded()[trained])
    assert torch.equal(copy(torch.tensor(5)), copy(torch.tensor(7)))
    assert copy.text is None and copy.is_new().tolist() == embedding.is_new().tolist()


def test_in_training_a_share_of_ids_is_hidden_the_same_wherever_an_item_stands() -> None:
    embedding = item_embedding(text=TEXT, hidden_ids=0.5).train()
    items = torch.arange(ITEMS).repeat(2, 1)
    hidden_by_seed = []
    for seed in range(50):
        torch.manual_seed(seed)
        first = embedding(items)
        assert torch.equal(first[0], first[1])
        torch.rand(7)  # what else a step draws changes nothing
        assert torch.equal(embedding(items), first)
        hidden_by_seed.append((first[0] != embedding.eval()(items)[0]).any(dim=1))
        embedding.train()
    hidden = torch.stack(hidden_by_seed).float()
    assert not hidden[:, :2].any()  # PAD and UNK are what they are
    assert hidden[:, 2:].mean().item() == pytest.approx(0.5, abs=0.1)
    assert not torch.equal(hidden[0], hidden[1])


def test_a_hidden_item_is_known_by_its_text_alone() -> None:
    embedding = item_embedding(text=TEXT, hidden_ids=1.0).train()
    assert embedding.map_text is not None
    by_text = embedding.ids[UNK] + embedding.map_text.weight @ TEXT[4]
    torch.testing.assert_close(embedding(torch.tensor(4)), by_text)


@pytest.mark.parametrize("sparse", [True, False])
def test_gradients_hold_only_the_rows_that_were_read_where_that_is_asked_for(sparse: bool) -> None:
    embedding = item_embedding(COLD)
    embedding.sparse_gradients = sparse
    embedding(torch.tensor([4, 4, 5])).sum().backward()
    gradient = embedding.ids.grad
    assert gradient is not None and gradient.is_sparse == sparse
    dense = gradient.to_dense()
    assert dense[[UNK, 4]].tolist() == [[1.0] * WIDTH, [2.0] * WIDTH]  # item 5 reads UNK's row
    assert dense.sum() == 3 * WIDTH
