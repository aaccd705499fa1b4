"""What columns of one table say of each other: runs, counters, and which one determines which."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from itertools import pairwise

Values = Sequence[str | None]
MIN_GROUPS = 10  # that repeat, before anything is concluded from them


def run_length(values: Values) -> float:
    """Rows in a run of equal neighbours, on average: above 1 where the file is grouped by them."""
    runs = 1 + sum(left != right for left, right in pairwise(values))
    return len(values) / runs if values else 0.0


def sorted_in_runs(groups: Values, order: Sequence[float | None]) -> float:
    """Share of neighbours within one run of `groups` whose `order` goes the usual way of the file.

    A history is written forwards or backwards, so the larger of both shares counts.
    """
    rising = falling = steps = 0
    for place in range(1, len(groups)):
        earlier, later = order[place - 1], order[place]
        if groups[place] == groups[place - 1] and earlier is not None and later is not None:
            steps += 1
            rising += later >= earlier
            falling += later <= earlier
    return max(rising, falling) / steps if steps >= MIN_GROUPS else 0.0


def is_sorted(order: Sequence[float | None]) -> bool:
    """Whether the whole file goes one way, so that no run says more than another."""
    known = [value for value in order if value is not None]
    pairs = list(pairwise(known))
    rising = sum(later >= earlier for earlier, later in pairs)
    return rising >= 0.98 * len(pairs) or rising <= 0.02 * len(pairs)


def determines(cause: Values, effect: Values) -> float:
    """Share of the repeated values of `cause` that always come with one value of `effect`."""
    seen: dict[str, set[str | None]] = defaultdict(set)
    times: Counter[str] = Counter()
    for key, value in zip(cause, effect, strict=True):
        if key is not None:
            seen[key].add(value)
            times[key] += 1
    repeated = [key for key, count in times.items() if count > 1]
    if len(repeated) < MIN_GROUPS:
        return 0.0
    return sum(len(seen[key]) == 1 for key in repeated) / len(repeated)


def counts_up(groups: Values, numbers: Sequence[float | None]) -> float:
    """Share of groups with several rows in which `numbers` are consecutive whole numbers.

    Ties are allowed (a basket's items have one order number).
    """
    by_group: dict[str, set[float]] = defaultdict(set)
    for group, number in zip(groups, numbers, strict=True):
        if group is not None and number is not None:
            by_group[group].add(number)
    several = [row for row in by_group.values() if len(row) > 1]
    if len(several) < MIN_GROUPS:
        return 0.0
    consecutive = sum(max(row) - min(row) == len(row) - 1 for row in several)
    return consecutive / len(several)


def first_values(groups: Values, numbers: Sequence[float | None]) -> Counter[float]:
    """How often each number is the least of a group."""
    least: dict[str, float] = {}
    for group, number in zip(groups, numbers, strict=True):
        if group is not None and number is not None:
            least[group] = min(number, least.get(group, number))
    return Counter(least.values())


def contained(values: set[str], others: set[str]) -> float:
    """Share of `values` that are among `others`."""
    return len(values & others) / len(values) if values else 0.0
