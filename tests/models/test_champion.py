"""Models that go on from the champion's: its weights, its rows, and rows for what is new."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from slmrec.core.errors import DataError
from slmrec.core.trained_on import TrainedOn
from slmrec.models.champion import Champion, go_on_from
from slmrec.models.item_embedding import ItemEmbedding
from slmrec.models.sasrec import SASRec
from slmrec.models.serialization import save_model
from tests.support.histories import histories_of
from tests.support.models import small_decoder

OLD, NEW = 8, 11  # items of the champion and now; the last three arrived since
# The last two items of a history are targets: 8 stands beside 3 and 5, 9 beside 8 alone.
HISTORIES = histories_of([[2, 3, 8, 5, 6, 6], [4, 8, 9, 6, 6], [2, 7, 4, 6, 6]], 10)
UNK = 1


def sasrec(items: int, seed: int, unknown: tuple[int, ...] = (), width: int = 8) -> SASRec:
    """A SASRec of so many items, of which `unknown` have no training event."""
    torch.manual_seed(seed)
    trained = torch.ones(items, dtype=torch.bool)
    trained[list(unknown)] = False
    return SASRec(ItemEmbedding(trained, width, None, 0.0), 1, 2, 16, 0.0, 10)


@pytest.fixture
def champion(tmp_path: Path) -> Path:
    """The folder of a model that does not know item 4, though it had its row."""
    save_model(sasrec(OLD, 1, unknown=(4,)), tmp_path / "champion")
    return tmp_path / "champion"


def test_known_items_keep_their_rows_and_all_else_its_weights(
    champion: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model, old = sasrec(NEW, 2, unknown=(10,)), sasrec(OLD, 1, unknown=(4,))
    go_on_from(champion, HISTORIES, "sasrec", model)
    known = torch.tensor([0, 1, 2, 3, 5, 6, 7])
    assert torch.equal(model.item_embedding.ids[known], old.item_embedding.ids[known])
    kept = dict(old.named_parameters())
    for name, parameter in model.named_parameters():
        assert name == "item_embedding.ids" or torch.equal(parameter, kept[name]), name
    said = "sasrec: goes on from the champion's, 5 items known, 3 new\n"
    assert capsys.readouterr().out == said


def test_new_items_begin_between_those_they_stand_beside(champion: Path) -> None:
    model, old = sasrec(NEW, 2), sasrec(OLD, 1).item_embedding.ids
    go_on_from(champion, HISTORIES, "sasrec", model)
    rows = model.item_embedding.ids
    # 8: after 3 and before 5 in the first history; 4, its other neighbour, was not known either
    torch.testing.assert_close(rows[8], (old[3] + old[5]) / 2)
    torch.testing.assert_close(rows[4], old[7])  # it follows 7
    assert torch.equal(rows[9], old[UNK])  # beside 8 alone, which is new; its target says nothing
    assert torch.equal(rows[10], old[UNK])


@pytest.mark.parametrize("width", [4, 16])
def test_a_model_of_another_shape_starts_anew_and_says_why(
    champion: Path, width: int, capsys: pytest.CaptureFixture[str]
) -> None:
    model, untouched = sasrec(NEW, 2, width=width), sasrec(NEW, 2, width=width)
    go_on_from(champion, HISTORIES, "sasrec", model)
    same = zip(model.parameters(), untouched.parameters(), strict=True)
    assert all(torch.equal(left, right) for left, right in same)
    assert f"[8, 8], params.yaml asks for [11, {width}]" in capsys.readouterr().out


def test_fewer_items_than_the_champion_has_are_other_items(
    champion: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    go_on_from(champion, HISTORIES, "sasrec", sasrec(OLD - 1, 2))
    assert "starts anew" in capsys.readouterr().out


def test_more_layers_start_anew(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    save_model(small_decoder(1), tmp_path)
    go_on_from(tmp_path, HISTORIES, "teacher", small_decoder(2))
    assert (
        "starts anew, the champion's does not fit: it has no layers.1." in capsys.readouterr().out
    )


def test_without_a_champion_nothing_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    start = Champion.of(tmp_path, HISTORIES).start("item_vectors/sasrec", "sasrec")
    assert not start(sasrec(NEW, 2))
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    ("method", "valid_from", "line"),
    [
        # The first target of HISTORIES, whose events are a microsecond apart, is that of 4 us.
        ("temporal", 4, "sasrec: goes on from the champion's, 5 items known, 4 new"),
        ("temporal", 5, "has seen events up to 1970-01-01T00:00:00 UTC, and the first target"),
        ("leave_one_out", None, "sasrec: goes on from the champion's, 5 items known, 4 new"),
        ("sessions", None, "sasrec: starts anew, the champion 1.0.2 was split sessions"),
    ],
)
def test_a_model_that_may_have_seen_the_targets_is_left_aside(
    champion: Path,
    capsys: pytest.CaptureFixture[str],
    method: str,
    valid_from: int | None,
    line: str,
) -> None:
    TrainedOn("1.0.2", method, valid_from, 0, "").write(champion.parent)
    went_on = Champion.of(champion.parent, HISTORIES).start(champion.name, "sasrec")(sasrec(NEW, 2))
    said = capsys.readouterr().out
    assert line in said
    assert went_on == ("goes on" in said)


def test_what_is_no_safetensors_file_is_refused(champion: Path) -> None:
    (champion / "model.safetensors").write_bytes(b"\x80\x04")
    with pytest.raises(DataError, match="is not a safetensors file"):
        go_on_from(champion, HISTORIES, "sasrec", sasrec(NEW, 2))
