"""What is left open is said with the flag that settles it."""

from __future__ import annotations

from pathlib import Path

import pytest

from slmrec.core.errors import DataError
from slmrec.init.answers import Answers
from slmrec.init.doubts import check_order, doubts_of, remarks_of
from slmrec.init.findings import Findings, inspect
from slmrec.init.source_settings import event_source
from tests.init.layouts import shops
from tests.init.layouts.made_up import ITEM_NUMBERS, by_time, by_user, title, write


def doubtful(data: Path, answers: Answers | None = None) -> dict[str, str]:
    """The doubts by flag."""
    answers = answers or Answers()
    return {doubt.flag: doubt.line for doubt in doubts_of(inspect(data, answers), answers)}


def found(data: Path) -> Findings:
    return inspect(data, Answers())


def test_two_ids_without_names_or_order_are_a_doubt_that_a_flag_settles(tmp_path: Path) -> None:
    write(tmp_path / "a.csv", ["a,b,c", *(f"{e.user},{e.item},{e.seconds}" for e in by_time())])

    assert doubtful(tmp_path).keys() == {"--user", "--item"}
    assert doubtful(tmp_path, Answers(user="a", item="b")) == {}


def test_days_that_could_be_months_are_a_doubt(tmp_path: Path) -> None:
    lines = [f"{e.user},{e.item},0{e.stars}/0{e.item % 9 + 1}/2020" for e in by_user()]
    write(tmp_path / "a.csv", ["user,item,date", *lines])

    assert "%d/%m/%Y as well" in doubtful(tmp_path)["--time-format"]


def test_an_encoding_that_was_guessed_is_a_doubt_of_its_file(tmp_path: Path) -> None:
    shops.events_alone(tmp_path)
    russian = "\u041a\u043d\u0438\u0433\u0430 \u043e \u043f\u0440\u0438\u0440\u043e\u0434\u0435"
    items = [f"tea{n},{russian} {n}" for n in ITEM_NUMBERS]
    write(tmp_path / "items.csv", ["product,name", *items], "cp1251")

    assert doubtful(tmp_path) == {
        "--items-encoding": "items.csv is not UTF-8 and reads as cp1251; "
        "settle it with --items-encoding cp1251"
    }


def test_ids_that_the_list_of_items_spells_otherwise_are_a_doubt(tmp_path: Path) -> None:
    shops.events_alone(tmp_path)
    items = [f"TEA-{n if n > 12 else ''}{n},{title(n)}" for n in ITEM_NUMBERS]
    items += [f"tea{n},{title(n)}" for n in (1, 2, 3, 4, 5, 6, 7, 8, 9, 10)]
    write(tmp_path / "items.csv", ["product,name", *items])

    answers = Answers(items_file="items.csv")
    listed = inspect(tmp_path, answers)

    doubts = [doubt.key for doubt in doubts_of(listed, Answers())]
    assert doubts == ["items_file"]


def test_files_that_repeat_each_others_rows_are_a_doubt(tmp_path: Path) -> None:
    lines = [f"{e.user}\t{e.item}\t{e.stars}\t{e.seconds}" for e in by_user()]
    for fold in (1, 2, 3):
        write(tmp_path / f"u{fold}.base", lines[fold:])

    assert "repeat each other's rows" in doubtful(tmp_path)["--events-file"]


def test_users_who_are_missing_are_a_doubt(tmp_path: Path) -> None:
    lines = [f"{e.user if e.stars > 1 else ''},{e.item},{e.seconds}" for e in by_user()]
    write(tmp_path / "a.csv", ["user,item,time", *lines])

    assert "of rows have no user" in doubtful(tmp_path)["--user"]


def test_logs_without_any_order_stop(tmp_path: Path) -> None:
    write(tmp_path / "a.csv", ["user,item", *(f"{e.user},{e.item}" for e in by_user())])

    with pytest.raises(DataError, match=r"no column that says when.*--time.*--sequence"):
        check_order(found(tmp_path).events)


