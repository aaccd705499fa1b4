"""Daily retraining through a simulated year: quality by day, seconds, and three planted incidents.

Run as: python -m benchmarks.retrain_year [--days 60] [--first 200] [--work FOLDER]
A simulated shop's project holds the days before the first one. Then day after day arrives in a
landing folder and the real flow retrains with `--date`, on a server of the benchmark's own, with
real git, DVC and gate. The next day's events, each from what its user did before, show how good the
graphs are that would serve them: the first version for ever (frozen), the champion of the last
seventh day (weekly, from scratch), and today's champion (daily, from scratch). Three days arrive
spoiled first; that run must publish nothing and say why, then the mended day arrives. What has run
is not run again: a killed benchmark goes on, and --days may grow. Results:
results/retrain-year.json and .svg.
"""

from __future__ import annotations

import os
import resource
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from benchmarks.arguments import RESULTS, experiment_parser
from benchmarks.simulated_shop import (
    EVENTS,
    POISONED,
    RECYCLED,
    TEN_TIMES,
    USERS,
    Shop,
    date_of,
)
from slmrec.core.files import read_json, write_json
from slmrec.runtime import Recommender
from slmrec.studies.environment import machine
from slmrec.studies.plots import lines_panel, write_picture

# Days after the first on which something else arrives before the day itself does.
INCIDENTS = {3: POISONED, 5: TEN_TIMES, 8: RECYCLED}
WEEK = 7
ARMS = ("frozen", "weekly from scratch", "daily from scratch")
Row = dict[str, Any]
Retrain = Callable[[int], Row]


class Clock:
    """Seconds by the clock, and of the processor: this process's and those it has waited for."""

    def __init__(self) -> None:
        self.wall, self.processor = time.perf_counter(), self._processor()

    def _processor(self) -> float:
        children = resource.getrusage(resource.RUSAGE_CHILDREN)
        return time.process_time() + children.ru_utime + children.ru_stime

    def read(self) -> Row:
        """The seconds since it was made."""
        return {
            "seconds": round(time.perf_counter() - self.wall, 1),
            "processor_seconds": round(self._processor() - self.processor, 1),
        }


def retrain_flow(shop: Shop) -> Retrain:
    """The real flow in this process, whose folder is the shop's project; a day to what it made."""
    os.chdir(shop.project)
    from flows.retrain import retrain_landed

    def retrain(day: int) -> Row:
        clock = Clock()
        state = retrain_landed(
            str(shop.landing), date=date_of(day), settle_seconds=0, return_state=True
        )
        error = None if state.is_completed() else state.result(raise_on_failure=False)
        message = str(error) if error else str(state.message)
        return {"state": str(state.name), "message": message, **clock.read()}

    return retrain


def champion(shop: Shop) -> Path | None:
    """The version that serves; None before the first."""
    current = shop.project / ".state" / "registry" / "current"
    return current.resolve() if current.exists() else None


def incident_row(shop: Shop, day: int, incident: str, retrain: Retrain) -> Row:
    """What came of a spoiled day. Raises AssertionError where it was published."""
    before = champion(shop)
    shop.deliver(day, incident)
    row = {"day": str(date_of(day)), "incident": incident, **retrain(day)}
    assert champion(shop) == before, f"{incident} of {date_of(day)} was published: {row}"
    return row


def usual_row(shop: Shop, day: int, place: int, retrain: Retrain, kept: Path) -> Row:
    """A day as it is: the retraining, and how the arms do on the next day."""
    shop.deliver(day)
    row = {"day": str(date_of(day)), **retrain(day)}
    serving = champion(shop)
    assert serving is not None, f"nothing serves after {date_of(day)}: {row}"
    row["version"] = serving.name
    bundles = {name: kept / name for name in ARMS[:2]}
    for name, every in ((ARMS[0], None), (ARMS[1], WEEK)):
        if not bundles[name].exists() or (every and place % every == 0):
            shutil.rmtree(bundles[name], ignore_errors=True)
            shutil.copytree(serving / "bundle", bundles[name])
    bundles[ARMS[2]] = serving / "bundle"
    histories, targets = next_day(shop.events(past) for past in range(day + 2))
    row["ndcg@10"] = {name: ndcg(bundles[name], histories, targets) for name in ARMS}
    row["targets"] = len(targets)
    return row


def next_day(days: Iterable[pl.DataFrame]) -> tuple[list[list[str]], list[str]]:
    """Each event of the last day by a user who did something before, and what that was."""
    so_far: dict[str, list[str]] = {}
    histories: list[list[str]] = []
    targets: list[str] = []
    for events in days:
        histories, targets = [], []
        for user, item in events.select("user_id", "item_id").iter_rows():
            past = so_far.setdefault(user, [])
            if past:
                histories.append(list(past))
                targets.append(item)
            past.append(item)
    return histories, targets


