"""The console script `slmrec`. Heavy modules are imported inside the commands that need them: start-up stays quick."""

from __future__ import annotations

import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import typer

from slmrec.errors import SlmrecError, UnavailableError

app = typer.Typer(help="Raw logs to a small, fast next-item recommender.", no_args_is_help=True, pretty_exceptions_enable=False)

Bundle = Annotated[Path, typer.Argument(help="Folder of a bundle, such as artifacts/bundle.")]


@app.command("fetch-demo")
def fetch_demo(data: Annotated[Path, typer.Option(help="Folder to write to.")] = Path("data")) -> None:
    """Fetch the demo's logs (MovieLens-100k) into data/; never overwrites anything."""
    from slmrec import demo

    print(demo.LICENCE, flush=True)
    print(demo.fetch_demo(data, pin=data.with_name(f"{data.name}.dvc")))


@app.command()
def doctor() -> None:
    """Check parameters, data, locks, versions and devices before anything runs; mends what holds nothing lasting."""
    _needs("pydantic", "dvc", "polars", "onnx")
    from slmrec.doctor import examine

    worst: SlmrecError | None = None
    for name, found in examine(Path()):
        bad = isinstance(found, SlmrecError)
        print(f"{'FAIL' if bad else 'ok':<5}{name:<10} {found}", file=sys.stderr if bad else sys.stdout, flush=True)
        worst = worst or (found if isinstance(found, SlmrecError) else None)
    if worst:
        raise typer.Exit(worst.exit_code)


@app.command()
def show(readme: Annotated[Path | None, typer.Option(help="Also write the tables between the marks of this file.")] = None) -> None:
    """Print what the last run came to, from metrics/*.json, as Markdown, and where the bundle lies."""
    from slmrec.results import result_text, write_into

    text = result_text(Path())
    print(text, end="")
    if readme:
        write_into(readme, text)


def _needs(*modules: str) -> None:
    missing = [module for module in modules if find_spec(module) is None]
    if missing:
        raise UnavailableError(f"{', '.join(missing)} not installed; this command needs: pip install 'slmrec[pipeline]'")


def main() -> None:
    """Run a command; an error a person can act on becomes one line and its exit code."""
    try:
        app()
    except SlmrecError as error:
        print(f"slmrec: {error}", file=sys.stderr)
        sys.exit(error.exit_code)


if __name__ == "__main__":
    main()
