"""What is imported, and so how soon a service starts: counted in modules, not in milliseconds."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

FORBIDDEN = ("torch", "transformers", "polars", "pandas", "pydantic", "onnx", "pyarrow", "ruamel")
# Modules that are there when Python has started are of the installation, not of ours.
PACKAGES = """
import sys
before = set(sys.modules)
{code}
names = {{name.split(".")[0] for name in set(sys.modules) - before}}
print(*sorted(names - sys.stdlib_module_names))
"""


def packages(code: str, *words: str) -> set[str]:
    """The packages that a new process has imported after `code`."""
    process = subprocess.run(
        [sys.executable, "-c", PACKAGES.format(code=code), *words],
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
        capture_output=True,
        text=True,
        check=True,
    )
    return set(process.stdout.split())


def test_the_package_itself_imports_nothing_else() -> None:
    assert packages("import slmrec") == {"slmrec"}


def test_the_runtime_imports_numpy_alone_until_a_bundle_is_loaded() -> None:
    assert packages("from slmrec.runtime import Recommender, verify") == {"numpy", "slmrec"}


def test_loading_recommending_and_verifying_import_onnxruntime_and_numpy_alone(
    exported_bundle: Path,
) -> None:
    code = """
from slmrec.runtime import Recommender, verify
recommender = Recommender.load(sys.argv[1], "cpu", 1)
recommender.recommend([["i5", "i9"]], 3, exclude_seen=True)
verify(sys.argv[1], "cpu", 1)
"""
    loaded = packages(code, str(exported_bundle))
    assert {"onnxruntime", "numpy"} <= loaded
    assert not set(FORBIDDEN) & loaded
