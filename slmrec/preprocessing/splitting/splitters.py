"""Histories are cut into training windows and targets: by time, or leave-one-out."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
import polars as pl

from slmrec.core.errors import DataError, UsageError
from slmrec.core.tables import DAY_US, PARTS
from slmrec.params.split import SplitParams
from slmrec.preprocessing.events.event_files import EventFiles
from slmrec.preprocessing.events.timestamps import format_time, parse_time
from slmrec.preprocessing.splitting.user_blocks import UserBlock

LEAVE_ONE_OUT_EVENTS = 3  # a user's least: one to train on, one to validate on, one to test on

_TARGET_COLUMNS = pl.Schema(
    {"is_test": pl.Boolean, "row": pl.Int64, "position": pl.UInt32, "input_stop": pl.UInt32}
)


@dataclass(frozen=True)
class Cuts:
    """Events before `valid_from` train, before `test_from` validate, the others test."""

    valid_from: int  # microseconds since 1970 UTC
    test_from: int


@dataclass(frozen=True)
class TargetsAndWindows:
    """What a block of users is cut into; `row` is the position of a user in the block."""

    targets: pl.DataFrame  # part, row, position, input_stop
    windows: pl.DataFrame  # row, start, stop
    without_history: int  # targets that are left out, because no earlier event predicts them
    seen: dict[str, int]  # targets of each part whose item stands in their own input


def find_cut(text: str, files: EventFiles) -> int:
    """The time of "30%" (newest share of events), "30d" (back from the newest) or an ISO 8601 time.

    The cut is on time, so events tied at it stay on one side: the later one. Raises UsageError when
    the text is none of them.
    """
    newest = files.time_at(files.total - 1)
    if share := re.fullmatch(r"(\d+(?:\.\d+)?)%", text):
        first = files.total - round(files.total * float(share[1]) / 100)
        return files.time_at(max(first, 0)) if first < files.total else newest + 1
    if days := re.fullmatch(r"(\d+(?:\.\d+)?)d", text):
        return newest - round(float(days[1]) * DAY_US)
    return parse_time(text)


def find_cuts(p: SplitParams, files: EventFiles) -> Cuts:
    """Both cuts. Raises DataError when they leave nothing to train on or nothing to test on."""
    cuts = Cuts(find_cut(p.valid_from, files), find_cut(p.test_from, files))
    first, last = files.time_at(0), files.time_at(files.total - 1)
    valid_from = f"split.valid_from is {format_time(cuts.valid_from)}"
    test_from = f"split.test_from is {format_time(cuts.test_from)}"
    if cuts.valid_from > cuts.test_from:
        raise UsageError(f"{valid_from}, after split.test_from, {format_time(cuts.test_from)}")
    if cuts.valid_from <= first:
        raise DataError(
            f"{valid_from}, the first event is {format_time(first)}: nothing to train on"
        )
    if cuts.test_from > last:
        raise DataError(f"{test_from}, the last event is {format_time(last)}: nothing to test on")
    return cuts


def temporal(block: UserBlock, cuts: Cuts, p: SplitParams) -> TargetsAndWindows:
    """Every event from the first cut on is a target, predicted from strictly earlier events."""
    events = np.flatnonzero(block.times >= cuts.valid_from)
    is_test = block.times[events] >= cuts.test_from
    targets = _targets(block, events, is_test, earlier_events(block)[events])
    before = np.append(0, np.cumsum(block.times < cuts.valid_from))
    training = before[block.offsets[1:]] - before[block.offsets[:-1]]
    return _cut(block, targets, cut_windows(training, p.max_length), p)


def leave_one_out(block: UserBlock, p: SplitParams) -> TargetsAndWindows:
    """The last item of a user tests, the one before validates; users of fewer events only train."""
    lengths = np.diff(block.offsets)
    enough = lengths >= LEAVE_ONE_OUT_EVENTS
    ends = block.offsets[1:][enough]
    events = np.stack([ends - 2, ends - 1], axis=1).ravel()
    positions = events - np.repeat(block.offsets[:-1][enough], 2)
    targets = _targets(block, events, np.tile([False, True], len(ends)), positions)
    windows = cut_windows(np.where(enough, lengths - 2, lengths), p.max_length)
    return _cut(block, targets, windows, p)


def earlier_events(block: UserBlock) -> np.ndarray:
    """How many of the user's events are strictly earlier than each: ties do not see each other."""
    starts_tie = np.append(True, block.times[1:] != block.times[:-1])
    starts_tie[block.offsets[:-1]] = True
    first_of_tie = np.flatnonzero(starts_tie)
    lengths = np.diff(np.append(first_of_tie, len(starts_tie)))
    positions = first_of_tie - block.offsets[_rows(block)[first_of_tie]]
    return np.repeat(positions, lengths)  # (E,) int64


