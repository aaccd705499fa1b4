"""Which files are one table, and the glob that names them."""

from __future__ import annotations

from pathlib import Path

from slmrec.init.samples.file_groups import find_tables, sample_again
from slmrec.init.samples.text_samples import TextChoices


def write(data: Path, *names: str, header: str = "user,item,time") -> None:
    for number, name in enumerate(names):
        path = data / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{header}\n" + "".join(f"{number},{row},5\n" for row in range(20)))


def globs(data: Path) -> list[tuple[str, ...]]:
    return [table.globs for table in find_tables(data)[0]]


def test_files_that_differ_in_numbers_and_months_are_one_table(tmp_path: Path) -> None:
    write(tmp_path, "2025-Oct.csv", "2025-Nov.csv", "2026-January.csv", "items.csv")

    assert globs(tmp_path) == [("*-*.csv",), ("items.csv",)]


def test_partitions_are_one_table_whatever_their_values(tmp_path: Path) -> None:
    write(tmp_path, "e/shop=de/day=2026-01-01/part-0.csv", "e/shop=us/day=2026-01-02/part-1.csv")

    assert globs(tmp_path) == [("e/shop=*/day=*/part-*.csv",)]


def test_a_glob_that_names_others_too_gives_way_to_names(tmp_path: Path) -> None:
    write(tmp_path, "u1.base", "u2.base")
    write(tmp_path, "ua.base", header="other,columns,here")

    assert ("u1.base", "u2.base") in globs(tmp_path)


def test_files_of_one_pattern_with_other_columns_are_tables_of_their_own(tmp_path: Path) -> None:
    write(tmp_path, "log-1.csv")
    write(tmp_path, "log-2.csv", header="sku,name,price")

    assert globs(tmp_path) == [("log-1.csv",), ("log-2.csv",)]


def test_characters_of_globs_in_names_are_escaped(tmp_path: Path) -> None:
    write(tmp_path, "log[a].csv")

    assert globs(tmp_path) == [("log[[]a].csv",)]
    assert list(tmp_path.glob("log[[]a].csv"))


def test_rows_of_all_files_are_counted_and_unreadable_ones_named(tmp_path: Path) -> None:
    write(tmp_path, *(f"log-{number}.csv" for number in range(6)))
    (tmp_path / "old.rar").write_bytes(b"Rar!....")

    tables, unreadable = find_tables(tmp_path)

    assert [table.rows for table in tables] == [6 * 20]
    assert list(unreadable) == ["old.rar"]


def test_a_table_is_read_again_as_a_person_says(tmp_path: Path) -> None:
    write(tmp_path, "log.csv")

    table = sample_again(find_tables(tmp_path)[0][0], TextChoices(None, "none"))

    assert table.table.names == ("1", "2", "3")
    assert table.table.column("1").values[0] == "user"
