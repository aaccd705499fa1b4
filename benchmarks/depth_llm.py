"""The depth study with a pretrained LLM through all its layers, on busy users: `make depth-study` at a size that two cores manage.

Run as: python -m benchmarks.depth_llm [NAME] [--data ../shared/data] [--work FOLDER] [--threads 2]
Trains all 30 layers of SmolLM2 with the settings of benchmarks/quality_settings/NAME.yaml and its
part `thirty_layers`, then runs slmrec.studies.depth on them. Results:
benchmarks/results/depth-NAME.json and .svg.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.quality import PROJECT, RESULTS, Bench
from slmrec.core.files import read_json, write_json

FOLDERS = ("artifacts/histories", "artifacts/item_vectors", "artifacts/teacher", "reports")


def main() -> None:
    """Train what has not been trained, study it, copy what was found."""
    asked = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    asked.add_argument("name", nargs="?", default="amazon-beauty-2014")
    asked.add_argument("--data", type=Path, default=Path("../shared/data"))
    asked.add_argument("--work", type=Path, default=Path(tempfile.gettempdir()) / "slmrec-quality")
    asked.add_argument("--threads", type=int, default=2)
    given = asked.parse_args()
    bench = Bench(
        given.name, given.data.resolve(), given.work.resolve(), given.threads, part="thirty_layers"
    )
    bench.prepare()
    vectors = bench.sasrec(bench.settings["teacher"]["seed"])
    linked = [bench.tables.artifact("histories"), vectors.artifact("item_vectors")]
    place = bench.place("teacher", bench.settings["teacher"]["changes"], linked)
    place.run("train_teacher", bench.cache)
    shutil.copyfile(PROJECT / "studies.yaml", place.folder / "studies.yaml")
    environment = {
        "PYTHONPATH": str(PROJECT),
        "SLMREC_CACHE": str(bench.cache),
        "OMP_WAIT_POLICY": "PASSIVE",
    }
    command = [sys.executable, "-m", "slmrec.studies.depth", *FOLDERS]
    subprocess.run(command, cwd=place.folder, env=os.environ | environment, check=True)
    found = read_json(place.folder / "reports" / "depth.json")
    write_json(
        RESULTS / f"depth-{given.name}.json",
        found | {"changes": bench.changes, "teacher": bench.settings["teacher"]},
    )
    shutil.copyfile(place.folder / "reports" / "depth.svg", RESULTS / f"depth-{given.name}.svg")


if __name__ == "__main__":
    main()
