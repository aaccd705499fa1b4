"""The members of an ensemble on disk."""

from __future__ import annotations

from pathlib import Path

import torch

from slmrec.models.ensemble import load_members, save_members
from slmrec.models.factory import SequenceModel
from tests.support.models import small_sasrec


def test_members_come_back_as_they_were_in_their_order(tmp_path: Path) -> None:
    members: dict[int, SequenceModel] = {11: small_sasrec(11), 5: small_sasrec(5)}
    save_members(tmp_path, members)
    for member, seed in zip(load_members(tmp_path), (11, 5), strict=True):
        assert torch.equal(member.item_embedding.ids, small_sasrec(seed).item_embedding.ids)


def test_an_ensemble_of_the_teacher_alone_has_no_further_members(tmp_path: Path) -> None:
    tmp_path.joinpath("none").mkdir()
    save_members(tmp_path / "none", {})
    assert load_members(tmp_path / "none") == []
