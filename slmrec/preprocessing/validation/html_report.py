"""The page of `validate`: what was promised, what was found, drift, quarantine, charts. One file, nothing from outside."""

from __future__ import annotations

from html import escape
from string import Template

import polars as pl

from slmrec.preprocessing.validation.checks import CheckResult
from slmrec.preprocessing.validation.drift import Shift
from slmrec.preprocessing.validation.profile import LENGTH_BOUNDS, Profile

WIDTH, HEIGHT, MARGIN = 640, 150, 44  # of a chart, in pixels
MOST_BARS = 160  # of a chart; more days are joined
EXAMPLES = 5  # quarantined rows shown for each reason

PAGE = Template("""<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>Validation of the data</title>
<style>
body { font: 16px/1.5 system-ui, sans-serif; color: #1c2430; background: #f6f7f9; margin: 0 }
main { max-width: 1000px; margin: 0 auto; padding: 24px }
section { background: #fff; border: 1px solid #dde1e7; border-radius: 8px; padding: 4px 24px 20px; margin: 20px 0 }
h1 { font-size: 26px; margin: 12px 0 4px } h2 { font-size: 19px; margin: 16px 0 8px }
table { border-collapse: collapse; width: 100% } th { text-align: left; font-weight: 600; color: #566173 }
td, th { padding: 5px 10px 5px 0; border-bottom: 1px solid #eceef2; vertical-align: top }
td.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap }
code { font: 13px ui-monospace, monospace; word-break: break-all }
.kept { color: #14713d } .broken { color: #b3261e; font-weight: 600 } .warned { color: #9a6700; font-weight: 600 }
.cards { display: grid; grid-template-columns: repeat(auto-fit, minmax(150px, 1fr)); gap: 12px; margin-top: 12px }
.card { background: #f6f7f9; border-radius: 6px; padding: 8px 12px } .card b { display: block; font-size: 20px }
.charts { display: grid; grid-template-columns: 1fr; gap: 8px } figure { margin: 8px 0 } figcaption { color: #566173 }
svg { width: 100%; height: auto } svg text { font: 11px system-ui, sans-serif; fill: #566173 }
</style></head><body><main>
<h1>Validation of the data</h1>
<p class="$class">$verdict</p>
<section><h2>The data</h2><div class="cards">$cards</div></section>
<section><h2>Promises</h2><table><tr><th></th><th>Promised</th><th>Found</th></tr>$promises</table></section>
<section><h2>Against the previous version</h2>$drift</section>
<section><h2>Set aside</h2>$quarantine</section>
<section><h2>Charts</h2><div class="charts">$charts</div></section>
</main></body></html>
""")


def make_page(
    profile: Profile,
    results: list[CheckResult],
    shifts: list[Shift] | None,
    quarantine: pl.DataFrame,
) -> str:
    """HTML of the page, the same for the same findings. `quarantine` holds some examples, as tables.QUARANTINE."""
    broken = sum(not result.kept for result in results)
    drifted = sum(not shift.within for shift in shifts or [])
    verdict = f"{len(results) - broken} of {len(results)} promises are kept"
    verdict += (
        f"; {drifted} of {len(shifts)} measures of drift are beyond what is allowed."
        if shifts
        else "."
    )
    return PAGE.substitute(
        {
            "class": "broken" if broken else "warned" if drifted else "kept",
            "verdict": verdict,
            "cards": "".join(_cards(profile)),
            "promises": "".join(_promise(result) for result in results),
            "drift": _drift(shifts),
            "quarantine": _quarantine(profile, quarantine),
            "charts": "".join(_charts(profile)),
        }
    )


def _cards(profile: Profile) -> list[str]:
    facts = {
        "events": f"{profile.events:,}",
        "users": f"{profile.users:,}",
        "items with events": f"{profile.items:,}",
        "first event": profile.first_time[:10],
        "last event": profile.last_time[:10],
        "events in the median history": f"{profile.median_history:g}",
        "events in the longest history": f"{profile.longest_history:,}",
        "of events have a titled item": f"{profile.title_coverage:.1%}",
        "of newest events have a history": f"{profile.target_coverage:.1%}",
        "of rows set aside": f"{profile.quarantine_share:.2%}",
    }
    return [f'<div class="card"><b>{value}</b>{name}</div>' for name, value in facts.items()]


