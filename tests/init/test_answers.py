"""Doubts and the flags that settle them."""

from __future__ import annotations

import pytest

from slmrec.init.answers import Answers, Doubt


def test_a_doubt_names_its_flag_as_a_shell_reads_it() -> None:
    doubt = Doubt("time_format", "days could be months", "%m/%d/%Y %H:%M")

    assert doubt.flag == "--time-format"
    assert doubt.line.endswith("settle it with --time-format '%m/%d/%Y %H:%M'")


def test_answers_are_asked_for_by_the_key_of_a_doubt() -> None:
    assert Answers(user="ann").answer_to("user") == "ann"
    assert Answers().answer_to("items_file") is None
    with pytest.raises(KeyError):
        Answers().answer_to("colour")
