"""Histories are cut into what is trained on and what is predicted: temporal cuts, or leave-one-out."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
import polars as pl

from slmrec.core.errors import DataError, UsageError
from slmrec.params.split import SplitParams
from slmrec.preprocessing.events.event_files import EventFiles
from slmrec.preprocessing.events.timestamps import DAY_US, say_time, time_in_us
from slmrec.preprocessing.splitting.user_blocks import UserBlock


@dataclass(frozen=True)
class Cuts:
    """Events before `valid_from` train, before `test_from` validate, the others test; microseconds since 1970 UTC."""

    valid_from: int
    test_from: int


@dataclass(frozen=True)
class Parts:
    """What a block of users is cut into: rows are positions in the block's users.

    targets: part, row, position, input_stop; windows: row, start, stop. `without_history` targets
    have no earlier event.
    """

    targets: pl.DataFrame
    windows: pl.DataFrame
    without_history: int


def find_cut(text: str, files: EventFiles) -> int:
    """Turn "30%" (newest share of events), "30d" (back from the newest event) or an ISO 8601 time into a time.

    The cut is on time, so events tied at it stay on one side: the later one. Raises UsageError when
    it is none of them.
    """
    newest = files.time_at(files.total - 1)
    if share := re.fullmatch(r"(\d+(?:\.\d+)?)%", text):
        first = files.total - round(files.total * float(share[1]) / 100)
        return files.time_at(max(first, 0)) if first < files.total else newest + 1
    if days := re.fullmatch(r"(\d+(?:\.\d+)?)d", text):
        return newest - round(float(days[1]) * DAY_US)
    return time_in_us(text)


def find_cuts(p: SplitParams, files: EventFiles) -> Cuts:
    """Both cuts. Raises DataError when they leave nothing to train on or nothing to test on."""
    cuts = Cuts(find_cut(p.valid_from, files), find_cut(p.test_from, files))
    first, last = files.time_at(0), files.time_at(files.total - 1)
    if cuts.valid_from > cuts.test_from:
        raise UsageError(
            f"split.valid_from is {say_time(cuts.valid_from)}, after split.test_from, {say_time(cuts.test_from)}"
        )
    if cuts.valid_from <= first:
        raise DataError(
            f"split.valid_from is {say_time(cuts.valid_from)}, the first event is {say_time(first)}: nothing to train on"
        )
    if cuts.test_from > last:
        raise DataError(
            f"split.test_from is {say_time(cuts.test_from)}, the last event is {say_time(last)}: nothing to test on"
        )
    return cuts


def temporal(block: UserBlock, cuts: Cuts, max_length: int) -> Parts:
    """Every event at or after a cut is a target, predicted from the user's strictly earlier events."""
    events = np.flatnonzero(block.times >= cuts.valid_from)
    targets = _targets(
        block, events, block.times[events] >= cuts.test_from, earlier_events(block)[events]
    )
    before = np.append(0, np.cumsum(block.times < cuts.valid_from))
    training = before[block.offsets[1:]] - before[block.offsets[:-1]]
    return _parts(targets, cut_windows(training, max_length))


def leave_one_out(block: UserBlock, max_length: int) -> Parts:
    """The last item tests, the one before validates, for users of three events or more; the others only train."""
    lengths = np.diff(block.offsets)
    ends = block.offsets[1:][lengths >= 3]
    events = np.stack([ends - 2, ends - 1], axis=1).ravel()
    positions = events - np.repeat(block.offsets[:-1][lengths >= 3], 2)
    targets = _targets(block, events, np.tile([False, True], len(ends)), positions)
    return _parts(targets, cut_windows(np.where(lengths >= 3, lengths - 2, lengths), max_length))


def earlier_events(block: UserBlock) -> np.ndarray:
    """Number of the user's events strictly earlier than each event: ties do not see each other.  # (E,) int64"""
    fresh = np.append(True, block.times[1:] != block.times[:-1])
    fresh[block.offsets[:-1]] = True
    first_of_tie = np.flatnonzero(fresh)
    lengths = np.diff(np.append(first_of_tie, len(fresh)))
    place = first_of_tie - block.offsets[_rows(block)[first_of_tie]]
    return np.repeat(place, lengths)


def _rows(block: UserBlock) -> np.ndarray:
    """The position of each event's user in the block's users.  # (E,) int64"""
    return np.repeat(np.arange(len(block.users)), np.diff(block.offsets))


def _targets(
    block: UserBlock, events: np.ndarray, test: np.ndarray, input_stop: np.ndarray
) -> pl.DataFrame:
    rows = _rows(block)[events]
    table = pl.DataFrame(
        {
            "test": test,
            "row": rows,
            "position": events - block.offsets[rows],
            "input_stop": input_stop,
        },
        schema={
            "test": pl.Boolean,
            "row": pl.Int64,
            "position": pl.UInt32,
            "input_stop": pl.UInt32,
        },
    )
    part = pl.when("test").then(pl.lit("test")).otherwise(pl.lit("valid"))
    return table.select(part.alias("part"), "row", "position", "input_stop")


def _parts(targets: pl.DataFrame, windows: pl.DataFrame) -> Parts:
    predictable = targets.filter(pl.col("input_stop") > 0)
    return Parts(predictable, windows, len(targets) - len(predictable))


def cut_windows(training: np.ndarray, max_length: int) -> pl.DataFrame:
    """Cut each user's leading `training` events into windows of at most max_length + 1, counted from the newest end.

    Neighbours overlap by one event, so every transition is trained once, and the last window is full.  # row, start, stop
    """
    counts = -(-np.maximum(training - 1, 0) // max_length)
    rows = np.repeat(np.arange(len(training)), counts)
    following = (
        np.repeat(np.cumsum(counts), counts) - 1 - np.arange(len(rows))
    )  # windows of the user after this one
    stop = training[rows] - following * max_length
    start = np.maximum(stop - max_length - 1, 0)
    schema = {"row": pl.Int64, "start": pl.UInt32, "stop": pl.UInt32}
    return pl.DataFrame({"row": rows, "start": start, "stop": stop}, schema=schema)
