"""`slmrec monitor` as it is typed: its table, its file, its exit code."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from slmrec.core.files import read_json
from slmrec.registry.store import Registry
from tests.support.project import ROOT, environment


def test_an_alarm_is_one_line_and_exit_code_4(published: Registry, tmp_path: Path) -> None:
    log = tmp_path / "log.csv"
    log.write_text("user,time,items,clicked\nu1,2026-01-01,i5|i9,gone\n")
    command = ["monitor", "current", "--served", str(log), "--registry", str(published.folder)]
    command += ["--min-users", "1", "--below-days", "1", "--max-top-share", "-1"]
    done = subprocess.run(
        [sys.executable, "-m", "slmrec.cli", *command, "--json", str(tmp_path / "seen.json")],
        env={**environment(), "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 4, done.stderr
    assert "ALARM unknown-items: " in done.stdout
    assert "exposure" not in done.stderr  # switched off
    assert done.stderr.strip().splitlines() == [
        "slmrec: 2 of the thresholds are passed: hit-rate, unknown-items"
    ]
    assert read_json(tmp_path / "seen.json")["unknown_items"] == 1.0
