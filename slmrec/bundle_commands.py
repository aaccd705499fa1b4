"""The commands of a bundle: recommend, verify, bench, add-items, export-triton."""

from __future__ import annotations

import sys
import warnings
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Literal

import typer

from slmrec.core.installed import require

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
Precision = Annotated[
    Literal["fp32", "int8", "fp16"],
    typer.Option(help="Of the graph: int8 (on a CPU) and fp16 where the bundle has them."),
]


def add_to(app: typer.Typer) -> None:
    """Add a bundle's commands to the console script."""
    for command in (recommend, verify, bench, add_items, export_triton):
        app.command()(command)


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
    precision: Precision = "fp32",
) -> None:
    """Print the next items after a history, best first."""
    from slmrec.runtime import Recommender

    item_ids = [word.strip() for word in history.split(",") if word.strip()]
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        recommender = Recommender(bundle, device, threads=None, precision=precision)
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


def verify(bundle: Bundle, device: Device = "cpu") -> None:
    """Check a bundle's manifest and contract, and replay its golden cases here."""
    from slmrec import runtime

    replay = runtime.verify(bundle, device, threads=None)
    print(
        f"{bundle} is whole: {replay.cases} golden cases, {replay.rows} rows; "
        f"worst score difference {replay.max_difference:.1e} of their spread"
    )


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
    """Measure a bundle here: cold start, memory, and calls by precision, batch size and length."""
    from slmrec.core.files import write_json
    from slmrec.runtime import bench as measuring

    others = {}
    if student:
        require("torch", "safetensors", "pydantic", extra="pipeline")
        from slmrec.evaluation.eager_serving import serving_eagerly

        others["eager torch"] = serving_eagerly(student, threads)
    report = measuring.bench(bundle, device, threads, seconds, others)
    print(measuring.table(report))
    if json_file:
        write_json(json_file, report)


def add_items(
    bundle: Bundle,
    items: Annotated[
        Path, typer.Argument(metavar="ITEMS", help="New items: .csv, .parquet or .jsonl.")
    ],
    out: Annotated[Path, typer.Argument(metavar="OUT", help="Folder of the new bundle.")],
    item_column: Annotated[str, typer.Option(help="Column of ITEMS with the ids.")] = "item",
    title_column: Annotated[str, typer.Option(help="Column of ITEMS with the titles.")] = "title",
    exposure: Annotated[
        float, typer.Option(min=0.01, help="How often a new item is listed, beside a known one.")
    ] = 1.0,
    like: Annotated[
        int, typer.Option(min=1, help="Known items, by their titles, whose vectors it gets.")
    ] = 5,
    words: Annotated[int, typer.Option(min=1, help="As neighbours.titles.words was.")] = 2,
    most_titles: Annotated[
        int, typer.Option(min=1, help="As neighbours.titles.most_titles was.")
    ] = 2000,
    date: Annotated[
        datetime | None,
        typer.Option(formats=["%Y-%m-%d"], help="For the contract; today if not given."),
    ] = None,
) -> None:
    """Append items known by their titles alone to a bundle, between two trainings."""
    modules = ("onnx", "polars", "pydantic", "ruamel", "safetensors", "scipy", "sklearn")
    require(*modules, extra="items")
    from slmrec.export.add_command import Options, run

    day = (date or datetime.now(UTC)).date().isoformat()
    options = Options(item_column, title_column, exposure, like, words, most_titles, day)
    for line in run(bundle, items, out, options):
        print(line)


def export_triton(
    bundle: Bundle,
    repository: Annotated[
        Path, typer.Argument(metavar="REPOSITORY", help="Folder to write: new, or empty.")
    ],
    device: Annotated[
        Literal["cpu", "cuda"], typer.Option(help="What the server's instances run on.")
    ] = "cpu",
    name: Annotated[str, typer.Option(help="Of the model, as clients call it.")] = "slmrec",
    instances: Annotated[
        int, typer.Option(min=1, help="That run side by side; on cuda, on each GPU.")
    ] = 1,
    max_batch: Annotated[
        int | None, typer.Option(min=1, help="Rows run together at most; 32 on cpu, 256 on cuda.")
    ] = None,
    queue_delay: Annotated[
        int, typer.Option(min=0, help="Microseconds a request may wait for others.")
    ] = 500,
) -> None:
    """Write a Triton model repository of a bundle's serve_fixed.onnx."""
    from slmrec.export.triton_config import TritonModel
    from slmrec.export.triton_repository import write_repository
    from slmrec.runtime.recommender import BATCH_SIZE

    batch = max_batch or BATCH_SIZE[device]
    write_repository(bundle, repository, TritonModel(name, device, instances, batch, queue_delay))
    print(
        f"{repository} holds the model {name}; start: tritonserver --model-repository={repository}"
    )
