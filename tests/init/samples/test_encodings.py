"""Which encoding a file is in, from some of its bytes."""

from __future__ import annotations

import pytest

from slmrec.init.samples.encodings import Encoding, find_encoding

TEXT = "user;item\nu1;Caf\u00e9 No 7\nu2;Z\u00fcrich\n"


@pytest.mark.parametrize(
    ("content", "name"),
    [
        (TEXT.encode(), "utf-8"),
        (TEXT.encode("utf-8-sig"), "utf-8"),
        (TEXT.encode("utf-16"), "utf-16"),
        (TEXT.encode("utf-16-le"), "utf-16-le"),
        (TEXT.encode("utf-16-be"), "utf-16-be"),
        (TEXT.encode("latin-1"), "latin-1"),
        ("1;\u201cquoted\u201d Caf\u00e9\n".encode("cp1252"), "cp1252"),
    ],
)
def test_encodings_that_need_no_guess(content: bytes, name: str) -> None:
    assert find_encoding(content, ()) == Encoding(name, True)


def test_a_part_that_is_cut_inside_a_character_is_still_utf8() -> None:
    middle = ("\u00e9\u00fc \u00df\n" * 50).encode()[1:-2]

    assert find_encoding(b"a,b\n", (middle,)).name == "utf-8"


def test_one_bad_line_does_not_make_utf8_latin() -> None:
    lines = ["Caf\u00e9".encode()] * 20 + ["Caf\u00e9".encode("latin-1")]

    assert find_encoding(b"a\n" + b"\n".join(lines) + b"\n", ()).name == "utf-8"


def test_words_of_high_bytes_alone_are_a_guess_that_is_said_to_be_one() -> None:
    russian = "\u041a\u043d\u0438\u0433\u0430 \u043e \u043f\u0440\u0438\u0440\u043e\u0434\u0435\n"

    found = find_encoding((russian * 40).encode("cp1251"), ())

    assert found == Encoding("cp1251", False)