def ndcg(bundle: Path, histories: list[list[str]], targets: list[str]) -> float:
    """NDCG@10 of a bundle, every event the same; items that it does not know are misses."""
    lists = Recommender(bundle, "cpu", 1).recommend(histories, 10, unknown="ignore")
    gains = [
        next((1 / np.log2(place + 2) for place, one in enumerate(ten) if one.item == target), 0.0)
        for ten, target in zip(lists, targets, strict=True)
    ]
    return float(np.mean(gains))


def overhead(clone: Path) -> Row:
    """The flow's seconds over plain `dvc repro`, where every stage is up to date, a stage."""
    from flows.dvc_stages import stage_order

    stages = len(stage_order(clone))
    seconds = {}
    for name, words in {"dvc repro": ["dvc", "repro"], "flow": ["flows.once"]}.items():
        clock = Clock()
        subprocess.run([sys.executable, "-m", *words], cwd=clone, check=True, capture_output=True)
        seconds[name] = clock.read()
    over = {
        key: round((seconds["flow"][key] - seconds["dvc repro"][key]) / stages, 2)
        for key in ("seconds", "processor_seconds")
    }
    return {"stages": stages, **seconds, "over a stage": over}


def run_days(shop: Shop, first: int, days: int, rows_path: Path) -> list[Row]:
    """Every row so far and those that are missing; each is written as soon as it is known."""
    rows: list[Row] = read_json(rows_path)["rows"] if rows_path.is_file() else []
    retrain = retrain_flow(shop)
    known = {(row["day"], row.get("incident")) for row in rows}
    for place, incident in planned(days):
        day = first + place
        if (str(date_of(day)), incident) in known:
            continue
        if incident:
            rows.append(incident_row(shop, day, incident, retrain))
        else:
            rows.append(usual_row(shop, day, place, retrain, rows_path.parent))
        write_json(rows_path, {"rows": rows})
        print(rows[-1], flush=True)
    return rows


def planned(days: int) -> list[tuple[int, str | None]]:
    """What arrives, in order: the place of a day, and the incident where it is spoiled first."""
    arrivals: list[tuple[int, str | None]] = []
    for place in range(days):
        if place in INCIDENTS:
            arrivals.append((place, INCIDENTS[place]))
        arrivals.append((place, None))
    return arrivals


def summary(rows: list[Row]) -> Row:
    """Means over the days: quality of each arm, seconds of a retraining; and the incidents."""
    usual = [row for row in rows if "incident" not in row]
    trained = [row for row in usual if row["state"] != "NothingNew"]
    means = {
        name: round(float(np.mean([row["ndcg@10"][name] for row in usual])), 4) for name in ARMS
    }
    seconds = {
        key: round(float(np.mean([row[key] for row in trained])), 1)
        for key in ("seconds", "processor_seconds")
    }
    return {
        "daily_retrains": len(trained),
        "published": sum(row["state"] == "Published" for row in usual),
        "mean_ndcg@10": means,
        "mean_seconds_of_a_retraining": seconds,
        "incidents": {row["incident"]: row["message"] for row in rows if "incident" in row},
    }


def weekly_means(values: list[float]) -> list[tuple[float, float]]:
    """The mean of each seven days, at the last of them, counted from 1."""
    return [
        (float(stop), float(np.mean(values[stop - WEEK : stop])))
        for stop in range(WEEK, len(values) + 1)
    ]


def write_results(rows: list[Row], facts: Row) -> None:
    """The table, and the chart of quality and seconds by day."""
    usual = [row for row in rows if "incident" not in row]
    quality = {name: weekly_means([row["ndcg@10"][name] for row in usual]) for name in ARMS}
    seconds = [(float(place), row["processor_seconds"]) for place, row in enumerate(usual, 1)]
    title = "NDCG@10 on the next day, mean of seven days"
    panels = [
        lines_panel(title, "day of retraining", quality, {}),
        lines_panel("seconds of a retraining", "day", {"processor seconds": seconds}, {}),
    ]
    write_json(RESULTS / "retrain-year.json", summary(rows) | facts | {"days": rows})
    write_picture(RESULTS / "retrain-year.svg", panels)


def main() -> None:
    """Run the days that are missing and write the results."""
    parser = experiment_parser(__doc__, work="slmrec-retrain-year", threads=1)
    parser.add_argument("--days", type=int, default=60)
    parser.add_argument("--first", type=int, default=200, help="days that the first version has")
    arguments = parser.parse_args()
    work_dir = arguments.work.absolute()
    work_dir.mkdir(parents=True, exist_ok=True)
    os.environ["PREFECT_HOME"] = str(work_dir / "prefect")
    os.environ.setdefault("PREFECT_LOGGING_LEVEL", "WARNING")
    from flows.once import reach_a_server

    reach_a_server()
    shop = Shop(work_dir, arguments.first)
    rows = run_days(shop, arguments.first, arguments.days, work_dir / "rows.json")
    world = {"users": USERS, "events": EVENTS, "days_before": arguments.first}
    facts = {"world": world, "overhead": overhead(Path(".state/retrain/repository"))}
    write_results(rows, facts | {"measured_with": machine(1, "prefect", "dvc", "torch")})


if __name__ == "__main__":
    main()