def _promise(result: CheckResult) -> str:
    mark = "?" if result.error else "kept" if result.kept else "broken"
    style = "kept" if result.kept else "broken"
    found = escape(result.error or result.found)
    return f'<tr><td class="{style}">{mark}</td><td>{escape(result.sentence)}</td><td>{found}</td></tr>'


def _drift(shifts: list[Shift] | None) -> str:
    if shifts is None:
        return "<p>There is no previous version: data/index/profile.json is absent.</p>"
    rows = [
        f'<tr><td class="{"kept" if shift.within else "warned"}">{"within" if shift.within else "beyond"}</td><td>{escape(shift.name)}</td>'
        f'<td class="number">{shift.found:.3f}</td><td class="number">{shift.allowed:g}</td></tr>'
        for shift in shifts
    ]
    return f"<table><tr><th></th><th>Measure</th><th>Found</th><th>Allowed</th></tr>{''.join(rows)}</table>"


def _quarantine(profile: Profile, rows: pl.DataFrame) -> str:
    if not profile.quarantined:
        return "<p>No row was set aside.</p>"
    made = []
    for reason, count in sorted(profile.quarantined.items(), key=lambda each: (-each[1], each[0])):
        examples = rows.filter(pl.col("reason") == reason).head(EXAMPLES)
        shown = "<br>".join(
            f"{escape(file)} row {row}" + (f": <code>{escape(text)}</code>" if text else "")
            for file, row, text in examples.select("file", "row", "text").iter_rows()
        )
        made.append(
            f'<tr><td>{escape(reason)}</td><td class="number">{count:,}</td><td>{shown}</td></tr>'
        )
    return f"<table><tr><th>Reason</th><th>Rows</th><th>Examples</th></tr>{''.join(made)}</table>"


def _charts(profile: Profile) -> list[str]:
    days = [day["day"] for day in profile.days]
    lengths = [
        f"{low}+" if high is None else f"{low}-{high - 1}" if high - low > 1 else f"{low}"
        for low, high in _classes()
    ]
    made = [
        _chart(name.replace("_", " ") + " a day", days, [day[name] for day in profile.days])
        for name in ("events", "new_users", "new_items")
    ]
    made.append(
        _chart("users by length of their history", lengths, profile.lengths, every_label=True)
    )
    shares = [100 * share for share in profile.popularity.values()]
    made.append(
        _chart(
            "percent of events of the most popular items, most popular first",
            [str(place + 1) for place in range(len(shares))],
            shares,
        )
    )
    return made


def _classes() -> list[tuple[int, int | None]]:
    return list(zip(LENGTH_BOUNDS, [*LENGTH_BOUNDS[1:], None], strict=True))


def _chart(
    caption: str, labels: list[str], values: list[float] | list[int], every_label: bool = False
) -> str:
    """Bars as inline SVG. Neighbouring bars are joined (their mean) where there are more than fit."""
    step = -(-len(values) // MOST_BARS)
    heights = [
        sum(values[place : place + step]) / len(values[place : place + step])
        for place in range(0, len(values), step)
    ]
    names = labels[::step]
    top = max(max(heights), 1e-9)
    wide = (WIDTH - MARGIN) / len(heights)
    bars = []
    for place, height in enumerate(heights):
        tall = height / top * (HEIGHT - 30)
        x = MARGIN + place * wide
        bars.append(
            f'<rect x="{x:.2f}" y="{HEIGHT - 20 - tall:.2f}" width="{max(wide - 1, 0.6):.2f}" height="{tall:.2f}" fill="#3367b3">'
            f"<title>{escape(names[place])}: {height:,.4g}</title></rect>"
        )
    places = range(len(names)) if every_label else sorted({0, len(names) // 2, len(names) - 1})
    ticks = [
        f'<text x="{MARGIN + (place + 0.5) * wide:.1f}" y="{HEIGHT - 5}" text-anchor="middle">{escape(names[place])}</text>'
        for place in places
    ]
    scale = "".join(
        f'<text x="{MARGIN - 6}" y="{y}" text-anchor="end">{said}</text>'
        for y, said in ((16, f"{top:,.4g}"), (HEIGHT - 20, "0"))
    )
    axis = (
        f'<line x1="{MARGIN}" y1="{HEIGHT - 20}" x2="{WIDTH}" y2="{HEIGHT - 20}" stroke="#c5cbd5"/>'
    )
    drawing = axis + "".join(bars) + "".join(ticks) + scale
    return f'<figure><figcaption>{escape(caption)}</figcaption><svg viewBox="0 0 {WIDTH + 30} {HEIGHT}">{drawing}</svg></figure>'
