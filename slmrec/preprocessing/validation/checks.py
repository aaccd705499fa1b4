"""What the data must be, as checks that people can read and sign off: the table checks.yaml."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from slmrec.params.validate import ValidateParams
from slmrec.preprocessing.events.timestamps import parse_time
from slmrec.preprocessing.validation.evidence import facts_of
from slmrec.preprocessing.validation.profile import Profile

TABLE = Path(__file__).with_name("checks.yaml")


@dataclass(frozen=True)
class Check:
    """One sentence about the data, and the expectation that tests it."""

    sentence: str
    table: str  # of evidence.collect_evidence
    column: str
    expectation: str  # a class of great_expectations.expectations
    arguments: dict[str, Any]  # of that class, besides the column


def checks_of(profile: Profile, p: ValidateParams) -> list[Check]:
    """All checks of this version of the data, in the order of the page."""
    values, facts = values_of(profile, p), facts_of(profile)
    rows = YAML(typ="safe").load(TABLE)
    absent = set() if p.new_days and profile.new_days else {"new_days"}
    present = [
        row
        for row in rows
        if row["table"] not in absent and (row["table"] != "facts" or row["column"] in facts)
    ]
    return [_check(row, values) for row in present]


def values_of(profile: Profile, p: ValidateParams) -> dict[str, Any]:
    """What sentences and arguments of checks.yaml may name."""
    of_new_days = p.new_days.model_dump() if p.new_days else {}
    named = {f"new_days_{name}": value for name, value in of_new_days.items()}
    return (
        p.model_dump()
        | named
        | {
            "min_usual_days": 1 - p.max_unusual_days,
            "last_us": parse_time(profile.last_time),
        }
    )


def _check(row: dict[str, Any], values: dict[str, Any]) -> Check:
    arguments = {
        name: values[value] if isinstance(value, str) else value
        for name, value in row["arguments"].items()
    }
    return Check(**row | {"sentence": row["sentence"].format(**values), "arguments": arguments})
