"""Text files of every format as sampled tables."""

from __future__ import annotations

import pytest

from slmrec.init.samples.raw_files import ByteSample, UnreadableFileError
from slmrec.init.samples.text_samples import AS_FOUND, TextChoices, sample_text


def sampled(content: str | bytes, whole: bool = True, *parts: bytes) -> ByteSample:
    data = content.encode() if isinstance(content, str) else content
    return ByteSample(data, parts, whole, len(data) * (1 if whole else 10))


@pytest.mark.parametrize(
    ("content", "form", "names"),
    [
        ('{"u": 1, "i": 2}\n{"u": 3, "i": 4, "t": 5}\n', "jsonl", ("u", "i", "t")),
        ("{'u': 1, 'i': 2}\n{'u': 3, 'i': 4}\n", "python_literal", ("u", "i")),
        ("user,item\n1,2\n3,4\n", "csv", ("user", "item")),
        ("user\titem\n1\t2\n", "tsv", ("user", "item")),
        ("1::2::3\n4::5::6\n", "tsv", ("1", "2", "3")),
    ],
)
def test_formats_are_told_by_their_records(content: str, form: str, names: tuple[str, ...]) -> None:
    table = sample_text(sampled(content), AS_FOUND)

    assert (table.layout.format, table.names) == (form, names)


def test_rows_are_estimated_from_the_share_that_was_read() -> None:
    assert (
        sample_text(sampled("user,item\n" + "1,2\n" * 30, whole=False), AS_FOUND).layout.rows == 300
    )


def test_later_parts_lose_the_lines_that_they_cut() -> None:
    content = sampled("user,item\n1,2\n3,4\n", False, b"9,8\n5,6\n7,")

    assert sample_text(content, AS_FOUND).column("item").values == ["2", "4", "6"]


def test_a_part_of_a_utf16_file_is_read_without_a_mark() -> None:
    head = "user;item\r\n1;2\r\n".encode("utf-16")
    part = "x;y\r\n3;4\r\n".encode("utf-16-le")

    assert sample_text(sampled(head, False, part), AS_FOUND).column("item").values == ["2", "4"]


def test_what_a_person_says_of_header_and_encoding_counts() -> None:
    content = sampled("caf\u00e9,tea\ncup,pot\n".encode("latin-1"))

    table = sample_text(content, TextChoices("cp1252", "none"))

    assert table.column("1").values == ["caf\u00e9", "cup"]
    assert (table.layout.encoding, table.layout.header, table.unclear) == ("cp1252", "none", ())


def test_a_first_line_that_could_be_either_is_unclear() -> None:
    assert sample_text(sampled("ann|a-b|x\nbob|c-d|y\n"), AS_FOUND).unclear == ("header",)


def test_lines_of_another_length_are_counted_as_bad() -> None:
    assert sample_text(sampled("user,item\n" + "1,2\n" * 30 + "1,2,3\n"), AS_FOUND).bad_rows == 1


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ('[{"u": 1},\n {"u": 2}]\n', "one JSON value, not one a line"),
        ("1 5 6 7 8\n2 5 6\n3 7 8 5\n4 6 7\n" * 5, r"a user and then items.*awk"),
        ("\n\n", "no line of text"),
    ],
)
def test_what_is_no_table_is_said_with_the_way_to_make_one(content: str, said: str) -> None:
    with pytest.raises(UnreadableFileError, match=said):
        sample_text(sampled(content), AS_FOUND)