def test_lines_are_in_order_where_a_person_says_so(tmp_path: Path) -> None:
    write(tmp_path / "a.csv", ["user,item", *(f"{e.user},{e.item}" for e in by_user())])
    findings = inspect(tmp_path, Answers(sequence="lines"))
    check_order(findings.events)
    source = event_source(findings.events)
    assert (source["columns"]["time"], source["columns"]["sequence"]) == (None, None)
    assert source["lists"] == "explode"
    assert "there is no clock: events are in the order of their lines" in remarks_of(findings)[0]


def test_lines_cannot_order_events_that_have_times_or_lie_in_several_files(tmp_path: Path) -> None:
    write(
        tmp_path / "a.csv",
        ["user,item,time", *(f"{e.user},{e.item},{e.seconds}" for e in by_user())],
    )
    answers = Answers(sequence="lines")
    with pytest.raises(DataError, match="has them in time; leave it out, or give --time none"):
        check_order(inspect(tmp_path, answers).events)
    rows = [f"{e.user},{e.item}" for e in by_user()]
    (tmp_path / "a.csv").unlink()
    write(tmp_path / "a1.csv", ["user,item", *rows[: len(rows) // 2]])
    write(tmp_path / "a2.csv", ["user,item", *rows[len(rows) // 2 :]])
    with pytest.raises(DataError, match=r"is of one file, but .* is 2; put them into one"):
        check_order(inspect(tmp_path, answers).events)


def test_several_lists_of_a_user_are_not_in_order_by_themselves(tmp_path: Path) -> None:
    lists: dict[str, list[str]] = {}
    for event in by_user():
        lists.setdefault(str(event.user), []).append(str(event.item))
    lines = [f"{u},{' '.join(part)}" for u, row in lists.items() for part in (row[:3], row[3:])]
    write(tmp_path / "baskets.csv", ["user,items", *lines])
    with pytest.raises(DataError, match="no column that says when"):
        check_order(found(tmp_path).events)


def test_a_column_named_lines_is_that_column(tmp_path: Path) -> None:
    rows = (f"{e.user},{e.item},{place}" for place, e in enumerate(by_user()))
    write(tmp_path / "a.csv", ["user,item,lines", *rows])
    events = inspect(tmp_path, Answers(sequence="lines")).events
    assert event_source(events)["columns"]["sequence"] == "lines"
    assert not events.by_lines


def test_lists_are_in_order_by_themselves(tmp_path: Path) -> None:
    lists: dict[str, list[str]] = {}
    for event in by_user():
        lists.setdefault(str(event.user), []).append(str(event.item))
    lines = [f"{user},{' '.join(items)}" for user, items in lists.items()]
    write(tmp_path / "sessions.csv", ["session,items", *lines])
    findings = found(tmp_path)
    check_order(findings.events)
    assert event_source(findings.events)["list_separator"] == " "
    assert "there is no clock: events are in the order of their lists" in remarks_of(findings)[0]


def test_nanoseconds_stop(tmp_path: Path) -> None:
    lines = [f"{e.user},{e.item},{e.seconds}000000000" for e in by_user()]
    write(tmp_path / "a.csv", ["user,item,time", *lines])

    with pytest.raises(DataError, match="nanoseconds"):
        check_order(found(tmp_path).events)


def test_remarks_tell_what_needs_no_answer(tmp_path: Path) -> None:
    shops.retailrocket(tmp_path / "shop")
    shops.ordered_sequences(tmp_path / "sequences")
    shops.otto_lists(tmp_path / "lists")
    write(tmp_path / "lists" / "old.csv.bz2", ["BZh91AY"])

    said = {
        name: " ".join(remarks_of(found(tmp_path / name)))
        for name in ("shop", "sequences", "lists")
    }

    assert "types of event: view" in said["shop"]
    assert "timestamp looks like times but only counts" in said["sequences"]
    assert "aids holds several items a row" in said["lists"]
    assert "old.csv.bz2 is left out: bz2 is not read" in said["lists"]
