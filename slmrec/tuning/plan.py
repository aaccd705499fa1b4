"""The parts one after the other: who gets how much of the time, and what the next one starts from.

Of the time that is left, a part gets its share of the shares that are left, so that what one part
leaves goes to the next ones. Its first trial is params.yaml as it stands. Where there is no time
for enough trials like that one, the others get fewer epochs, over which the learning rate falls to
its end all the same: they are compared among themselves, and the best of them is trained in full,
for which time is set aside. Only trials in full are held against params.yaml.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from slmrec.tuning.attempt import OutOfTimeError
from slmrec.tuning.materials import make_materials
from slmrec.tuning.outcome import Outcome, outcome_of
from slmrec.tuning.report import print_trial
from slmrec.tuning.search import Search
from slmrec.tuning.settings import Sections, changed
from slmrec.tuning.space import SECTIONS, Space
from slmrec.tuning.studies import (
    SHORTER,
    ask_for,
    best_trial,
    put_back_interrupted,
    settings_of,
    trial_of,
)
from slmrec.tuning.task import Limits, Logs, Task
from slmrec.tuning.workers import run_trials


@dataclass(frozen=True)
class Request:
    """What is asked for: a budget in seconds, the most trials of a part; None is no limit."""

    params: Sections
    space: Space
    logs: Logs
    seconds: float | None
    trials: int | None
    workers: int


def search_parts(request: Request) -> Iterator[Outcome]:
    """The outcome of each part, as far as time goes; what it found is kept in the cache."""
    ends = None if request.seconds is None else time.time() + request.seconds
    params, inputs = request.params, dict[str, Path]()
    for part in SECTIONS:
        limits = _limits(request, part, ends)
        task = Task(
            part, params, request.space.model_dump(by_alias=True), request.logs, inputs, limits
        )
        if part == "student":
            try:
                task = replace(task, inputs=task.inputs | make_materials(task))
            except OutOfTimeError:
                return
        searches = _search_part(task, request.workers)
        outcome, model = outcome_of(searches), searches[0].best_model()
        if outcome.trials:
            yield outcome
        if model is None:
            return
        params, inputs = changed(params, outcome.best), task.inputs | {part: model}


def _limits(request: Request, part: str, ends: float | None) -> Limits:
    if ends is None:
        return Limits(None, None, request.trials)
    later = list(SECTIONS)[list(SECTIONS).index(part) :]
    shares = {name: request.space.parts.of(name).share for name in later}
    left = ends - time.time()
    part_ends = time.time() + left * shares[part] / sum(shares.values())
    return Limits(part_ends, ends, request.trials)


def _search_part(task: Task, workers: int) -> list[Search]:
    """The searches of a part: in full, and the shorter one where there was no time for that."""
    full = _taken_over(task)
    if best_trial(full.study) is None:
        full.run_next(print_trial)  # alone: it says what a trial costs
    epochs = _shorter_epochs(full, workers)
    if epochs is None:
        run_trials(full, workers)
        return [full]
    seconds = full.seconds_of_a_trial()
    assert seconds is not None and task.limits.part_ends is not None
    limits = replace(task.limits, part_ends=task.limits.part_ends - seconds)
    print(f"{task.part}: no time for enough trials in full; {epochs} epochs each", flush=True)
    short = _taken_over(replace(task.shortened(epochs), limits=limits))
    run_trials(short, workers)
    _train_in_full(short, full)
    return [full, short]


def _taken_over(task: Task) -> Search:
    """The task's search, with what an earlier one left unfinished put back."""
    search = Search(task)
    put_back_interrupted(search.study)
    return search


def _shorter_epochs(full: Search, workers: int) -> int | None:
    """Epochs of a trial for which there are enough of them in the time left; None for all."""
    seconds, part_ends = full.seconds_of_a_trial(), full.task.limits.part_ends
    if seconds is None or part_ends is None or not full.bounds or full.task.epochs == 1:
        return None
    shorter, left = full.task.read_space().shorter, part_ends - time.time()
    if left < 2 * seconds or left * workers >= shorter.fewest_trials * seconds:
        return None
    room = (left - seconds) * workers / seconds / shorter.fewest_trials  # share of the epochs
    share = next((share for share in shorter.epochs if share <= room), shorter.epochs[-1])
    return max(1, round(share * full.task.epochs))


def _train_in_full(short: Search, full: Search) -> None:
    """Train the best settings of the shorter trials as params.yaml's were trained."""
    best = best_trial(short.study)
    if best is None or trial_of(full.study, settings_of(best)) is not None:
        return
    ask_for(full.study, best.params, SHORTER)
    full.run_next(print_trial)
