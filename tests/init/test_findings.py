"""Answers about files, and folders that hold no events."""

from __future__ import annotations

from pathlib import Path

import pytest

from slmrec.core.errors import DataError, UsageError
from slmrec.init.answers import Answers
from slmrec.init.findings import inspect
from tests.init.layouts import ratings, shops


def test_a_person_may_name_other_files(tmp_path: Path) -> None:
    shops.kuairec(tmp_path)

    both = inspect(tmp_path, Answers(events_file="*_matrix.csv", items_file="none"))

    assert both.events.table.source.globs == ("*_matrix.csv",)
    assert len(both.events.table.source.files) == 2
    assert both.items is None


def test_a_person_may_name_the_title_and_the_encoding(tmp_path: Path) -> None:
    ratings.movielens_1m(tmp_path)

    answers = Answers(items_file="movies.dat", title="3", items_encoding="cp1252")
    found = inspect(tmp_path, answers)

    assert found.items is not None and found.items.title is not None
    assert found.items.title.name == "3"
    assert found.items.table.source.table.layout.encoding == "cp1252"


def test_a_header_that_a_person_denies_becomes_a_row(tmp_path: Path) -> None:
    shops.events_alone(tmp_path)

    found = inspect(tmp_path, Answers(header="none", user="1", item="2", time="3"))

    assert found.events.table.source.table.layout.header == "none"
    assert found.events.profile("1").column.values[0] == "visitor"


@pytest.mark.parametrize(
    ("answers", "said"),
    [
        (Answers(events_file="other.csv"), "--events-file is 'other.csv', but the tables"),
        (Answers(items_file="other.csv"), "--items-file is 'other.csv'"),
        (Answers(user="nobody"), "--user is 'nobody', but ratings.csv has the columns"),
        (Answers(items_file="movies.csv", title="name"), "--title is 'name', but movies.csv"),
        (Answers(events_file="*.csv"), "tables with different columns"),
        (Answers(encoding="klingon"), "cannot be read so"),
    ],
)
def test_what_is_not_there_is_named_with_what_is(
    tmp_path: Path, answers: Answers, said: str
) -> None:
    ratings.movielens_20m(tmp_path)

    with pytest.raises(UsageError) as raised:
        inspect(tmp_path, answers)
    assert said in str(raised.value)


def test_a_folder_without_events_is_named_with_what_lies_there(tmp_path: Path) -> None:
    (tmp_path / "notes.csv").write_text("colour,size\nred,1.5\nblue,2.5\n")
    (tmp_path / "all.json").write_text('[{"user": 1},\n{"user": 2}]')

    with pytest.raises(DataError, match=r"notes.csv \(colour, size\).*all.json: it is one JSON"):
        inspect(tmp_path, Answers())
    with pytest.raises(UsageError, match="is no folder"):
        inspect(tmp_path / "absent", Answers())
