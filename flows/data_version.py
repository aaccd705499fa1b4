"""A data version in the flow's clone: the last one, what is new, and what is carried over."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterable
from pathlib import Path

from flows.dvc_stages import StageError, reproduce_stage, run_module, stage_making
from flows.landing import INDEX, matching
from slmrec.core.errors import UnavailableError, UsageError
from slmrec.core.files import new_file
from slmrec.params.prepare import PrepareParams

DATA, PIN = "data", "data.dvc"
# What a version hands to the next one, docs/logs.md: from an artifact to data/.
CARRIED = {
    Path("artifacts/events/items.parquet"): Path(INDEX, "items.parquet"),
    Path("artifacts/validation/profile.json"): Path(INDEX, "profile.json"),
}
# A shared cache is linked to, not copied; DVC protects what it links from being written to.
LINKS = "reflink,hardlink,copy"
Log = Callable[[str], None]


def share_cache(project: Path, clone: Path) -> None:
    """Let the clone use the project's DVC cache and remotes, those of its local settings too."""
    from dvc.repo import Repo

    with Repo(str(project)) as repo:
        cache_dir = str(Path(repo.cache.local_cache_dir).absolute())
        remotes = {name: dict(remote) for name, remote in repo.config["remote"].items()}
        default = repo.config["core"].get("remote")
    # DVC writes it in place: one that was cut short would stop every later run.
    (clone / ".dvc" / "config.local").unlink(missing_ok=True)
    with Repo(str(clone)) as repo, repo.config.edit("local") as settings:
        settings["cache"] = {"dir": cache_dir, "type": LINKS}
        settings["remote"] = remotes
        settings["core"] = {"remote": default} if default else {}
    (clone / ".dvc" / "config.local").chmod(0o600)  # remotes may carry passwords


def default_remote(project: Path) -> str | None:
    """The name of the DVC remote that `dvc push` goes to."""
    from dvc.repo import Repo

    with Repo(str(project)) as repo:
        name = repo.config["core"].get("remote")
        return str(name) if name else None


def check_out(clone: Path, log: Log) -> None:
    """Bring data/ to what data.dvc pins, and away from what a run left; none where it pins nothing.

    Raises UnavailableError where neither DVC's cache nor its remote has it.
    """
    if not (clone / PIN).is_file():
        shutil.rmtree(clone / DATA, ignore_errors=True)
        return
    try:
        run_module("dvc", ["checkout", "--force", PIN], "checkout", clone, log)
    except StageError as error:
        if default_remote(clone) is None:
            raise UnavailableError(
                f"the data that data.dvc pins is not in DVC's cache ({error}); "
                "run dvc add data in the project, or set a remote that has it"
            ) from error
        run_module("dvc", ["pull", "--force", PIN], "pull", clone, log)


def contents(clone: Path) -> set[str]:
    """MD5 of every file of the data that data.dvc pins; none where it pins nothing."""
    from dvc.repo import Repo

    if not (clone / PIN).is_file():
        return set()
    with Repo(str(clone)) as repo:
        out = repo.stage.load_one(str(clone / PIN)).outs[0]
        return {str(hash_info.value) for _key, _meta, hash_info in out.get_obj()}


def log_globs(clone: Path) -> list[str]:
    """The globs below data/ that params.yaml names, of events and items.

    Raises UsageError where they would read the item index as logs.
    """
    p = PrepareParams.read(clone)
    globs = [*p.events.files, *(p.items.files if p.items else [])]
    if caught := matching((path.as_posix() for path in CARRIED.values()), globs):
        raise UsageError(
            f"prepare's files {', '.join(globs)} in params.yaml match data/{min(caught)} too, "
            "which is carried over and is no log; name a folder of the logs: events/**/*.parquet"
        )
    return globs


def carry_over(clone: Path, log: Log) -> None:
    """Put item index and drift profile of the data that lies there into data/index.

    The stages that make them are skipped by DVC where the last version's outputs are in its cache.
    Does nothing where there is no data yet.
    """
    if not (clone / PIN).is_file():
        return
    made = {source: stage_making(clone, source.parent) for source in CARRIED}
    for stage in dict.fromkeys(stage for stage in made.values() if stage):
        reproduce_stage(stage, clone, log)
    for source, target in CARRIED.items():
        if made[source]:
            with new_file(clone / DATA / target) as temporary:
                shutil.copyfile(clone / source, temporary)


def add_files(clone: Path, folder: Path, names: Iterable[str], log: Log) -> None:
    """Move files of `folder` into data/, in place of those of the same names, and pin all of it."""
    for name in names:
        target = clone / DATA / name
        target.parent.mkdir(parents=True, exist_ok=True)
        os.replace(folder / name, target)
    run_module("dvc", ["add", "--quiet", DATA], "add", clone, log)
