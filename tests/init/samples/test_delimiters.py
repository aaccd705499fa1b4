"""What separates fields, and whether quotes mean anything."""

from __future__ import annotations

import pytest

from slmrec.init.samples.delimiters import Dialect, find_dialect, split_records


@pytest.mark.parametrize(
    ("lines", "dialect"),
    [
        (["1::2::5", "1::3::4"], Dialect("::", False, 3)),
        (["a||b||c", "d||e||f"], Dialect("||", False, 3)),
        (["1,2014-05-16 09:04:56,7", "2,2014-05-17 09:04:56,8"], Dialect(",", True, 3)),
        (["1\tA, B\tx", "2\tC\ty"], Dialect("\t", False, 3)),
        (["1|Toy Story, The|0", "2|Heat|1"], Dialect("|", False, 3)),
        (["1;Drama|War;5", "2;Crime|Noir;6"], Dialect(";", True, 3)),
        (["1 2 3", "4 5 6"], Dialect(" ", False, 3)),
    ],
)
def test_the_delimiter_gives_most_lines_the_same_number_of_fields(
    lines: list[str], dialect: Dialect
) -> None:
    assert find_dialect("\n".join(lines * 10)) == dialect


def test_a_quote_inside_names_of_a_tsv_is_a_character() -> None:
    text = '1\tThe "Band"\t12" Mix\n2\tPlain\tname "\n' * 10

    assert find_dialect(text) == Dialect("\t", False, 3)


def test_quoted_fields_hold_delimiters_and_line_breaks() -> None:
    text = 'u,i,text\n1,2,"Good.\nAgain, please"\n3,4,"Fine, thanks"\n' * 10

    dialect = find_dialect(text)

    assert dialect == Dialect(",", True, 3)
    assert split_records(text, dialect)[1] == ["1", "2", "Good.\nAgain, please"]


def test_lines_of_differing_length_have_no_delimiter() -> None:
    assert find_dialect("1 5 6 7\n2 8\n3 9 10 11 12\n4 1 2\n" * 5) is None
