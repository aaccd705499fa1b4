"""Histories are cut into what is trained on and what is predicted: temporal cuts, or leave-one-out."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
import polars as pl

from slmrec.clock import DAY_US, say_time, time_in_us
from slmrec.errors import DataError, UsageError


@dataclass(frozen=True)
class Flat:
    """Histories laid end to end: user u's events are `offsets[u]:offsets[u + 1]`; E events, U users."""

    offsets: np.ndarray  # (U + 1,) int64
    times: np.ndarray  # (E,) int64, microseconds since 1970 UTC, rising within a user

    def positions(self) -> np.ndarray:
        """Position of each event in its user's history.  # (E,)"""
        lengths = np.diff(self.offsets)
        return np.arange(len(self.times)) - np.repeat(self.offsets[:-1], lengths)

    def earlier_events(self) -> np.ndarray:
        """Number of the user's events strictly earlier than each event; ties do not see each other.  # (E,)"""
        positions = self.positions()
        new_time = np.ones(len(self.times), dtype=bool)
        new_time[1:] = (np.diff(self.times) != 0) | (positions[1:] == 0)
        return np.maximum.accumulate(np.where(new_time, np.arange(len(self.times)), 0)) - (np.arange(len(self.times)) - positions)


@dataclass(frozen=True)
class Cuts:
    """Events before `valid_from` train, before `test_from` validate, the others test; microseconds since 1970 UTC."""

    valid_from: int
    test_from: int


def find_cut(text: str, times: np.ndarray) -> int:
    """Turn "30%" (newest share of events), "30d" (back from the newest event) or an ISO 8601 time into a time.

    `times` are microseconds, rising. The cut is on time, so events tied at it stay on one side: the later one.
    Raises UsageError when the text is none of the three.
    """
    if share := re.fullmatch(r"(\d+(?:\.\d+)?)%", text):
        first = len(times) - round(len(times) * float(share[1]) / 100)
        return int(times[first]) if first < len(times) else int(times[-1]) + 1
    if days := re.fullmatch(r"(\d+(?:\.\d+)?)d", text):
        return int(times[-1]) - round(float(days[1]) * DAY_US)
    return time_in_us(text)


def temporal_targets(flat: Flat, cuts: Cuts) -> pl.DataFrame:
    """Every event at or after a cut, predicted from the strictly earlier ones; input_stop may be 0.  # (N, 4)"""
    events = np.flatnonzero(flat.times >= cuts.valid_from)
    part = np.where(flat.times[events] >= cuts.test_from, "test", "valid")
    return _targets(flat, events, part, flat.earlier_events()[events])


def leave_one_out_targets(flat: Flat) -> pl.DataFrame:
    """The last item tests, the one before validates, for users of three events or more.  # (N, 4)"""
    ends = flat.offsets[1:][np.diff(flat.offsets) >= 3]
    events = np.stack([ends - 2, ends - 1], axis=1).ravel()
    part = np.tile(np.array(["valid", "test"]), len(ends))
    return _targets(flat, events, part, flat.positions()[events])


def _targets(flat: Flat, events: np.ndarray, part: np.ndarray, input_stop: np.ndarray) -> pl.DataFrame:
    users = np.searchsorted(flat.offsets, events, side="right") - 1
    return pl.DataFrame(
        {
            "part": part,
            "row": users,
            "position": events - flat.offsets[users],
            "input_stop": input_stop,
        },
        schema={"part": pl.String, "row": pl.Int64, "position": pl.UInt32, "input_stop": pl.UInt32},
    )


def temporal_training(flat: Flat, cuts: Cuts) -> np.ndarray:
    """Number of leading events of each user that may be trained on.  # (U,)"""
    before = np.concatenate([[0], np.cumsum(flat.times < cuts.valid_from)])
    return before[flat.offsets[1:]] - before[flat.offsets[:-1]]


def leave_one_out_training(flat: Flat) -> np.ndarray:
    """All but the last two events of users that give targets, everything of the others.  # (U,)"""
    lengths = np.diff(flat.offsets)
    return np.where(lengths >= 3, lengths - 2, lengths)


def cut_windows(training: np.ndarray, max_length: int) -> pl.DataFrame:
    """Cut each user's leading `training` events into windows of at most max_length + 1, counted from the newest end.

    Neighbours overlap by one event, so every transition is trained once; the last window is full.  # (W, 4)
    """
    transitions = np.maximum(training - 1, 0)
    counts = -(-transitions // max_length)
    rows = np.repeat(np.arange(len(training)), counts)
    first = np.repeat(np.cumsum(counts) - counts, counts)
    back = counts[rows] - 1 - (np.arange(len(rows)) - first)  # windows that follow this one
    stop = training[rows] - back * max_length
    start = np.maximum(stop - max_length - 1, 0)
    columns = {"window": np.arange(len(rows)), "row": rows, "start": start, "stop": stop}
    return pl.DataFrame(columns, schema={"window": pl.UInt32, "row": pl.Int64, "start": pl.UInt32, "stop": pl.UInt32})


def check_cuts(cuts: Cuts, times: np.ndarray) -> None:
    """Raise DataError when a cut leaves nothing to train on or nothing to predict; `times` in microseconds, rising."""
    if cuts.valid_from > cuts.test_from:
        raise UsageError(f"split.valid_from is {say_time(cuts.valid_from)}, after split.test_from, {say_time(cuts.test_from)}")
    first, last = int(times[0]), int(times[-1])
    if cuts.valid_from <= first:
        raise DataError(f"split.valid_from is {say_time(cuts.valid_from)}, the first event is {say_time(first)}: nothing to train on")
    if cuts.test_from > last:
        raise DataError(f"split.test_from is {say_time(cuts.test_from)}, the last event is {say_time(last)}: nothing to test on")
