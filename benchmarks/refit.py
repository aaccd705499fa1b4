"""What training again on newer events is worth: the next day's quality, and the time it takes.

Run as: python -m benchmarks.refit [--days 3] [--first 200] [--cuts 2d,1d] [--work FOLDER]
Two projects of the simulated shop of benchmarks.retrain_year retrain from nothing on the same days,
one of them with `--refit`: once its settings have passed the gate, it trains again up to the later
cuts. All is real, as there; the next day's events show how good both graphs are. What has run is
not run again. Results: results/refit.json.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from benchmarks.arguments import RESULTS, working_parser
from benchmarks.retrain_year import Row, bundle_of, ndcg, next_day, retrained
from benchmarks.simulated_shop import (
    EVENTS,
    USERS,
    Shop,
    ShopProject,
    date_of,
    server_of_its_own,
)
from slmrec.core.files import read_json, write_json
from slmrec.studies.environment import machine

ONCE, AGAIN = "once", "again"  # how often a version is trained


def run(work_dir: Path, first: int, days: int, cuts: str) -> list[Row]:
    """Every row so far, and those that are missing."""
    shop, rows_path = Shop(work_dir), work_dir / "rows.json"
    options: dict[str, tuple[str, ...]] = {ONCE: (), AGAIN: ("--refit", cuts)}
    projects = {name: ShopProject(work_dir / name, shop, first) for name in options}
    rows: list[Row] = read_json(rows_path)["rows"] if rows_path.is_file() else []
    for day in range(first + len(rows), first + days):
        shop.deliver(day)
        row: dict[str, Any] = {"day": str(date_of(day))}
        for name, project in projects.items():
            row[name] = retrained(project, day, *options[name])
        histories, targets = next_day(shop.events(past) for past in range(day + 2))
        row["targets"] = len(targets)
        row["ndcg@10"] = {
            name: ndcg(bundle_of(project), histories, targets) for name, project in projects.items()
        }
        rows.append(row)
        write_json(rows_path, {"rows": rows})
        print(row, flush=True)
    return rows


def main() -> None:
    """Run the days that are missing and write the results."""
    parser = working_parser(__doc__, work="slmrec-refit")
    parser.add_argument("--days", type=int, default=3)
    parser.add_argument("--first", type=int, default=200, help="days that the first version has")
    parser.add_argument("--cuts", default="2d,1d", help="as the flow's --refit takes them")
    p = parser.parse_args()
    work_dir = p.work.absolute()
    with server_of_its_own(work_dir):
        rows = run(work_dir, p.first, p.days, p.cuts)
    world = {"users": USERS, "events": EVENTS, "days_before": p.first, "cuts": p.cuts}
    measured_with = machine(1, "prefect", "dvc", "torch")
    write_json(
        RESULTS / "refit.json", {"world": world, "days": rows, "measured_with": measured_with}
    )


if __name__ == "__main__":
    main()
