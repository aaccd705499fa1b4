"""Values of files as columns, and samples of several files as one."""

from __future__ import annotations

from slmrec.init.samples.sampled_table import (
    BOOLEAN,
    LIST,
    NUMBER,
    OBJECTS,
    TEXT,
    Layout,
    SampledTable,
    joined,
    object_column,
    overlap,
    text_column,
)


def sample(values: list[str], encoding: str = "utf-8", whole: bool = True) -> SampledTable:
    layout = Layout("csv", None, "first_line", encoding, len(values))
    return SampledTable(layout, [text_column("item", values)], 0, whole)


def test_missing_values_are_no_values_and_the_rest_decides_the_kind() -> None:
    column = text_column("user", ["1", "", "NaN", "2.5", "null"])

    assert (column.kind, column.values) == (NUMBER, ["1", None, None, "2.5", None])


def test_values_of_json_are_spelled_as_ids_are() -> None:
    assert object_column("item", [12.0, 7, "x", None, float("nan")]).values == [
        *("12", "7", "x", None, None),
    ]


def test_lists_objects_and_booleans_are_kinds_of_their_own() -> None:
    ids = object_column("items", [[1, 2], [3]])

    assert (ids.kind, ids.items) == (LIST, [["1", "2"], ["3"]])
    assert object_column("events", [[{"aid": 1}]]).kind == OBJECTS
    assert object_column("events", [[{"aid": 1, "ts": 2}]]).keys == ("aid", "ts")
    assert object_column("seen", [True, False]).kind == BOOLEAN


def test_samples_of_several_files_stand_below_each_other() -> None:
    parts = [sample(["1", "2"]), sample(["a"], encoding="latin-1", whole=False)]

    table = joined(parts, files=4)

    assert table.column("item").values == ["1", "2", "a"]
    assert table.column("item").kind == TEXT
    assert (table.layout.encoding, table.complete) == ("latin-1", False)
    assert table.layout.rows == (2 + 1) * 4 // 2


def test_folds_of_the_same_rows_overlap_and_parts_of_a_log_do_not() -> None:
    assert overlap(sample(["1", "2", "3", "4"]), sample(["3", "4"])) == 1.0
    assert joined([sample(["1", "2", "3"]), sample(["2", "3", "4"])], 2).overlapping
    assert not joined([sample(["1", "2"]), sample(["3", "4"])], 2).overlapping
