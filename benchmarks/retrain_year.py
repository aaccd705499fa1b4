"""Daily retraining through a simulated year: quality by day, seconds, and three planted incidents.

Run as: python -m benchmarks.retrain_year [--days 60] [--first 200] [--work FOLDER]
Two projects of a simulated shop hold the days before the first one. Then day after day arrives in a
landing folder, and the real flow retrains with `--date`, on a server of the benchmark's own, with
real git, DVC and gate: one project every day from its champion's models, the other every seventh
day from nothing. The next day's events, each from what its user did before, show how good the
graphs are that would serve them, and the first version as well, frozen. Three days arrive spoiled
first in the daily project; that run must publish nothing and say why, then the mended day arrives.
What has run is not run again: a killed benchmark goes on, and --days may grow. Results:
results/retrain-year.json and .svg.
"""

from __future__ import annotations

import resource
import shutil
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from benchmarks.arguments import RESULTS, working_parser
from benchmarks.simulated_shop import (
    EVENTS,
    POISONED,
    RECYCLED,
    TEN_TIMES,
    USERS,
    WARM_EPOCHS,
    Shop,
    ShopProject,
    date_of,
    server_of_its_own,
)
from slmrec.core.files import read_json, write_json
from slmrec.runtime import Recommender
from slmrec.studies.environment import machine
from slmrec.studies.plots import lines_panel, write_picture

# Days after the first on which something else arrives before the day itself does.
INCIDENTS = {3: POISONED, 5: TEN_TIMES, 8: RECYCLED}
WEEK = 7
FROZEN, WEEKLY, DAILY = "frozen", "weekly from scratch", "daily warm"
Row = dict[str, Any]


class Clock:
    """Seconds by the clock, and of the processor, of the processes that were waited for."""

    def __init__(self) -> None:
        self.wall, self.processor = time.perf_counter(), self._processor()

    def _processor(self) -> float:
        children = resource.getrusage(resource.RUSAGE_CHILDREN)
        return children.ru_utime + children.ru_stime

    def read(self) -> Row:
        """The seconds since it was made."""
        return {
            "seconds": round(time.perf_counter() - self.wall, 1),
            "processor_seconds": round(self._processor() - self.processor, 1),
        }


def retrained(project: ShopProject, day: int, *options: str) -> Row:
    """A retraining: its end, what serves after it, and its seconds."""
    clock, before = Clock(), project.champion()
    outcome = project.retrain(day, *options)
    serving = project.champion()
    return {
        "code": outcome.code,
        "message": outcome.message,
        "version": serving.name if serving else None,
        "published": serving != before,
        **clock.read(),
    }


class Year:
    """Both projects, day after day; every row is written as soon as it is known."""

    def __init__(self, work_dir: Path, first: int) -> None:
        self.work_dir, self.first, self.rows_path = work_dir, first, work_dir / "rows.json"
        self.shop = Shop(work_dir)
        self.daily = ShopProject(work_dir / "daily", self.shop, first)
        self.weekly = ShopProject(work_dir / "weekly", self.shop, first)

    def run(self, days: int) -> list[Row]:
        """Every row so far, and those that are missing."""
        rows: list[Row] = read_json(self.rows_path)["rows"] if self.rows_path.is_file() else []
        known = {(row["day"], row.get("incident")) for row in rows}
        for place, incident in planned(days):
            day = self.first + place
            if (str(date_of(day)), incident) in known:
                continue
            row = self._spoiled_day(day, incident) if incident else self._day(day, place)
            rows.append({"day": str(date_of(day)), **row})
            write_json(self.rows_path, {"rows": rows})
            print(rows[-1], flush=True)
        return rows

    def _spoiled_day(self, day: int, incident: str) -> Row:
        self.shop.deliver(day, incident)
        return {"incident": incident, DAILY: retrained(self.daily, day, "--warm")}

    def _day(self, day: int, place: int) -> Row:
        self.shop.deliver(day)
        row: Row = {DAILY: retrained(self.daily, day, "--warm")}
        if place % WEEK == 0:
            row[WEEKLY] = retrained(self.weekly, day)
        if place == 0:
            self.daily.commit_settings(WARM_EPOCHS)
            shutil.copytree(bundle_of(self.weekly), self.work_dir / FROZEN, dirs_exist_ok=True)
        bundles = {
            FROZEN: self.work_dir / FROZEN,
            WEEKLY: bundle_of(self.weekly),
            DAILY: bundle_of(self.daily),
        }
        histories, targets = next_day(self.shop.events(past) for past in range(day + 2))
        quality = {name: ndcg(bundle, histories, targets) for name, bundle in bundles.items()}
        return {**row, "targets": len(targets), "ndcg@10": quality}


