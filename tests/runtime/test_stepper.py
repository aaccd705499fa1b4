"""A user who is followed event by event gets what the whole history gets, and costs less."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from slmrec.core.errors import BundleError, UsageError
from slmrec.runtime import Recommender, Stepper
from slmrec.runtime.bundle import read_bundle
from slmrec.runtime.session import graph_errors
from slmrec.runtime.stepper import run_step

EVENTS = [f"i{item}" for item in (5, 9, 3, 8, 20, 33, 12, 6, 40)]  # the window holds six


@pytest.fixture(scope="module")
def stepper(exported_bundle: Path) -> Stepper:
    return Stepper.load(exported_bundle, "cpu", 1)


@pytest.mark.parametrize("exclude_seen", [True, False, None])
@pytest.mark.parametrize("known", [0, 1, 4, 6, 8])
def test_every_step_gives_what_the_whole_history_gives_also_beyond_the_window(
    stepper: Stepper, recommender: Recommender, known: int, exclude_seen: bool | None
) -> None:
    user = stepper.new_user(EVENTS[:known])
    for stop in range(known, len(EVENTS)):
        step = stepper.step([user], [EVENTS[stop]], 10, exclude_seen)[0]
        whole = recommender.recommend([EVENTS[: stop + 1]], 10, exclude_seen)[0]
        assert [item.item for item in step] == [item.item for item in whole]
        np.testing.assert_allclose(
            [item.score for item in step], [item.score for item in whole], rtol=1e-4, atol=1e-5
        )
        assert user.seen == [int(event[1:]) for event in EVENTS[: stop + 1]]


def test_users_of_any_lengths_step_together_each_as_if_alone(stepper: Stepper) -> None:
    starts = [[], EVENTS[:2], EVENTS[3:5], EVENTS[:8], EVENTS[:2], EVENTS]
    users = [stepper.new_user(start) for start in starts]
    for event in ("i10", "i11"):
        together = stepper.step(users, [event] * len(users), 5)
    for row, start in enumerate(starts):
        alone = stepper.step([stepper.new_user([*start, "i10"])], ["i11"], 5)[0]
        assert [item.item for item in alone] == [item.item for item in together[row]]


def test_a_step_reads_the_new_event_alone(
    stepper: Stepper, monkeypatch: pytest.MonkeyPatch
) -> None:
    widths: list[int] = []

    def counted(session: object, events: np.ndarray, *others: np.ndarray) -> object:
        widths.append(events.shape[1])
        return run_step(session, events, *others)  # type: ignore[arg-type]

    monkeypatch.setattr("slmrec.runtime.stepper.run_step", counted)
    user = stepper.new_user(EVENTS[:3])
    for event in EVENTS[3:]:
        stepper.step([user], [event], 3)
    assert widths == [3 + 1, 1, 1]  # the known ones with the first; none beyond the sixth
    assert user.state is None  # a full window is read anew, so nothing is kept


def test_unknown_events_are_refused_before_a_user_is_changed_or_counted(stepper: Stepper) -> None:
    user = stepper.new_user(["i5"])
    with pytest.raises(UsageError, match="events: 1 of 1 ids are not in this bundle"):
        stepper.step([user], ["new"], 3)
    assert user.seen == [5]
    answer = stepper.step([user], ["new"], 3, unknown="ignore")
    assert (answer.unknown.histories, answer.unknown.first) == (1, "new")
    with pytest.raises(UsageError, match="histories: 1 of 2 ids"):
        stepper.new_user(["i5", "new"])


def test_users_and_events_have_to_fit(stepper: Stepper) -> None:
    user = stepper.new_user([])
    for users, events in (([user], []), ([user, user], ["i5", "i6"])):
        with pytest.raises(UsageError, match="give one event a user, and each user once"):
            stepper.step(users, events, 3)
    with pytest.raises(UsageError, match="k is 0"):
        stepper.step([user], ["i5"], 0)
    assert user.seen == []


def test_the_graph_refuses_an_event_behind_a_full_window(stepper: Stepper) -> None:
    full = np.full((1, stepper.max_length), 5)
    state = np.zeros((1, *stepper.state_shape), np.float32)
    with pytest.raises(graph_errors()):
        run_step(stepper.session, np.array([[5]]), full[:, :0], 3, full, state)


def test_a_bundle_without_a_step_graph_says_how_to_get_one(exported_bundle: Path) -> None:
    bundle = read_bundle(exported_bundle)
    del bundle.contract["graphs"]["step"]
    with pytest.raises(BundleError, match="no graph step"):
        Stepper(bundle, "cpu", 1)
