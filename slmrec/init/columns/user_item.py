"""Which column is the user and which the item: scores from values, links and names."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from slmrec.init.columns.names import (
    ITEM,
    OTHER_THINGS,
    SEQUENCE,
    SESSION,
    TIME,
    TITLE,
    TYPE,
    USER,
    WEIGHT,
    weight_of_name,
    words_of,
)
from slmrec.init.columns.profiles import Profile
from slmrec.init.columns.relations import determines, is_sorted, run_length, sorted_in_runs
from slmrec.init.samples.sampled_table import LIST

ASIN = re.compile(r"B[0-9A-Z]{9}|\d{9}[\dX]")
FEW, MANY_ROWS = 12, 200  # so few values in so many rows are kinds of things, not things
SURE = 0.95  # share of a column's values that must agree with a rule
MARGIN = 0.75  # a lead below this leaves a doubt


@dataclass(frozen=True)
class Choice:
    """A column taken for a role, by how much it leads, and the columns close behind it."""

    name: str
    score: float
    rivals: tuple[str, ...]


@dataclass(frozen=True)
class Evidence:
    """What the scores of one table's columns are made from."""

    columns: Sequence[Profile]
    order: Sequence[float | None]  # times as numbers, or nothing
    item_links: Mapping[str, float]  # share of a column's values that a list of titles knows
    user_links: Mapping[str, float]  # the same of other tables with one row an id
    grouped_by_list: bool  # whether a row holds a list of items

    def column(self, name: str) -> Profile:
        return next(column for column in self.columns if column.name == name)


@dataclass(frozen=True)
class Pair:
    """The columns of users and items, chosen together: what is one cannot be the other."""

    user: Choice
    item: Choice


def choose_pair(evidence: Evidence, user: str | None, item: str | None) -> Pair | None:
    """The two columns that read best as user and item; those that a person named stay."""
    ids = [column for column in evidence.columns if _can_be_id(column)]
    names = [column.name for column in ids]
    users = (
        {column.name: user_score(column, evidence) for column in ids}
        if user is None
        else {user: 0.0}
    )
    items = (
        {column.name: item_score(column, evidence) for column in ids}
        if item is None
        else {item: 0.0}
    )
    totals = {
        (left, right): users[left] + items[right]
        for left in users
        for right in items
        if left != right
    }
    if not totals:
        return None
    best = max(totals, key=lambda pair: (totals[pair], -_place(names, pair[0])))
    return Pair(
        Choice(best[0], users[best[0]], _rivals(totals, best, 0)),
        Choice(best[1], items[best[1]], _rivals(totals, best, 1)),
    )


def _place(names: list[str], name: str) -> int:
    return names.index(name) if name in names else -1


def _rivals(
    totals: dict[tuple[str, str], float], best: tuple[str, str], role: int
) -> tuple[str, ...]:
    """Columns with which the role would be filled nearly as well."""
    close = [pair[role] for pair in totals if totals[best] - totals[pair] < MARGIN]
    return tuple(dict.fromkeys(name for name in close if name != best[role]))


def _can_be_id(column: Profile) -> bool:
    return column.is_id or column.column.kind == LIST or column.list_separator is not None


def user_score(column: Profile, evidence: Evidence) -> float:
    """How much speaks for a column of users."""
    if is_list(column):
        return -5.0
    score = 3 * weight_of_name(column.name, USER) + 1.5 * weight_of_name(column.name, SESSION)
    score += _grouped_as_histories(column, evidence)
    score += 0.5 * evidence.user_links.get(column.name, 0.0)
    score += 0.5 * (column.name == _first_id(evidence))
    if _is_unique(column) and not (evidence.grouped_by_list and _all_unique(evidence)):
        score -= 2.0
    return score - _faults(column) - 3 * weight_of_name(column.name, ITEM) - 1.5 * _asins(column)


