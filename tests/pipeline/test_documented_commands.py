"""Every command of README, CONTRIBUTING and docs runs as it stands there.

Where that would take hours, a network or a server, or would run these tests within themselves,
tests/support/excepted_commands.py says so, and which file shows that it works.
"""

from __future__ import annotations

import base64
import os
import re
import shutil
import signal
import socket
import subprocess
import tomllib
import urllib.request
from collections.abc import Iterator
from importlib.metadata import metadata
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from tests.pipeline.test_whole_pipeline import SMALL
from tests.support.documents import documented_commands
from tests.support.excepted_commands import ELSEWHERE
from tests.support.furnished_project import furnish
from tests.support.project import ROOT, change, environment, make_project, write_logs
from tests.support.waiting import wait_until

COMMANDS = documented_commands()
UI_PORT = 4200

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
    assert "test of these logs was looked at 1 time\n" in printed["slmrec show"]
    assert len(printed[RECOMMEND].splitlines()) == 10
    assert "The bundle: artifacts/bundle" in (furnished / "README.md").read_text()
    assert (furnished / "artifacts" / "bundle" / "model.onnx").is_file()  # pulled
    assert (furnished / "data" / "index" / "items.parquet").is_file()


@pytest.mark.acceptance
@pytest.mark.parametrize("command", BENCHMARKS)
def test_a_benchmark_takes_the_arguments_of_the_page(command: str) -> None:
    help_text = run_command(f"{command} --help", ROOT)  # parses what stands before it
    assert set(re.findall(r"--[a-z-]+", command)) <= set(re.findall(r"--[a-z-]+", help_text))


def is_free(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) != 0


@pytest.fixture
def served_pipeline(project: Path) -> Iterator[str]:
    """The auth string of `make ui` at work; afterwards nothing listens on its port."""
    furnish(project)
    printed = project / "printed.txt"
    with printed.open("w") as output:
        process = subprocess.Popen(
            ["make", "ui"], cwd=project, env=environment(), stdout=output, stderr=output,
            start_new_session=True,
        )  # fmt: skip

    def has_started() -> bool:
        assert process.poll() is None, printed.read_text()
        return "The pipeline is at" in printed.read_text()

    try:
        wait_until(has_started, every=0.5)
        yield (project / ".state" / "prefect-auth").read_text().strip()
    finally:
        os.killpg(process.pid, signal.SIGINT)  # as Ctrl-C does
        process.wait()
    wait_until(lambda: is_free(UI_PORT))


@pytest.mark.acceptance
@pytest.mark.skipif(not is_free(UI_PORT), reason=f"port {UI_PORT} is taken")
def test_make_ui_serves_the_daily_deployment_and_ends_whole(served_pipeline: str) -> None:
    credentials = base64.b64encode(served_pipeline.encode()).decode()
    request = urllib.request.Request(
        f"http://127.0.0.1:{UI_PORT}/api/deployments/filter",
        data=b"{}",
        headers={"Content-Type": "application/json", "Authorization": f"Basic {credentials}"},
    )
    with urllib.request.urlopen(request) as answer:
        assert b'"name":"daily"' in answer.read()
