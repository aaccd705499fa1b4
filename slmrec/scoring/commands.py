"""The commands `slmrec score` and `slmrec embed`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from slmrec.core.installed import require

if TYPE_CHECKING:
    from slmrec.scoring.part import Counts
    from slmrec.scoring.run import Asked

Histories = Annotated[
    Path,
    typer.Argument(
        metavar="HISTORIES",
        help="Parquet, a file or a folder: `user`, and `items`, ids with the oldest first.",
    ),
]
Bundle = Annotated[Path, typer.Argument(metavar="BUNDLE", help="Folder of a bundle.")]
Out = Annotated[
    Path, typer.Argument(metavar="OUT", help="Folder of the result; goes on where it stopped.")
]
Processes = Annotated[
    int | None,
    typer.Option(min=1, help="Of one thread each; as many as cores if not given (1 on CUDA)."),
]
PartUsers = Annotated[int, typer.Option(help="Users in a file of the result; a multiple of 1,024.")]
Device = Annotated[
    Literal["cpu", "cuda"],
    typer.Option(help="Where it runs: there, or an error; never elsewhere in silence."),
]
ExcludeSeen = Annotated[
    bool | None,
    typer.Option(
        "--exclude-seen/--keep-seen",
        help="Without or with items of the history itself; the contract's way if not given.",
    ),
]
OnRay = Annotated[
    bool,
    typer.Option(
        "--ray", help="On the Ray cluster that RAY_ADDRESS names, or one of this machine."
    ),
]


def add_to(app: typer.Typer) -> None:
    """Add the room's commands to the console script."""
    app.command()(score)
    app.command()(embed)


def score(
    bundle: Bundle,
    histories: Histories,
    out: Out,
    k: Annotated[int, typer.Option("-k", help="How many items.")] = 10,
    exclude_seen: ExcludeSeen = None,
    processes: Processes = None,
    part_users: PartUsers = 32768,
    device: Device = "cpu",
    ray: OnRay = False,
) -> None:
    """Write the next items of many users, from Parquet to Parquet."""
    require("pyarrow", "filelock", extra="batch")
    from slmrec.scoring.lists import Lists
    from slmrec.scoring.run import Asked

    asked = Asked(bundle, histories, out, Lists(k, exclude_seen), part_users, device)
    counts = _run(asked, processes, ray)
    print(f"{out} holds the lists of {counts.users:,} users")
    _say(remarks(counts, k))


def embed(
    bundle: Bundle,
    histories: Histories,
    out: Out,
    processes: Processes = None,
    part_users: PartUsers = 32768,
    device: Device = "cpu",
    ray: OnRay = False,
) -> None:
    """Write the vectors of many users, from Parquet to Parquet, for a vector database."""
    require("pyarrow", "filelock", extra="batch")
    from slmrec.scoring.run import Asked
    from slmrec.scoring.vectors import Vectors

    asked = Asked(bundle, histories, out, Vectors(), part_users, device)
    counts = _run(asked, processes, ray)
    print(f"{out} holds the vectors of {counts.users:,} users")
    _say(remarks(counts, 0))


def _run(asked: Asked, processes: int | None, on_ray: bool) -> Counts:
    from slmrec.scoring.run import run

    return run(asked, processes, on_ray)


def _say(lines: list[str]) -> None:
    for line in lines:
        print(f"slmrec: {line}", file=sys.stderr)


def remarks(counts: Counts, k: int) -> list[str]:
    """A line for each thing about the histories that their owner may not expect."""
    said = {
        f"{counts.unknown_ids:,} of {counts.ids:,} ids are not in this bundle's item table, the "
        f"first is {counts.first_unknown!r}; read as the unknown item": counts.unknown_ids,
        f"{counts.empty_histories:,} histories are empty; the bundle's contract says what answers "
        "them": counts.empty_histories,
        f"{counts.short_lists:,} lists have fewer than {k} items: no more candidates were "
        "left": counts.short_lists,
    }
    return [line for line, count in said.items() if count]
