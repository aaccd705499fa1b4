"""The console script `slmrec`; each command imports the heavy modules it needs."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from slmrec import bundle_commands
from slmrec.core.disk import disk_fault
from slmrec.core.errors import SlmrecError, UsageError
from slmrec.core.installed import require
from slmrec.init import options
from slmrec.registry import commands as registry_commands
from slmrec.scoring import commands as scoring_commands

app = typer.Typer(
    help="Raw logs to a small, fast next-item recommender.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)


@app.command("fetch-demo")
def fetch_demo(
    data_dir: Annotated[Path, typer.Option("--data", help="Folder to write to.")] = Path("data"),
) -> None:
    """Fetch the demo's logs (MovieLens-100k) into data/; never overwrites anything."""
    from slmrec.demo import movielens

    print(movielens.LICENCE, flush=True)
    print(movielens.fetch_demo(data_dir, data_dir.with_name(f"{data_dir.name}.dvc")))


@app.command()
def simulate(
    folder: Annotated[
        Path, typer.Argument(metavar="FOLDER", help="Folder to write; it must not exist yet.")
    ],
    users: Annotated[int, typer.Option(help="How many users.")],
    events: Annotated[int, typer.Option(help="How many events, over one year.")],
    seed: Annotated[int, typer.Option(help="The same seed gives the same bytes.")] = 1,
) -> None:
    """Write logs of known structure, of any size, and the best NDCG@10 possible on them."""
    require("polars", extra="pipeline")
    from slmrec.demo.simulation import simulate as write_logs

    _refuse_existing(folder)
    write_logs(users, events, seed, folder)
    print(f"{folder} holds {events:,} events of {users:,} users, and truth.json")


def _refuse_existing(folder: Path) -> None:
    if folder.exists():
        raise UsageError(
            f"{folder} exists, and logs are never overwritten; name another folder, or remove it"
        )


bundle_commands.add_to(app)
app.command()(options.init)
registry_commands.add_to(app)
scoring_commands.add_to(app)


@app.command()
def tune(
    budget: Annotated[
        str | None, typer.Option(help="How long to search: 30m, 2h; what runs then is kept.")
    ] = None,
    trials: Annotated[
        int | None, typer.Option(min=1, help="At most so many trials of each part.")
    ] = None,
    apply: Annotated[
        bool, typer.Option("--apply", help="Write the better settings into params.yaml.")
    ] = False,
    workers: Annotated[
        int | None,
        typer.Option(min=1, help="Processes, of compute.threads each; as many as cores hold."),
    ] = None,
    space: Annotated[
        Path | None, typer.Option(help="What to search, in place of slmrec/tuning/space.yaml.")
    ] = None,
) -> None:
    """Search settings for your logs, judged on validation targets alone; resumes."""
    require("torch", "polars", "jinja2", "tabulate", extra="pipeline")
    require("optuna", "sklearn", extra="tune")
    from slmrec.init.params_writer import revise
    from slmrec.tuning import command

    minutes = None if budget is None else options.minutes_of(budget)
    command.run(command.Options(minutes, trials, workers, space, apply), revise)


@app.command()
def doctor() -> None:
    """Check versions, locks, data, parameters and devices before anything runs."""
    require("pydantic", "dvc", "polars", "onnx", extra="pipeline")
    from slmrec.doctor import run_preflight

    first_error: SlmrecError | None = None
    for name, result in run_preflight(Path()):
        if isinstance(result, SlmrecError):
            first_error = first_error or result
            print(f"FAIL {name:<10} {result}", file=sys.stderr, flush=True)
        else:
            print(f"ok   {name:<10} {result}", flush=True)
    if first_error:
        raise typer.Exit(first_error.exit_code)


@app.command()
def show(
    readme: Annotated[
        Path | None, typer.Option(help="Also write the tables between the marks of this file.")
    ] = None,
) -> None:
    """Print the last run's quality and cost, of which logs, and where the bundle lies."""
    require("tabulate", "dvc", "pydantic", "polars", extra="pipeline")
    from slmrec.evaluation.looks import looks_line
    from slmrec.results import logs_of_results, result_text, write_into

    logs = logs_of_results(Path())
    text = result_text(Path())
    looks = looks_line(Path("artifacts/histories"))
    print("\n".join(line for line in (logs, looks) if line) + "\n")
    print(text, end="")
    if readme:
        write_into(readme, text)


def main() -> None:
    """Run a command; an error a person can act on becomes one line and its exit code."""
    try:
        app()
    except SlmrecError as error:
        print(f"slmrec: {error}", file=sys.stderr)
        sys.exit(error.exit_code)
    except OSError as error:
        fault = disk_fault(error)
        if fault is None:
            raise
        print(f"slmrec: {fault}", file=sys.stderr)
        sys.exit(fault.exit_code)


if __name__ == "__main__":
    main()
