"""Recording refuses what the teacher cannot give, before anything is written."""

from __future__ import annotations

from pathlib import Path

import pytest

from slmrec.core.errors import DataError
from slmrec.core.files import read_json
from slmrec.dataset.histories import read_histories
from slmrec.models.serialization import load_decoder
from slmrec.params.record_states import RecordStatesParams
from slmrec.stages import record_states
from tests.support.small_pipeline import ENSEMBLE, HISTORIES, ITEMS, STATES, TEACHER


def record(folder: Path, **changes: object) -> None:
    p = RecordStatesParams.read().model_copy(update=changes)
    record_states.record_states(
        load_decoder(TEACHER), [], None, read_histories(HISTORIES), p, folder
    )


def test_every_training_position_is_recorded(trained: Path) -> None:
    histories, recording = read_histories(HISTORIES), read_json(STATES / "states.json")
    assert recording["positions"] == sum(histories.windows.positions.tolist())
    assert recording["blocks"] == [1, 2]
    assert len(list(STATES.glob("states-*.safetensors"))) == 1


def test_where_nothing_is_kept_the_models_are_written_instead_of_states(trained: Path) -> None:
    record(Path("kept_nothing"), keep="nothing")
    assert {file.name for file in Path("kept_nothing").iterdir()} == {
        "members.json",
        "states.json",
    }


def test_more_items_than_training_knows_are_refused(trained: Path) -> None:
    known = ITEMS + 1  # UNK is one of them
    record(Path("all_items"), top=known)
    with pytest.raises(DataError, match=f"top is {known + 1}, but training knows only {known}"):
        record(Path("too_many"), top=known + 1)
    assert not Path("too_many").exists()


def test_a_layer_that_the_teacher_does_not_have_is_refused(trained: Path) -> None:
    with pytest.raises(DataError, match=r"blocks names layer 3, but the teacher has 2 layers"):
        record(Path("too_deep"), blocks=[1, 3])


def test_a_teacher_that_is_no_decoder_is_refused_with_what_to_do(trained: Path) -> None:
    with pytest.raises(DataError, match=r"holds a SASRec, expected a decoder; delete it and run"):
        record_states.main(
            HISTORIES, ENSEMBLE, Path("item_vectors/sasrec"), teacher_states_dir=STATES
        )
