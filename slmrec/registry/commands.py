"""The commands of the registry: versions, compare, publish, rollback, push; monitor beside them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal, TypeVar

import typer

from slmrec.core.errors import UsageError
from slmrec.core.installed import require
from slmrec.core.openmp import wait_passively
from slmrec.registry.monitor_command import monitor

RegistryFolder = Annotated[
    Path | None,
    typer.Option(
        "--registry", metavar="DIR", help="The registry; SLMREC_STATE/registry if not given."
    ),
]
Name = Annotated[
    str, typer.Argument(help="A version, `current`, or the folder of a bundle.", show_default=False)
]
BUNDLE = Path("artifacts/bundle")
T = TypeVar("T")


def add_to(app: typer.Typer) -> None:
    """Add the registry's commands to the console script."""
    for command in (versions, compare, publish, rollback, push, monitor):
        app.command()(command)


def versions(registry: RegistryFolder = None) -> None:
    """List the published versions: when, of which data, how good; the champion is marked."""
    from slmrec.registry.listing import version_lines
    from slmrec.registry.store import at

    for line in version_lines(at(registry)):
        print(line)


def compare(left: Name, right: Name, registry: RegistryFolder = None) -> None:
    """Say how RIGHT differs from LEFT: quality, lists, what users would notice, the contract."""
    from slmrec.registry.comparison import Opened, compare_versions
    from slmrec.registry.store import at

    store = at(registry)
    sides = (Opened.of(name, store.bundle_of(name)) for name in (left, right))
    for line in compare_versions(*sides):
        print(line)


def publish(
    bundle: Annotated[Path, typer.Argument(metavar="BUNDLE", help="What to publish.")] = BUNDLE,
    registry: RegistryFolder = None,
    override: Annotated[
        str | None,
        typer.Option(metavar="REASON", help="Publish whatever the gate says; the reason is kept."),
    ] = None,
    against: Annotated[
        Literal["champion", "baselines"],
        typer.Option(help="The baselines alone: where the champion cannot be compared any more."),
    ] = "champion",
    report: Annotated[
        Path, typer.Option(metavar="DIR", help="Where gate.json and gate.html go.")
    ] = Path("reports"),
    trial: Annotated[
        Path | None,
        typer.Option(
            metavar="GATE_JSON",
            help="Verdict on the same settings, trained up to an earlier cut: its rules that a "
            "baseline is beaten are not judged again, on fewer targets.",
        ),
    ] = None,
    dry_run: Annotated[bool, typer.Option(help="Judge, and publish nothing.")] = False,
) -> None:
    """Hold a bundle against the champion and publish it, or keep the champion (exit code 9)."""
    require("torch", "polars", "pydantic", "filelock", "jinja2", extra="pipeline")
    wait_passively()  # before torch is loaded
    from slmrec.registry.command import judge_bundle, publish_bundle
    from slmrec.registry.store import at

    act = judge_bundle if dry_run else publish_bundle
    act(bundle, at(registry), against, override, report, trial)


def rollback(
    version: Annotated[
        str | None,
        typer.Argument(metavar="[VERSION]", help="Else the one that the champion replaced."),
    ] = None,
    registry: RegistryFolder = None,
) -> None:
    """Let an earlier version serve again."""
    require("filelock", extra="pipeline")
    from slmrec.registry.pointer import roll_back
    from slmrec.registry.store import at

    before, now = roll_back(at(registry), version)
    print(f"{now} serves, in place of {before or 'a pointer that named no version'}")


def push(
    version: Annotated[
        str, typer.Argument(metavar="VERSION", help="A version, or `current`.", show_default=False)
    ],
    to: Annotated[
        Literal["hf", "mlflow", "folder"],
        typer.Option(help="Hugging Face's hub, MLflow, or a folder laid out as their repository."),
    ],
    name: Annotated[
        str | None, typer.Option(help="OWNER/NAME on the hub; the registered model of MLflow.")
    ] = None,
    uri: Annotated[str | None, typer.Option(help="MLflow's tracking URI.")] = None,
    folder: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Where DIR/VERSION is written.")
    ] = None,
    registry: RegistryFolder = None,
) -> None:
    """Put a version on a model hub: bundle, student, verdict and record, never a history.

    What is there already is left as it is. The hub's token is HF_TOKEN, or its own login's.
    """
    require("huggingface_hub", extra="hf")  # makes the card's head, wherever it goes
    from slmrec.registry import push as pushing
    from slmrec.registry.store import at

    store = at(registry)
    named = store.named(version)
    if to == "folder":
        print(pushing.push_to_folder(store, named, _given(folder, "--folder", to)))
    elif to == "hf":
        print(pushing.push_to_hugging_face(store, named, _given(name, "--name", to)))
    else:
        mlflow = (_given(name, "--name", to), _given(uri, "--uri", to))
        print(pushing.push_to_mlflow(store, named, *mlflow))


def _given(value: T | None, option: str, to: str) -> T:
    if value is None:
        raise UsageError(f"--to {to} needs {option}")
    return value
