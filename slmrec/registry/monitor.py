"""What `slmrec monitor` says of a published version: what was expected, what was seen, alarms."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import polars as pl

from slmrec.core.errors import PromiseError
from slmrec.core.files import read_json, write_json
from slmrec.registry.alarms import Alarm, Thresholds, age_alarm, hit_alarm, share_alarms
from slmrec.registry.comparison import MOST_SHOWN, Opened, top_share
from slmrec.registry.observed import Expected, common_share, days_of, shown_items, unknown_share
from slmrec.registry.served_log import TIME, USER, read_served, with_clicks
from slmrec.registry.store import VERDICT, Registry
from slmrec.registry.version import Version

DAY = 86_400  # seconds
MOST_COMPARED = 1000  # histories that the champion is asked


@dataclass(frozen=True)
class Logs:
    """Where the served lists are, and where the clicks, if they are not in the same table."""

    served: Path
    clicks: Path | None
    within_hours: float  # between a list and what counts as chosen after it


def watch(
    registry: Registry, name: str, logs: Logs | None, limits: Thresholds, now: datetime
) -> dict[str, Any]:
    """Everything that is known, for programs. Without logs only the age is judged.

    Raises UsageError where there is no such version, and what reading the logs raises.
    """
    version, newest = registry.named(name), registry.versions()[-1]
    age = (now - _published(registry, newest)).total_seconds() / DAY
    report: dict[str, Any] = {
        "version": str(version),
        "champion": str(registry.current()),
        "published_at": registry.record(version)["published_at"],
        "newest": {"version": str(newest), "age_days": age},
    }
    alarms = list(age_alarm(age, limits))
    if logs is not None:
        seen, more = _seen(registry, version, logs, limits)
        report, alarms = report | seen, [*more, *alarms]
    return report | {"alarms": [alarm.as_json() for alarm in alarms]}


def _published(registry: Registry, version: Version) -> datetime:
    return datetime.fromisoformat(registry.record(version)["published_at"])


def _seen(
    registry: Registry, version: Version, logs: Logs, limits: Thresholds
) -> tuple[dict[str, Any], list[Alarm]]:
    """What the logs show, and the alarms that it raises."""
    served = read_served(logs.served, str(version))
    if logs.clicks:
        served = with_clicks(served, logs.clicks, logs.within_hours)
    opened = Opened.of(str(version), registry.bundle_dir(version))
    expected = _expected(registry, version)
    days, shown = days_of(served, expected, limits.min_users), shown_items(served)
    unknown = unknown_share(served, opened.recommender.items.ids)
    champion = str(registry.current() or version)
    other = opened if champion == opened.name else Opened.of(champion, registry.bundle_of(champion))
    compared, common = common_share(served, other, MOST_COMPARED)
    share = top_share(shown)
    titles = dict(zip(opened.recommender.items.ids, opened.recommender.items.titles, strict=True))
    facts = {
        "served": _facts(served),
        "expected": {"hr@10": expected.rate, "users": expected.users},
        "days": [asdict(day) | {"day": str(day.day), "below": day.below} for day in days],
        "unknown_items": unknown,
        "exposure": {
            "items": len(shown),
            "top_share": share,
            "top": [
                {"item": item, "title": titles.get(item), "share": count / shown.total()}
                for item, count in shown.most_common(MOST_SHOWN)
            ],
        },
        "overlap": {"with": champion, "histories": compared, "share": common},
    }
    alarms = [*hit_alarm(days, limits), *share_alarms(unknown, share, common, limits)]
    return facts, alarms


def _expected(registry: Registry, version: Version) -> Expected:
    verdict = read_json(registry.folder_of(version) / VERDICT)
    return Expected(verdict["figures"]["challenger"]["hr@10"], verdict["window"]["users"])


def _facts(served: pl.DataFrame) -> dict[str, Any]:
    first, last = served[TIME].item(0), served[TIME].item(-1)
    return {
        "lists": len(served),
        "users": served[USER].n_unique(),
        "from": first.isoformat(timespec="seconds"),
        "to": last.isoformat(timespec="seconds"),
    }


def tell(report: dict[str, Any], json_path: Path | None) -> None:
    """Print a report, and write it where a path is given. Raises PromiseError for alarms."""
    if json_path:
        write_json(json_path, report)
    for line in report_lines(report):
        print(line)
    if names := [alarm["name"] for alarm in report["alarms"]]:
        raise PromiseError(f"{len(names)} of the thresholds are passed: {', '.join(names)}")


def report_lines(report: dict[str, Any]) -> Iterator[str]:
    """The same for a person: a table of days, the shares, and the alarms last."""
    newest = report["newest"]
    yield f"version {report['version']}, published {report['published_at']}"
    yield f"newest version {newest['version']}, {newest['age_days']:.1f} days old"
    if "served" in report:
        yield from _seen_lines(report)
    yield from (f"ALARM {alarm['name']}: {alarm['line']}" for alarm in report["alarms"])
    if not report["alarms"]:
        yield "no alarm"


def _seen_lines(report: dict[str, Any]) -> Iterator[str]:
    served, expected = report["served"], report["expected"]
    yield (
        f"{served['lists']:,} lists of {served['users']:,} users, "
        f"{served['from']} to {served['to']}; the gate saw hr@10 {expected['hr@10']:.4f}"
    )
    yield f"{'day':<12}{'lists':>9}{'followed':>10}{'users':>8}{'hit rate':>10}  expected"
    for day in report["days"]:
        yield _day_line(day)
    for name, share in (
        ("unknown items in histories and clicks", report["unknown_items"]),
        ("places of the ten most shown items", report["exposure"]["top_share"]),
        (f"in common with lists of {report['overlap']['with']}", report["overlap"]["share"]),
    ):
        yield f"{name:<40}{'not measured' if share is None else f'{share:.1%}':>12}"


def _day_line(day: dict[str, Any]) -> str:
    counts = f"{day['day']:<12}{day['lists']:>9,}{day['followed']:>10,}{day['users']:>8,}"
    if day["hit_rate"] is None:
        return f"{counts}{'-':>10}"
    verdict = "BELOW" if day["below"] else "" if day["judged"] else "too few users"
    between = f"{day['low']:.4f} to {day['high']:.4f}"
    return f"{counts}{day['hit_rate']:>10.4f}  {between}  {verdict}".rstrip()
