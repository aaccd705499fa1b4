"""Every form of logs in docs/logs.md is read."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from slmrec.params.prepare import EventSource, ItemSource
from tests.support.logs import FORMS, Workshop, as_csv
from tests.support.project import ROOT

EXAMPLES = re.findall(
    r"```yaml\n(.*?)```", (ROOT / "docs" / "logs.md").read_text(), flags=re.DOTALL
)
LOGS = [("ann", "B00, blue", 1_700_000_000, 5.0), ("bob", "x", 1_700_000_001, 1.0)]


@pytest.mark.parametrize("number", range(len(EXAMPLES)))
def test_the_examples_of_the_docs_are_what_params_accept(number: int) -> None:
    example: dict[str, Any] = YAML(typ="safe").load(EXAMPLES[number])
    assert example.keys() & {"events", "items"}
    for name, kind in (("events", EventSource), ("items", ItemSource)):
        if name in example:
            kind.model_validate(example[name])


@pytest.mark.parametrize("form", FORMS)
def test_every_form_gives_the_same_events(workshop: Workshop, form: str) -> None:
    plain = [(user, item.replace(",", ""), time, weight) for user, item, time, weight in LOGS]
    workshop.deliver(f"a.{form}", FORMS[form](plain))
    workshop.prepare()
    found = [
        (user, item, int(time.timestamp()), weight)
        for user, item, time, weight in workshop.events().iter_rows()
    ]
    assert found == plain


def test_a_delimiter_may_be_named(workshop: Workshop) -> None:
    workshop.set(prepare__events__delimiter=";", prepare__events__format="csv")
    workshop.deliver("a.csv", as_csv(LOGS).replace(b",", b";").replace(b"B00;", b"B00,"))
    workshop.prepare()
    assert workshop.events()["item"].to_list() == ["B00, blue", "x"]


def test_a_column_may_come_from_the_folders(workshop: Workshop) -> None:
    columns = {
        "user": "user",
        "item": "item",
        "time": "time",
        "sequence": None,
        "weight": "weight",
        "type": "kind",
    }
    workshop.set(prepare__events__columns=columns, prepare__keep_types=["buy"])
    workshop.deliver("kind=buy/a.csv", as_csv(LOGS[1:]))
    workshop.deliver("kind=view/a.csv", as_csv([("eve", "y", 1_700_000_000, 1.0)]))
    assert workshop.prepare()["left_out"] == {"type not kept": 1}
    assert workshop.events()["user"].to_list() == ["bob"]


def test_other_files_below_data_are_left_alone(workshop: Workshop) -> None:
    workshop.set(prepare__events__files=["logs/*.csv"])
    workshop.deliver("a.csv", as_csv(LOGS[1:]))
    Path("data/README.txt").write_text("not a log")
    assert workshop.prepare()["rows"] == 1
