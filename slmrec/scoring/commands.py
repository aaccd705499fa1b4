"""The command `slmrec score`."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from slmrec.core.installed import require

if TYPE_CHECKING:
    from slmrec.scoring.part import Counts

Histories = Annotated[
    Path,
    typer.Argument(
        metavar="HISTORIES",
        help="Parquet, a file or a folder: `user`, and `items`, ids with the oldest first.",
    ),
]
ExcludeSeen = Annotated[
    bool | None,
    typer.Option(
        "--exclude-seen/--keep-seen",
        help="Without or with items of the history itself; the contract's way if not given.",
    ),
]


def add_to(app: typer.Typer) -> None:
    """Add the room's command to the console script."""
    app.command()(score)


def score(
    bundle: Annotated[Path, typer.Argument(metavar="BUNDLE", help="Folder of a bundle.")],
    histories: Histories,
    out: Annotated[
        Path, typer.Argument(metavar="OUT", help="Folder of the lists; goes on where it stopped.")
    ],
    k: Annotated[int, typer.Option("-k", help="How many items.")] = 10,
    exclude_seen: ExcludeSeen = None,
    processes: Annotated[
        int | None,
        typer.Option(min=1, help="Of one thread each; as many as cores if not given (1 on CUDA)."),
    ] = None,
    part_users: Annotated[
        int, typer.Option(help="Users in a file of the result; a multiple of 1,024.")
    ] = 32768,
    device: Annotated[
        Literal["cpu", "cuda"],
        typer.Option(help="Where it runs: there, or an error; never elsewhere in silence."),
    ] = "cpu",
) -> None:
    """Write the next items of many users, from Parquet to Parquet."""
    require("pyarrow", "filelock", extra="batch")
    from slmrec.scoring.run import Asked, run

    asked = Asked(bundle, histories, out, k, exclude_seen, part_users, device)
    counts = run(asked, processes or (1 if device == "cuda" else _cores()))
    print(f"{out} holds the lists of {counts.users:,} users")
    for line in remarks(counts, k):
        print(f"slmrec: {line}", file=sys.stderr)


def remarks(counts: Counts, k: int) -> list[str]:
    """A line for each thing about the histories that their owner may not expect."""
    said = {
        f"{counts.unknown_ids:,} of {counts.ids:,} ids are not in this bundle's item table, the "
        f"first is {counts.first_unknown!r}; read as the unknown item": counts.unknown_ids,
        f"{counts.empty_histories:,} histories are empty; answered like unknown "
        "items": counts.empty_histories,
        f"{counts.short_lists:,} lists have fewer than {k} items: no more candidates were "
        "left": counts.short_lists,
    }
    return [line for line, count in said.items() if count]


def _cores() -> int:
    if hasattr(os, "sched_getaffinity"):  # of Linux alone: the cores that this process may use
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
