"""The console script `slmrec`. Heavy modules are imported inside the commands that need them: start-up stays quick."""

from __future__ import annotations

import sys
import warnings
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Literal

import typer

from slmrec.core.errors import SlmrecError, UnavailableError, UsageError

app = typer.Typer(
    help="Raw logs to a small, fast next-item recommender.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
Bundle = Annotated[Path, typer.Argument(help="Folder of a bundle, such as artifacts/bundle.")]
Device = Annotated[
    Literal["cpu", "cuda"], typer.Option(help="Where it runs; never anywhere else in silence.")
]


@app.command("fetch-demo")
def fetch_demo(
    data: Annotated[Path, typer.Option(help="Folder to write to.")] = Path("data"),
) -> None:
    """Fetch the demo's logs (MovieLens-100k) into data/; never overwrites anything."""
    from slmrec.demo import movielens

    print(movielens.LICENCE, flush=True)
    print(movielens.fetch_demo(data, pin=data.with_name(f"{data.name}.dvc")))


@app.command()
def simulate(
    users: Annotated[int, typer.Option(help="How many users.")],
    events: Annotated[int, typer.Option(help="How many events, over one year.")],
    out: Annotated[Path, typer.Option(help="Folder to write; it must not exist yet.")],
    seed: Annotated[int, typer.Option(help="The same seed gives the same bytes.")] = 1,
) -> None:
    """Write logs of any size with known structure, and the best ranking any model can reach on them."""
    _needs("polars")
    from slmrec.demo.simulation import simulate as write

    if out.exists():
        raise UsageError(
            f"{out} exists, and logs are never overwritten; name another folder, or remove it"
        )
    write(users, events, seed, out)
    print(f"{out} holds {events:,} events of {users:,} users, and truth.json")


@app.command()
def recommend(
    bundle: Bundle,
    history: Annotated[str, typer.Option(help="Item ids, oldest first, with commas between.")],
    k: Annotated[int, typer.Option("-k", help="How many items.")] = 10,
    keep_seen: Annotated[
        bool, typer.Option("--keep-seen", help="Also items of the history itself.")
    ] = False,
    allow_unknown: Annotated[
        bool,
        typer.Option(
            "--allow-unknown", help="Read ids the bundle does not know as the unknown item."
        ),
    ] = False,
    device: Device = "cpu",
) -> None:
    """Print the next items after a history, best first."""
    from slmrec.runtime import Recommender

    ids = [word.strip() for word in history.split(",") if word.strip()]
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        recommender = Recommender(bundle, device, threads=None)
        best = recommender.recommend(
            [ids], k, exclude_seen=not keep_seen, unknown="warn" if allow_unknown else "refuse"
        )[0]
    for warning in said:
        print(f"slmrec: {warning.message}", file=sys.stderr)
    for rank, found in enumerate(best, start=1):
        print(f"{rank:>3}  {found.score:9.4f}  {found.item}  {found.title or ''}".rstrip())


@app.command()
def verify(bundle: Bundle, device: Device = "cpu") -> None:
    """Check a bundle's manifest and contract, and replay its golden cases here."""
    from slmrec import runtime

    done = runtime.verify(bundle, device, threads=None)
    print(
        f"{bundle} is whole: {done.cases} golden cases, {done.rows} rows; worst score difference {done.worst:.1e} of their spread"
    )


@app.command()
def doctor() -> None:
    """Check parameters, data, locks, versions and devices before anything runs; mends what holds nothing lasting."""
    _needs("pydantic", "dvc", "polars", "onnx")
    from slmrec.doctor import examine

    worst: SlmrecError | None = None
    for name, found in examine(Path()):
        bad = isinstance(found, SlmrecError)
        print(
            f"{'FAIL' if bad else 'ok':<5}{name:<10} {found}",
            file=sys.stderr if bad else sys.stdout,
            flush=True,
        )
        worst = worst or (found if isinstance(found, SlmrecError) else None)
    if worst:
        raise typer.Exit(worst.exit_code)


@app.command()
def show(
    readme: Annotated[
        Path | None, typer.Option(help="Also write the tables between the marks of this file.")
    ] = None,
) -> None:
    """Print what the last run came to, from metrics/*.json, as Markdown, and where the bundle lies."""
    from slmrec.results import result_text, write_into

    text = result_text(Path())
    print(text, end="")
    if readme:
        write_into(readme, text)


def _needs(*modules: str) -> None:
    missing = [module for module in modules if find_spec(module) is None]
    if missing:
        raise UnavailableError(
            f"{', '.join(missing)} not installed; this command needs: pip install 'slmrec[pipeline]'"
        )


def main() -> None:
    """Run a command; an error a person can act on becomes one line and its exit code."""
    try:
        app()
    except SlmrecError as error:
        print(f"slmrec: {error}", file=sys.stderr)
        sys.exit(error.exit_code)


if __name__ == "__main__":
    main()
