"""The command `slmrec init`: its options, and nothing heavy until it runs."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated

import typer

from slmrec.core.errors import UsageError
from slmrec.core.installed import require
from slmrec.init.answers import Answers

MINUTES = re.compile(r"(?:(\d+)h)?(?:(\d+)m?)?")
PACKAGES = ("polars", "pyarrow", "pydantic", "ruamel", "charset_normalizer", "tabulate")
File = typer.Option(metavar="NAME", help="Name or glob below the folder, or none.")
Column = typer.Option(metavar="COLUMN", help="Name of its column, or none.")
Encoding = typer.Option(metavar="NAME", help="Such as utf-8, latin-1 or utf-16.")
Header = typer.Option(metavar="first_line|none", help="Whether the first line names columns.")


def init(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="Your logs.")] = Path("data"),
    events_file: Annotated[str | None, File] = None,
    user: Annotated[str | None, Column] = None,
    item: Annotated[str | None, Column] = None,
    time: Annotated[str | None, Column] = None,
    time_format: Annotated[
        str | None, typer.Option(help="epoch_s, iso8601, date, ... or a pattern with %.")
    ] = None,
    sequence: Annotated[
        str | None,
        typer.Option(metavar="COLUMN", help="Name of its column, none, or lines: those in order."),
    ] = None,
    weight: Annotated[str | None, Column] = None,
    type_: Annotated[str | None, typer.Option("--type", metavar="COLUMN", help=Column.help)] = None,
    items_file: Annotated[str | None, File] = None,
    title: Annotated[str | None, Column] = None,
    encoding: Annotated[str | None, Encoding] = None,
    header: Annotated[str | None, Header] = None,
    items_encoding: Annotated[str | None, Encoding] = None,
    items_header: Annotated[str | None, Header] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Take what is in doubt as found.")] = False,
    budget: Annotated[
        str | None, typer.Option(help="Size the settings to a run of so long: 30m, 2h.")
    ] = None,
    estimate: Annotated[bool, typer.Option(help="Time a few training steps beforehand.")] = True,
) -> None:
    """Look at your logs and write params.yaml: formats, columns, and settings that fit them."""
    columns = (user, item, time, time_format, sequence, weight, type_)
    reading = (encoding, _header(header), items_encoding, _header(items_header))
    answers = Answers(events_file, *columns, items_file, title, *reading)
    minutes = minutes_of(budget) if budget is not None else None
    require(*PACKAGES, extra="pipeline")
    from slmrec.init.command import Options, run

    run(folder, answers, Options(yes, minutes, estimate))


def _header(answer: str | None) -> str | None:
    if answer not in (None, "first_line", "none"):
        raise UsageError(f"a header is first_line or none, not {answer!r}")
    return answer


def minutes_of(text: str) -> float:
    """Minutes of "90m", "2h" or "1h30m". Raises UsageError where it is none of them."""
    match = MINUTES.fullmatch(text)
    if match is None or not any(match.groups()):
        raise UsageError(f"--budget is {text!r}; say it like 45m, 2h or 1h30m")
    hours, minutes = (int(part or 0) for part in match.groups())
    return 60.0 * hours + minutes
