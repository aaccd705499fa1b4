"""Which column says when an event was, or, where none does, which one says in which order."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from slmrec.init.columns.names import (
    ITEM,
    OTHER_THINGS,
    SEQUENCE,
    SESSION,
    TIME,
    USER,
    WEIGHT,
    weight_of_name,
    words_of,
)
from slmrec.init.columns.profiles import Profile
from slmrec.init.columns.relations import (
    counts_up,
    determines,
    first_values,
    is_sorted,
    sorted_in_runs,
)
from slmrec.init.columns.time_formats import read_time
from slmrec.init.columns.user_item import Choice

FORMAT_SCORES = {"epoch_s": 1.0, "epoch_ms": 1.0, "epoch_us": 1.0, "iso8601": 1.0}
PLAIN_SCORES = {"iso8601_utc": 0.8, "date": 0.4}
PATTERN_SCORE = 0.6
MIN_SCORE = 0.3  # of a time: a format alone is enough, a column full of holes is not
MARGIN = 0.5
DAY = 86_400
MIN_NAMED = 0.6  # of a name that speaks for an order
TIES = 0.05  # share of events at a user's same time, from which on a sequence column matters


@dataclass(frozen=True)
class Columns:
    """The columns of a table, those of its ids where they are known."""

    profiles: Sequence[Profile]
    user: Profile | None
    item: Profile | None


def choose_time(columns: Columns) -> Choice | None:
    """The column of times, or None."""
    scores = _time_scores(columns)
    if not scores:
        return None
    best = max(scores, key=lambda name: scores[name])
    by_name = {column.name: column for column in columns.profiles}
    close = [
        name
        for name in scores
        if scores[best] - scores[name] < MARGIN and not _same_times(by_name[best], by_name[name])
    ]
    return Choice(best, scores[best], tuple(close))


def _time_scores(columns: Columns) -> dict[str, float]:
    """Of the columns that read well enough as times."""
    scores = {
        column.name: _time_score(column, columns)
        for column in columns.profiles
        if column.time_format is not None and _may_be_time(column, columns)
    }
    return {name: score for name, score in scores.items() if score > MIN_SCORE}


def _same_times(left: Profile, right: Profile) -> bool:
    """Whether two columns say the same time twice, in other words or in another zone."""
    pairs = zip(time_numbers(left), time_numbers(right), strict=True)
    apart = [abs(a - b) for a, b in pairs if a is not None and b is not None]
    return bool(apart) and median(apart) < DAY


def _may_be_time(column: Profile, columns: Columns) -> bool:
    ids = max(weight_of_name(column.name, role) for role in (USER, ITEM, SESSION, WEIGHT))
    return column is not columns.user and column is not columns.item and ids < 1.0


def _time_score(column: Profile, columns: Columns) -> float:
    assert column.time_format is not None
    name = column.time_format.name
    score = FORMAT_SCORES.get(name, PLAIN_SCORES.get(name, PATTERN_SCORE))
    score += 3 * weight_of_name(column.name, TIME)
    score += 0.5 * column.distinct / max(len(column.present), 1)
    score -= 3 * column.missing
    score -= 1.5 * bool(set(words_of(column.name)) & OTHER_THINGS)
    values = column.column.values
    # A birthday is the user's, a release the item's; an event's time is neither's.
    for owner in (columns.user, columns.item):
        if owner is not None and determines(owner.column.values, values) > 0.95:
            score -= 2.0
    return score + 0.5 * _goes_one_way(time_numbers(column), columns.user)


def _goes_one_way(order: Sequence[float | None], user: Profile | None) -> bool:
    """Whether the whole file is in order of these times, or each user's run of rows."""
    grouped = user is not None and sorted_in_runs(user.column.values, order) >= 0.95
    return is_sorted(order) or grouped