def _rows(block: UserBlock) -> np.ndarray:
    """The position of each event's user in the block's users."""
    return np.repeat(np.arange(len(block.users)), np.diff(block.offsets))  # (E,) int64


def _targets(
    block: UserBlock, events: np.ndarray, is_test: np.ndarray, input_stop: np.ndarray
) -> pl.DataFrame:
    """Targets from the places of their events in the block: part, row, position, input_stop."""
    rows = _rows(block)[events]
    columns = {
        "is_test": is_test,
        "row": rows,
        "position": events - block.offsets[rows],
        "input_stop": input_stop,
    }
    part = pl.when("is_test").then(pl.lit("test")).otherwise(pl.lit("valid"))
    table = pl.DataFrame(columns, schema=_TARGET_COLUMNS)
    return table.select(part.alias("part"), "row", "position", "input_stop")


def _cut(
    block: UserBlock, targets: pl.DataFrame, windows: pl.DataFrame, p: SplitParams
) -> TargetsAndWindows:
    """Leave out what nothing predicts, and what could never be recommended where that is asked."""
    predictable = targets.filter(pl.col("input_stop") > 0)
    seen = in_own_input(block, predictable)
    seen_in = dict(predictable.filter(seen)["part"].value_counts().iter_rows())
    left_out = p.exclude_seen and p.seen_targets == "left_out"
    return TargetsAndWindows(
        targets=predictable.filter(~seen) if left_out else predictable,
        windows=windows,
        without_history=len(targets) - len(predictable),
        seen={part: seen_in.get(part, 0) for part in PARTS},
    )


def in_own_input(block: UserBlock, targets: pl.DataFrame) -> pl.Series:
    """Whether the item of each target stands among the earlier events that predict it."""
    first_event = block.offsets[targets["row"].to_numpy()]
    places = first_event + targets["position"].to_numpy()
    input_end = first_event + targets["input_stop"].to_numpy()
    pairs = pl.Series((_rows(block).astype(np.uint64) << np.uint64(32)) | block.items)
    is_first = pairs.is_first_distinct()
    repeats = ~is_first.to_numpy()[places]
    seen = np.zeros(len(targets), dtype=bool)
    if repeats.any():  # few logs have many, so only these targets look for the first event
        events = pl.DataFrame({"pair": pairs, "place": np.arange(len(pairs))})
        repeated = pl.DataFrame({"pair": pairs.gather(places[repeats])})
        first = repeated.join(events.filter(is_first), on="pair", maintain_order="left")
        seen[repeats] = first["place"].to_numpy() < input_end[repeats]
    return pl.Series(seen)


def cut_windows(training: np.ndarray, max_length: int) -> pl.DataFrame:
    """Cut each user's `training` first events into windows: row, start, stop.

    A window has at most max_length + 1 events and is counted from the newest end. Neighbours
    overlap by one event, so every transition is trained once, and the last window is full.
    """
    counts = -(-np.maximum(training - 1, 0) // max_length)
    rows = np.repeat(np.arange(len(training)), counts)
    windows_after = np.repeat(np.cumsum(counts), counts) - 1 - np.arange(len(rows))  # of the user
    stop = training[rows] - windows_after * max_length
    start = np.maximum(stop - max_length - 1, 0)
    schema = {"row": pl.Int64, "start": pl.UInt32, "stop": pl.UInt32}
    return pl.DataFrame({"row": rows, "start": start, "stop": stop}, schema=schema)