def bundle_of(project: ShopProject) -> Path:
    """What a project serves. It must have published."""
    serving = project.champion()
    assert serving is not None, f"{project.folder} has published nothing"
    return serving / "bundle"


def planned(days: int) -> list[tuple[int, str | None]]:
    """What arrives, in order: the place of a day, and the incident where it is spoiled first."""
    arrivals: list[tuple[int, str | None]] = []
    for place in range(days):
        if place in INCIDENTS:
            arrivals.append((place, INCIDENTS[place]))
        arrivals.append((place, None))
    return arrivals


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


def summary(rows: list[Row]) -> Row:
    """Means over the days: quality of each arm, what a retraining takes; and the incidents."""
    usual = [row for row in rows if "incident" not in row]
    quality = {
        name: round(float(np.mean([row["ndcg@10"][name] for row in usual])), 4)
        for name in (FROZEN, WEEKLY, DAILY)
    }
    # The first day trains from nothing in both.
    runs = {name: [row[name] for row in usual[1:] if name in row] for name in (WEEKLY, DAILY)}
    seconds = {
        name: {
            key: round(float(np.mean([run[key] for run in each])), 1)
            for key in ("seconds", "processor_seconds")
        }
        for name, each in runs.items()
        if each
    }
    return {
        "daily_retrains": len(usual),
        "published": {name: sum(run["published"] for run in each) for name, each in runs.items()},
        "mean_ndcg@10": quality,
        "mean_seconds_of_a_retraining": seconds,
        "incidents": {
            row["incident"]: {key: row[DAILY][key] for key in ("published", "code", "message")}
            for row in rows
            if "incident" in row
        },
    }


def means_of_seven(values: list[float]) -> list[tuple[float, float]]:
    """The mean of each seven days, at the last of them, counted from 1."""
    return [
        (float(stop), float(np.mean(values[stop - WEEK : stop])))
        for stop in range(WEEK, len(values) + 1)
    ]


def write_results(rows: list[Row], facts: Row) -> None:
    """The table, and the chart of quality and seconds by day."""
    usual = [row for row in rows if "incident" not in row]
    arms = (FROZEN, WEEKLY, DAILY)
    quality = {name: means_of_seven([row["ndcg@10"][name] for row in usual]) for name in arms}
    seconds = {
        name: [(place, row[name]["seconds"]) for place, row in enumerate(usual, 1) if name in row]
        for name in (WEEKLY, DAILY)
    }
    panels = [
        lines_panel("NDCG@10 on the next day, mean of seven days", "day", quality, {}),
        lines_panel("seconds of a retraining", "day", seconds, {}),
    ]
    write_json(RESULTS / "retrain-year.json", summary(rows) | facts | {"days": rows})
    write_picture(RESULTS / "retrain-year.svg", panels)


def main() -> None:
    """Run the days that are missing and write the results."""
    parser = working_parser(__doc__, work="slmrec-retrain-year")
    parser.add_argument("--days", type=int, default=60)
    parser.add_argument("--first", type=int, default=200, help="days that the first version has")
    arguments = parser.parse_args()
    work_dir = arguments.work.absolute()
    with server_of_its_own(work_dir):
        rows = Year(work_dir, arguments.first).run(arguments.days)
    world = {"users": USERS, "events": EVENTS, "days_before": arguments.first}
    write_results(rows, {"world": world, "measured_with": machine(1, "prefect", "dvc", "torch")})


if __name__ == "__main__":
    main()
