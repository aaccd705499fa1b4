"""Every command of README, CONTRIBUTING and docs runs as it stands there.

Where that would take hours, a network or a server, or would run these tests within themselves,
ELSEWHERE says so, and which file shows that it works.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tomllib
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import metadata
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from tests.pipeline.test_whole_pipeline import SMALL
from tests.support.documents import FENCE, PAGES, documented_commands, page_text
from tests.support.project import ROOT, change, environment, git, make_project, write_logs
from tests.support.waiting import wait_until

COMMANDS = documented_commands()

# In a small project in which nothing has run yet, in this order.
AT_ONCE = [
    "make help",
    "make measure",
    "slmrec doctor",
    "slmrec simulate --users 20000 --events 1000000 --seed 1 data",
]
RECOMMEND = '.venv/bin/slmrec recommend artifacts/bundle --history "50,181,172" -k 10'
# In one small project, in this order.
IN_ORDER = [
    ".venv/bin/dvc add data",
    "make repro",
    "make repro PYTHON=python3.11",
    "dvc repro",
    "slmrec show",
    "slmrec show --readme README.md",
    "slmrec verify artifacts/bundle",
    ".venv/bin/slmrec verify artifacts/bundle",
    "slmrec verify BUNDLE",
    RECOMMEND,
    "sha256sum -c MANIFEST.sha256",
    "python -m benchmarks.compression artifacts/histories artifacts/student/student",
    "dvc plots show",
    "dvc plots diff",
    "dvc exp show",
    "dvc checkout --force STAGE",
    "make flow",
    "make depth-study",
    "make ablation",
    ".venv/bin/dvc remote add --default store s3://bucket/slmrec",
    ".venv/bin/dvc push",
    ".venv/bin/dvc pull",
    "dvc repro --force train_teacher",
    "mkdir -p data/index",
    "cp artifacts/events/items.parquet data/index/items.parquet",
    "cp artifacts/validation/profile.json data/index/profile.json",
]
# What is seen here is that the commands run: nothing has to be learnt.
SHORT = {
    "embed_items.ensemble_seeds": [],
    "embed_items.training.epochs": 1,
    "train_teacher.training.epochs": 1,
    "distill_student.training.epochs": 1,
}
SMALL_STUDIES = {"depth_study.depths": [1], "depth_study.windows": 32, "ablation.seeds": [1]}
# What a reader puts in place of a word in capitals.
PLACEHOLDERS = {"BUNDLE": "artifacts/bundle", "STAGE": "validate"}
FOLDERS = {"sha256sum -c MANIFEST.sha256": "artifacts/bundle"}  # that a command is run in


@dataclass(frozen=True)
class Elsewhere:
    """Why a command is not run here, and the file and text that show that it works."""

    why: str
    file: str
    text: str


ELSEWHERE = {
    "make test": Elsewhere("CI runs it, and this test within it", ".ci/run", "make test"),
    "make acceptance": Elsewhere("CI runs it, and this within it", ".ci/run", "make acceptance"),
    "make lint": Elsewhere("CI runs it on the whole tree", ".ci/run", "make lint"),
    "make runtime-matrix": Elsewhere("CI runs it", ".ci/run", "make runtime-matrix"),
    "make check": Elsewhere("CI runs both parts", "Makefile", "check: lint test"),
    "make format": Elsewhere(
        "rewrites the tree, and lint holds what it does", "Makefile", "ruff format --check ."
    ),
    "make coverage": Elsewhere("runs the quick tests again", "Makefile", "--cov-report=html"),
    "make ui PORT=4300": Elsewhere(
        "make ui is run below, on its own port", "Makefile", "flows.local_server $(PORT)"
    ),
    'pytest -m "not acceptance"': Elsewhere(
        "is what make test does", "Makefile", 'pytest -m "not acceptance"\n'
    ),
    "pytest -m gpu": Elsewhere(
        "skips all where there is no GPU", "pyproject.toml", '"gpu: needs a CUDA device'
    ),
    "pre-commit install": Elsewhere(
        "writes into .git; its hooks are held against make lint below",
        ".pre-commit-config.yaml",
        "language: system",
    ),
    "pip install .": Elsewhere(
        "takes an empty environment; CI has one a Python", ".ci/runtime", "constraints.txt . pytest"
    ),
    "slmrec fetch-demo": Elsewhere(
        "needs the package index; CI runs it within make repro", "Makefile", "|| slmrec fetch-demo"
    ),
    "dvc exp run": Elsewhere(
        "is the name of the command above it", "README.md", ".venv/bin/dvc exp run -S"
    ),
    "prefect deploy --all": Elsewhere(
        "needs a server; make ui runs it, and is run below",
        "flows/local_server.py",
        '"deploy", "--all"',
    ),
    "ONNXRUNTIME_NODE_INSTALL=skip npm install onnxruntime-node": Elsewhere(
        "needs the npm registry; run where that is reached",
        "tests/pipeline/test_consumers.py",
        '"npm", "install"',
    ),
    "python -m slmrec.stages.NAME INPUTS OUTPUT": Elsewhere(
        "is the form of all stages, which make repro runs",
        "dvc.yaml",
        "python -m slmrec.stages.prepare data artifacts/events",
    ),
    "python -m tests.support.readme_map": Elsewhere(
        "rewrites pages; a test compares them with what it writes",
        "tests/pipeline/test_readme.py",
        "assert written_map(page) == MAPS[page]()",
    ),
}
INSTALLATIONS = [command for command in COMMANDS if re.search(r"pip install .*\[", command)]
OVERRIDES = [command for command in COMMANDS if "dvc exp run -S" in command]  # test_readme.py
BENCHMARKS = [
    command
    for command in COMMANDS
    if command.startswith("python -m benchmarks.") and command not in IN_ORDER
]  # on logs that may not be passed on, or for hours: as far as their arguments


def test_every_documented_command_is_run_or_excepted_with_a_reason() -> None:
    known = {*AT_ONCE, *IN_ORDER, "make ui", *ELSEWHERE, *INSTALLATIONS, *OVERRIDES, *BENCHMARKS}
    unknown = {command: pages for command, pages in COMMANDS.items() if command not in known}
    assert not unknown, "run these below, or say why not"
    assert sorted(known - set(COMMANDS)) == [], "these no longer stand in any page"


@pytest.mark.parametrize("page", PAGES)
def test_every_block_of_a_page_says_its_language(page: str) -> None:
    assert [block for language, block in FENCE.findall(page_text(page)) if not language] == []


@pytest.mark.parametrize("page", PAGES)
def test_every_file_that_a_page_names_exists(page: str) -> None:
    named = re.findall(
        r"`((?:slmrec|flows|benchmarks|tests|docs)/[\w./-]*\w\.\w+)`", page_text(page)
    )
    linked = [
        link.split("#")[0]
        for link in re.findall(r"\]\(([^)]+)\)", page_text(page))
        if not link.startswith(("http", "#"))
    ]
    folder = (ROOT / page).parent
    missing = [name for name in named if "NAME" not in name and not (ROOT / name).exists()]
    assert missing + [link for link in linked if not (folder / link).exists()] == []


@pytest.mark.parametrize("command", ELSEWHERE)
def test_what_shows_that_an_excepted_command_works_is_still_there(command: str) -> None:
    elsewhere = ELSEWHERE[command]
    assert elsewhere.text in (ROOT / elsewhere.file).read_text(), elsewhere.why


@pytest.mark.parametrize("command", INSTALLATIONS)
def test_the_extras_of_an_installation_exist(command: str) -> None:
    ((name, extras),) = re.findall(r'"([\w.]+)\[(.*?)\]"', command)
    if name == ".":
        project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
        there = set(project["optional-dependencies"])
    else:
        there = set(metadata(name).get_all("Provides-Extra") or [])
    assert set(extras.split(",")) <= there


def test_the_hooks_run_what_make_lint_runs() -> None:
    hooks = re.findall(r"entry: \.venv/bin/(.*)", (ROOT / ".pre-commit-config.yaml").read_text())
    recipe = (ROOT / "Makefile").read_text().split("\nlint:")[1].split("\n\n")[0]
    linters = [line.strip().removesuffix(" .") for line in recipe.splitlines()[1:]]
    assert [hook.removesuffix(" --force-exclude") for hook in hooks] == linters


def furnish(project: Path) -> Path:
    """Give a small project what its commands need besides code and logs; .venv is this one."""
    for name in ("Makefile", "pyproject.toml", "constraints.txt", "README.md", "prefect.yaml"):
        shutil.copy(ROOT / name, project)
    ignored = shutil.ignore_patterns("__pycache__", "results")
    shutil.copytree(ROOT / "benchmarks", project / "benchmarks", ignore=ignored)
    (project / "benchmarks" / "results").mkdir()
    venv = project / ".venv"
    venv.mkdir()
    for part in Path(sys.prefix).iterdir():
        (venv / part.name).symlink_to(part)
    (venv / ".installed").unlink(missing_ok=True)
    (venv / ".installed").touch()  # newer than the files that it was made from: nothing to install
    git(project, "add", ".")
    git(project, "commit", "--message", "all")
    return project


def run_command(command: str, project: Path) -> str:
    """Run a command of a page; returns what it printed."""
    words = [PLACEHOLDERS.get(word, word) for word in command.split(" ")]
    process = subprocess.run(
        ["bash", "-c", " ".join(words)],
        cwd=project / FOLDERS.get(command, "."),
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    printed = process.stdout + process.stderr
    assert process.returncode == 0, f"{command} ended with {process.returncode}:\n{printed}"
    return printed


def test_commands_that_need_no_run_of_the_pipeline(project: Path) -> None:
    furnish(project)
    for command in AT_ONCE:
        if "simulate" in command:
            shutil.rmtree(project / "data")  # it never overwrites logs
        assert run_command(command, project)
    assert (project / "data" / "truth.json").is_file()


@pytest.fixture(scope="module")
def furnished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small project whose items are called as those of the README's examples."""
    project = make_project(tmp_path_factory.mktemp("documented") / "project")
    write_logs(project / "data", items=200)
    for file in (project / "data").iterdir():
        file.write_text(re.sub(r"\bi(\d+)\t", r"\1\t", file.read_text()))
    for key, value in {**SMALL, **SHORT}.items():
        change(project / "params.yaml", key, value)
    rows = YAML(typ="safe").load(ROOT / "studies.yaml")["ablation"]["rows"]
    for key, value in {**SMALL_STUDIES, "ablation.rows": rows[:2]}.items():
        change(project / "studies.yaml", key, value)
    return furnish(project)


