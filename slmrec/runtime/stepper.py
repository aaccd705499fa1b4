"""One more event of a user, without reading the earlier ones again.

stepper = Stepper.load("artifacts/bundle", device="auto", threads=1)
user = stepper.new_user(["50", "181"])  # a history so far; may be empty
lists = stepper.step([user], ["172"], k=10)  # what to recommend after that event

The lists are those of `Recommender.recommend` on the whole history. Up to the bundle's `max_length`
events a step costs one position; beyond that every event moves the window, so that no earlier
position stays what it was, and the newest `max_length` items are read anew by model.onnx.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np

from slmrec.core.errors import UsageError
from slmrec.runtime.answers import Recommendations
from slmrec.runtime.bundle import Bundle, part_of, read_bundle
from slmrec.runtime.comparison import TopK
from slmrec.runtime.further_graphs import STEP, file_of
from slmrec.runtime.padding import pad_rows
from slmrec.runtime.recommender import Device, Recommender
from slmrec.runtime.requests import UNKNOWN, check_choice, check_exclude_seen, check_k, id_rows
from slmrec.runtime.session import open_graph

if TYPE_CHECKING:
    import onnxruntime as ort


@dataclass
class UserState:
    """A user's events, and what was computed of them; for one step at a time.

    Only the history has to be kept where a user is put away: `new_user` computes the rest again.
    """

    seen: list[int]  # item indices of all events, oldest first
    items: np.ndarray  # (W,) int64: those that `state` holds, padded on the right
    state: np.ndarray | None  # (W, L, S, H, d) float32; None once the window is full
    read: int = field(default=0)  # of `seen`, how many `state` holds


@dataclass(frozen=True)
class Stepped:
    """What the step graph gives for B users."""

    top: TopK
    items: np.ndarray  # (B, W) int64
    state: np.ndarray  # (B, W, L, S, H, d) float32


class Stepper:
    """step.onnx of a verified bundle, and model.onnx for users whose window is full.

    It holds no users: states are the caller's, and threads may share it as long as no two step the
    same user at once. Raises what `Recommender` does, and BundleError without a step graph.
    """

    def __init__(
        self, bundle_dir: Path | str | Bundle, device: Device, threads: int | None
    ) -> None:
        """Load it from a bundle's folder; the arguments are those of `Recommender.load`."""
        bundle = bundle_dir if isinstance(bundle_dir, Bundle) else read_bundle(bundle_dir)
        facts = part_of(bundle, STEP)
        self.recommender = Recommender(bundle, device, threads)
        rows = self.recommender.items.rows
        self.session = open_graph(bundle, file_of(STEP), rows, device, threads).session
        self.state_shape = tuple(facts["inputs"]["state"]["shape"][1:])  # (W, L, S, H, d)
        self.max_length = int(self.state_shape[0])

    @classmethod
    def load(
        cls, bundle: Path | str, device: Device = "auto", threads: int | None = None
    ) -> Stepper:
        """Load and verify a bundle, and run it once, so that no caller waits for the first run."""
        stepper = cls(bundle, device, threads)
        stepper.recommender.warm_up()
        first = stepper.recommender.items.ids[0]
        stepper.step([stepper.new_user([])], [first], 1, exclude_seen=False)
        return stepper

    def new_user(
        self,
        history: Iterable[str],
        unknown: Literal["refuse", "warn", "ignore"] = "refuse",
    ) -> UserState:
        """A user with the events so far, external ids, oldest first; read with the first step.

        Raises UsageError for an unknown id as `unknown` says, and for what is no row of ids.
        """
        check_choice(unknown, "unknown", UNKNOWN)
        rows = id_rows([history], "histories", ordered=True)
        found = self.recommender.reader.read(rows, "histories", unknown)
        empty = np.zeros(self.max_length, np.int64)
        return UserState(found.indices.values.tolist(), empty, self._no_state())

    def step(
        self,
        users: Sequence[UserState],
        events: Sequence[str],
        k: int,
        exclude_seen: bool | None = None,
        unknown: Literal["refuse", "warn", "ignore"] = "refuse",
    ) -> Recommendations:
        """The k best items after one more event, an external id, of each user.

        The events become part of the users. exclude_seen and `unknown` are as for
        `Recommender.recommend`. Raises UsageError where it does, before any user is changed.
        """
        k = check_k(k, self.recommender.largest_k)
        check_choice(unknown, "unknown", UNKNOWN)
        check_exclude_seen(exclude_seen)
        if len(users) != len(events) or len({id(user) for user in users}) != len(users):
            raise UsageError(
                f"{len(events)} events for {len(users)} users; give one event a user, and each "
                "user once"
            )
        rows = id_rows([[event] for event in events], "events", ordered=True)
        found = self.recommender.reader.read(rows, "events", unknown)
        for user, item in zip(users, found.indices.values.tolist(), strict=True):
            user.seen.append(item)
        if exclude_seen is None:
            exclude_seen = self.recommender.contract["exclude_seen"]
        return self.recommender.answer(self._best(users, k, exclude_seen), found)

    def _best(self, users: Sequence[UserState], k: int, exclude_seen: bool) -> TopK:
        best = TopK(np.empty((len(users), k), np.int64), np.empty((len(users), k), np.float32))
        for rows in self._alike(users):
            group = [users[row] for row in rows]
            excluded = pad_rows([user.seen if exclude_seen else [] for user in group])
            if len(group[0].seen) > self.max_length:
                top = self._read_anew(group, excluded, k)
            else:
                top = self._read_on(group, excluded, k)
            best.items[rows], best.scores[rows] = top.items, top.scores
        return best

    def _alike(self, users: Sequence[UserState]) -> list[list[int]]:
        """Places of users whose windows are full, and of others by how many events are unread."""
        groups: dict[int, list[int]] = {}
        for place, user in enumerate(users):
            full = len(user.seen) > self.max_length
            groups.setdefault(0 if full else len(user.seen) - user.read, []).append(place)
        size = self.recommender.batch_size
        return [
            places[first : first + size]
            for places in groups.values()
            for first in range(0, len(places), size)
        ]

    def _read_on(self, users: Sequence[UserState], excluded: np.ndarray, k: int) -> TopK:
        events = pad_rows([user.seen[user.read :] for user in users])
        items = np.stack([user.items for user in users])
        state = np.stack([user.state for user in users if user.state is not None])
        stepped = run_step(self.session, events, excluded, k, items, state)
        for row, user in enumerate(users):
            # Copies: a user who is kept would keep the states of all who stepped at the same time.
            user.items, user.state = stepped.items[row].copy(), stepped.state[row].copy()
            user.read = len(user.seen)
        return stepped.top

    def _read_anew(self, users: Sequence[UserState], excluded: np.ndarray, k: int) -> TopK:
        for user in users:
            user.state = None  # of no use any more, and it is most of what a user takes
        newest = pad_rows([user.seen[-self.max_length :] for user in users])
        return self.recommender.recommend_indices(newest, excluded, k)

    def _no_state(self) -> np.ndarray:
        return np.zeros(self.state_shape, np.float32)


def run_step(
    session: ort.InferenceSession,
    events: np.ndarray,
    exclude: np.ndarray,
    k: int,
    items: np.ndarray,
    state: np.ndarray,
) -> Stepped:
    """Run the step graph: events (B, T), exclude (B, X), items (B, W), state (B, W, L, S, H, d)."""
    inputs = {
        "events": events,
        "exclude": exclude,
        "k": np.asarray(k, dtype=np.int64),
        "state_items": items,
        "state": state,
    }
    outputs = ["items", "scores", "new_state_items", "new_state"]
    best, scores, new_items, new_state = session.run(outputs, inputs)
    return Stepped(TopK(best, scores), new_items, new_state)