def time_numbers(column: Profile) -> list[float | None]:
    """Seconds since 1970 of each row, None where it says no time."""
    assert column.time_format is not None
    form = column.time_format.name
    known = {value: read_time(value, form) for value in column.counts}
    seconds = {value: time.timestamp() for value, time in known.items() if time is not None}
    return [None if value is None else seconds.get(value) for value in column.column.values]


def is_counter(column: Profile, user: Profile) -> bool:
    """Whether "times" only count: every user starts at the same one and goes on by one."""
    if not column.numbers or column.missing:
        return False
    numbers = column.number_rows
    starts = first_values(user.column.values, numbers)
    users = sum(starts.values())
    common = starts.most_common(1)[0][1] if starts else 0
    return counts_up(user.column.values, numbers) > 0.9 and common > 0.5 * users > 2


def ties_share(user: Profile, order: Sequence[float | None]) -> float:
    """Share of the sampled events that share their user's time with another one."""
    pairs = Counter(zip(user.column.values, order, strict=True))
    return sum(count for count in pairs.values() if count > 1) / max(sum(pairs.values()), 1)


def choose_sequence(columns: Columns, has_clock: bool) -> Choice | None:
    """The column that orders a user's events; with a clock, those of one time."""
    scores = _sequence_scores(columns, has_clock) if columns.user is not None else {}
    if not scores:
        return None
    best = max(scores, key=lambda name: scores[name])
    close = [name for name in scores if name != best and scores[best] - scores[name] < MARGIN]
    return Choice(best, scores[best], tuple(close))


def _sequence_scores(columns: Columns, has_clock: bool) -> dict[str, float]:
    """Of the columns that read well enough as an order."""
    scores = {
        column.name: _sequence_score(column, columns, has_clock)
        for column in columns.profiles
        if column not in (columns.user, columns.item) and _whole_numbers(column)
    }
    least = 2.5 if has_clock else 1.9  # with a clock a name must say so
    return {name: score for name, score in scores.items() if score >= least}


def choose_finer_sequence(columns: Columns, first: Profile) -> str | None:
    """The column, named as an order, that counts within each place of `first`."""
    assert columns.user is not None
    pairs = zip(columns.user.column.values, first.column.values, strict=True)
    places: list[str | None] = [f"{user} {place}" for user, place in pairs]
    taken = (columns.user, columns.item, first)
    for column in columns.profiles:
        named = weight_of_name(column.name, SEQUENCE) >= MIN_NAMED and column not in taken
        if named and _whole_numbers(column) and counts_up(places, column.number_rows) > 0.9:
            return column.name
    return None


def _whole_numbers(column: Profile) -> bool:
    return bool(column.numbers) and not column.has_fractions and not column.missing


def _sequence_score(column: Profile, columns: Columns, has_clock: bool) -> float:
    assert columns.user is not None
    users, numbers = columns.user.column.values, column.number_rows
    score = 3 * weight_of_name(column.name, SEQUENCE)
    if not has_clock:
        score = max(score, 2.5 * weight_of_name(column.name, TIME))
        score += counts_up(users, numbers) * _rising(users, numbers)
        score += _rising(users, numbers)
        score += any(
            determines(session.column.values, column.column.values) > 0.95
            for session in columns.profiles
            if weight_of_name(session.name, SESSION) >= 1.0
        )
    ids = max(weight_of_name(column.name, role) for role in (USER, ITEM, SESSION, WEIGHT))
    return score - 2 * ids


def _rising(users: Sequence[str | None], numbers: Sequence[float | None]) -> float:
    """Share of users with several rows whose numbers never fall in the order of the file."""
    last: dict[str, float] = {}
    falls: dict[str, bool] = {}
    for user, number in zip(users, numbers, strict=True):
        if user is not None and number is not None:
            if user in last:
                falls[user] = falls.get(user, False) or number < last[user]
            last[user] = number
    return sum(not fell for fell in falls.values()) / len(falls) if len(falls) > 2 else 0.0