def _grouped_as_histories(column: Profile, evidence: Evidence) -> float:
    """How much the order of the rows speaks for a column of users."""
    values = column.column.values
    if run_length(values) < 1.5:
        return 0.0
    # A history is written in order of time, an item's events seldom are.
    by_time = not is_sorted(evidence.order) and sorted_in_runs(values, evidence.order) >= 0.95
    return 2.0 if by_time else 0.5


def item_score(column: Profile, evidence: Evidence) -> float:
    """How much speaks for a column of items."""
    score = 3 * weight_of_name(column.name, ITEM) + 3 * evidence.item_links.get(column.name, 0.0)
    if is_list(column):
        return score + 0.5 - _faults(column)
    score += _share_of_largest(column, evidence) + 1.5 * _asins(column)
    score += 0.75 * _has_attributes(column, evidence) - 2.0 * _is_unique(column)
    unlinked = max(1 - evidence.item_links.get(column.name, 0.0), 0.0)
    score -= _attribute_penalty(column, evidence) * unlinked
    score -= 1.0 * (column.words > 2)
    score -= 3 * weight_of_name(column.name, USER) + 1.5 * weight_of_name(column.name, SESSION)
    return score - _faults(column)


def is_list(column: Profile) -> bool:
    """Whether a value holds several ids."""
    return column.column.kind == LIST or column.list_separator is not None


def _first_id(evidence: Evidence) -> str | None:
    return next((column.name for column in evidence.columns if column.is_id), None)


def _faults(column: Profile) -> float:
    """What speaks against any id: gaps, few values, times, and names of other things."""
    few = column.distinct <= FEW and len(column.present) >= MANY_ROWS and not is_list(column)
    other = max(weight_of_name(column.name, role) for role in (TIME, SEQUENCE, WEIGHT, TYPE, TITLE))
    known = max(weight_of_name(column.name, role) for role in (USER, ITEM, SESSION))
    named_else = other > known or bool(set(words_of(column.name)) & OTHER_THINGS and not known)
    times = column.time_format is not None and not known
    return 3 * column.missing + 2.0 * (few and not known) + 2.0 * named_else + 2.0 * times


def _is_unique(column: Profile) -> bool:
    """One value a row: a number of the row, not of a thing in it."""
    return column.distinct == len(column.present) and column.distinct >= 50


def _all_unique(evidence: Evidence) -> bool:
    return all(_is_unique(column) for column in evidence.columns if column.is_id)


def _asins(column: Profile) -> bool:
    """Amazon's item numbers, which need no name."""
    ids = list(column.counts)[:500]
    return (
        bool(ids)
        and sum(ASIN.fullmatch(value) is not None for value in ids) > 0.9 * len(ids)
        and any(value.startswith("B") for value in ids)
    )


def _share_of_largest(column: Profile, evidence: Evidence) -> float:
    """Distinct values beside those of the column that has most: items outnumber their kinds."""
    counts = [other.distinct for other in evidence.columns if other.is_id and not _is_unique(other)]
    return min(column.distinct / max(counts, default=1), 1.0)


def _attribute_penalty(column: Profile, evidence: Evidence) -> float:
    """For an id that a finer one determines, as an item its category; less where both are named."""
    named = weight_of_name(column.name, ITEM) >= 1.0
    for other in evidence.columns:
        if other is column or not other.is_id or _is_unique(other) or _is_of_users(other):
            continue
        finer = other.distinct > 1.1 * column.distinct
        if finer and determines(other.column.values, column.column.values) > SURE:
            return 0.25 if named and weight_of_name(other.name, ITEM) >= 1.0 else 1.5
    return 0.0


def _has_attributes(column: Profile, evidence: Evidence) -> bool:
    """Whether it determines other columns: places have coordinates, products a category."""
    if _is_unique(column) or _is_of_users(column):
        return False
    return any(
        determines(column.column.values, other.column.values) > SURE
        for other in evidence.columns
        if other is not column and other.distinct > 1 and other.time_format is None
    )


def _is_of_users(column: Profile) -> bool:
    return max(weight_of_name(column.name, USER), weight_of_name(column.name, SESSION)) > 0