def prepare_for(command: str, project: Path) -> None:
    """What a reader has done before this command."""
    if command == ".venv/bin/dvc push":  # there is no s3://bucket here
        config = project / ".dvc" / "config"
        config.write_text(config.read_text().replace("s3://bucket/slmrec", str(project / "store")))
    if command == ".venv/bin/dvc pull":  # elsewhere: with nothing but what git has
        shutil.rmtree(project / ".dvc" / "cache")
        shutil.rmtree(project / "artifacts")


@pytest.mark.acceptance
def test_commands_from_logs_to_a_bundle_run_in_this_order(furnished: Path) -> None:
    printed = {}
    for command in IN_ORDER:
        prepare_for(command, furnished)
        printed[command] = run_command(command, furnished)
    assert "The bundle: artifacts/bundle" in printed["make repro"]
    assert "Running stage" not in printed["make repro PYTHON=python3.11"]
    assert len(printed[RECOMMEND].splitlines()) == 10
    assert "The bundle: artifacts/bundle" in (furnished / "README.md").read_text()
    assert (furnished / "artifacts" / "bundle" / "model.onnx").is_file()  # pulled
    assert (furnished / "data" / "index" / "items.parquet").is_file()


@pytest.mark.acceptance
@pytest.mark.parametrize("command", BENCHMARKS)
def test_a_benchmark_takes_the_arguments_of_the_page(command: str) -> None:
    help_text = run_command(f"{command} --help", ROOT)  # parses what stands before it
    assert set(re.findall(r"--[a-z-]+", command)) <= set(re.findall(r"--[a-z-]+", help_text))


@pytest.fixture
def served_pipeline(project: Path) -> Iterator[Path]:
    """What `make ui` prints, while it runs."""
    furnish(project)
    printed = project / "printed.txt"
    with printed.open("w") as output:
        process = subprocess.Popen(
            ["make", "ui"], cwd=project, env=environment(), stdout=output, stderr=output,
            start_new_session=True,
        )  # fmt: skip
    try:
        yield printed
    finally:
        os.killpg(process.pid, signal.SIGINT)  # as Ctrl-C does
        process.wait()


def is_free(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) != 0


@pytest.mark.acceptance
@pytest.mark.skipif(not is_free(4200), reason="port 4200 is taken")
def test_make_ui_serves_the_daily_deployment_and_ends_whole(served_pipeline: Path) -> None:
    wait_until(lambda: "The pipeline is at" in served_pipeline.read_text(), every=0.5)
    request = urllib.request.Request(
        "http://127.0.0.1:4200/api/deployments/filter",
        data=b"{}",
        headers={"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request) as answer:
        assert b'"name":"daily"' in answer.read()
