"""The console script `slmrec`; each command imports the heavy modules it needs."""

from __future__ import annotations

import sys
import warnings
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Literal

import typer

from slmrec.core.disk import disk_fault
from slmrec.core.errors import SlmrecError, UnavailableError, UsageError
from slmrec.init import options
from slmrec.registry import commands as registry_commands

app = typer.Typer(
    help="Raw logs to a small, fast next-item recommender.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
Bundle = Annotated[
    Path, typer.Argument(metavar="BUNDLE", help="Folder of a bundle, such as artifacts/bundle.")
]
Device = Annotated[
    Literal["cpu", "cuda"],
    typer.Option(help="Where it runs: there, or an error; never elsewhere in silence."),
]

AnyDevice = Annotated[
    Literal["auto", "cpu", "cuda"],
    typer.Option(help="Where it runs: there, or an error; auto takes CUDA where that works."),
]


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
    _require("polars")
    from slmrec.demo.simulation import simulate as write_logs

    _refuse_existing(folder)
    write_logs(users, events, seed, folder)
    print(f"{folder} holds {events:,} events of {users:,} users, and truth.json")


def _refuse_existing(folder: Path) -> None:
    if folder.exists():
        raise UsageError(
            f"{folder} exists, and logs are never overwritten; name another folder, or remove it"
        )


@app.command()
def recommend(
    bundle: Bundle,
    history: Annotated[str, typer.Option(help="Item ids, oldest first, with commas between.")],
    k: Annotated[int, typer.Option("-k", help="How many items.")] = 10,
    exclude_seen: Annotated[
        bool | None,
        typer.Option(
            "--exclude-seen/--keep-seen",
            help="Without or with items of the history itself; the contract's way if not given.",
        ),
    ] = None,
    allow_unknown: Annotated[
        bool,
        typer.Option(
            "--allow-unknown", help="Read ids the bundle does not know as the unknown item."
        ),
    ] = False,
    device: AnyDevice = "cpu",
) -> None:
    """Print the next items after a history, best first."""
    from slmrec.runtime import Recommender

    item_ids = [word.strip() for word in history.split(",") if word.strip()]
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        recommender = Recommender(bundle, device, threads=None)
        recommendations = recommender.recommend(
            [item_ids],
            k,
            exclude_seen=exclude_seen,
            unknown="warn" if allow_unknown else "refuse",
        )[0]
    if device == "auto":
        print(f"slmrec: on {recommender.device}: {recommender.device_reason}", file=sys.stderr)
    for warning in caught:
        print(f"slmrec: {warning.message}", file=sys.stderr)
    for rank, item in enumerate(recommendations, start=1):
        print(f"{rank:>3}  {item.score:9.4f}  {item.item}  {item.title or ''}".rstrip())


@app.command()
def verify(bundle: Bundle, device: Device = "cpu") -> None:
    """Check a bundle's manifest and contract, and replay its golden cases here."""
    from slmrec import runtime

    replay = runtime.verify(bundle, device, threads=None)
    print(
        f"{bundle} is whole: {replay.cases} golden cases, {replay.rows} rows; "
        f"worst score difference {replay.max_difference:.1e} of their spread"
    )


@app.command()
def bench(
    bundle: Bundle,
    device: AnyDevice = "cpu",
    threads: Annotated[
        int | None, typer.Option(help="Of one call; as many as onnxruntime chooses if not given.")
    ] = None,
    seconds: Annotated[
        float, typer.Option(help="For each batch size and length of histories.")
    ] = 1.0,
    student: Annotated[
        Path | None,
        typer.Option(help="Folder of the student it was made of: measured beside it in torch."),
    ] = None,
    json_file: Annotated[
        Path | None, typer.Option("--json", metavar="FILE", help="Also write the figures there.")
    ] = None,
) -> None:
    """Measure a bundle here: cold start, memory, and calls by batch size and length."""
    from slmrec.core.files import write_json
    from slmrec.runtime import bench as measuring

    others = {}
    if student:
        _require("torch", "safetensors", "pydantic")
        from slmrec.evaluation.eager_serving import serving_eagerly

        others["eager torch"] = serving_eagerly(student, threads)
    report = measuring.bench(bundle, device, threads, seconds, others)
    print(measuring.table(report))
    if json_file:
        write_json(json_file, report)


app.command()(options.init)
registry_commands.add_to(app)


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
    _require("torch", "polars", "jinja2", "tabulate")
    _require("optuna", "sklearn", extra="tune")
    from slmrec.init.params_writer import revise
    from slmrec.tuning import command

    minutes = None if budget is None else options.minutes_of(budget)
    command.run(command.Options(minutes, trials, workers, space, apply), revise)


@app.command()
def doctor() -> None:
    """Check versions, locks, data, parameters and devices before anything runs."""
    _require("pydantic", "dvc", "polars", "onnx")
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
    _require("tabulate", "dvc", "pydantic", "polars")
    from slmrec.evaluation.looks import looks_line
    from slmrec.results import logs_of_results, result_text, write_into

    logs = logs_of_results(Path())
    text = result_text(Path())
    looks = looks_line(Path("artifacts/histories"))
    print("\n".join(line for line in (logs, looks) if line) + "\n")
    print(text, end="")
    if readme:
        write_into(readme, text)


def _require(*modules: str, extra: str = "pipeline") -> None:
    missing = [module for module in modules if find_spec(module) is None]
    if missing:
        raise UnavailableError(
            f"{', '.join(missing)} not installed; this command needs the extra {extra}: "
            f"pip install '.[{extra}]' in the project's folder"
        )


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
