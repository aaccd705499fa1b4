"""Checks before DVC starts, while every stage still has its outputs.

DVC deletes a stage's outputs when it starts the stage. Each check returns what it saw as one line,
or raises an error that says what to do.
"""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Callable, Iterator
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path
from typing import TYPE_CHECKING

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from slmrec.core.cache import cache_folder
from slmrec.core.disk import check_writable, free_gigabytes
from slmrec.core.errors import BusyError, DataError, SlmrecError, UnavailableError, UsageError
from slmrec.core.locks import lock
from slmrec.init.first_run import check_initialised
from slmrec.params.params_file import read_params

if TYPE_CHECKING:
    from packaging.requirements import Requirement

PYTHONS = ">=3.11,<3.14"  # of the pipeline; the runtime alone runs on 3.14 too
PIPELINE_LOCK = "pipeline"  # held by a whole retrain


def run_preflight(project_dir: Path) -> Iterator[tuple[str, str | SlmrecError]]:
    """Run every check; yields each one's name and what it saw, or the error it ended with."""
    checks: dict[str, Callable[[Path], str]] = {
        "packages": check_packages,
        "disk": check_disk,
        "locks": check_locks,
        "dvc files": check_dvc_files,
        "settings": check_initialised,
        "data": check_data,
        "params": check_params,
        "logs": check_logs,
        "device": check_device,
    }
    for name, check in checks.items():
        try:
            yield name, check(project_dir)
        except SlmrecError as error:
            yield name, error
            if check in (check_disk, check_params):
                return  # the others would say the same again


def check_packages(_project_dir: Path) -> str:
    """Python and the installed packages against the ranges of the extra `pipeline`."""
    from packaging.requirements import Requirement
    from packaging.specifiers import SpecifierSet

    requirements = [
        requirement
        for requirement in map(Requirement, requires("slmrec") or [])
        if requirement.marker is None or requirement.marker.evaluate({"extra": "pipeline"})
    ]
    faults = [fault for requirement in requirements if (fault := _package_fault(requirement))]
    python = platform.python_version()
    if not SpecifierSet(PYTHONS).contains(python, prereleases=True):
        faults.insert(0, f"Python is {python}, wanted {PYTHONS}")
    if faults:
        raise UnavailableError(
            f"{'; '.join(faults)}; "
            "run make repro, or: pip install -c constraints.txt -e '.[pipeline]'"
        )
    slmrec = version("slmrec")
    return f"Python {python}, slmrec {slmrec}, {len(requirements)} packages within their ranges"


def _package_fault(requirement: Requirement) -> str:
    try:
        installed = version(requirement.name)
    except PackageNotFoundError:
        return f"{requirement.name} is not installed"
    if requirement.specifier.contains(installed, prereleases=True):
        return ""
    return f"{requirement.name} is {installed}, wanted {requirement.specifier}"


def check_disk(project_dir: Path) -> str:
    """A stage and DVC can write where they will."""
    for folder in (project_dir, cache_folder(), project_dir / ".dvc" / "tmp"):
        check_writable(folder)
    return f"can be written, {free_gigabytes(project_dir):.1f} GB free"


def check_params(project_dir: Path) -> str:
    """Every key, type and bound of params.yaml."""
    params = read_params(project_dir / "params.yaml")
    return f"params.yaml is valid, {len(type(params).model_fields)} sections"


def check_locks(_project_dir: Path) -> str:
    """No stage and no whole retrain is running, apart from the retrain that asks."""
    for path in sorted((cache_folder() / "locks").glob("*.lock")):
        try:
            with lock(path.stem):
                continue
        except BusyError:
            is_own = path.stem == PIPELINE_LOCK and path.read_text().strip() == str(os.getppid())
            if not is_own:
                raise
    return "nothing else is running"


def check_dvc_files(project_dir: Path) -> str:
    """A truncated lock file of DVC blocks every run: rwlock is removed, dvc.lock is named."""
    mended = _mend_rwlock(project_dir / ".dvc" / "tmp" / "rwlock")
    path = project_dir / "dvc.lock"
    if not path.is_file():
        return f"dvc.lock is absent, every stage will run{mended}"
    content = _content_or_fault(path)
    if not isinstance(content, dict) or not isinstance(content.get("stages"), dict):
        raise DataError(
            f"dvc.lock is damaged ({content}); bring it back with: git checkout dvc.lock, "
            "or delete it: unchanged stages come from the run cache"
        )
    return f"dvc.lock holds {len(content['stages'])} stages{mended}"


def _content_or_fault(path: Path) -> object:
    """What a YAML file holds, or why it cannot be read."""
    try:
        return YAML(typ="safe").load(path)
    except (YAMLError, UnicodeDecodeError) as error:
        return _one_line(error)[:120]


def _mend_rwlock(path: Path) -> str:
    try:
        if not path.exists() or isinstance(json.loads(path.read_text(errors="replace")), dict):
            return ""
    except ValueError:
        pass
    path.unlink()  # it only names running processes, and check_locks has seen that there are none
    return f"; {path.name} was damaged and has been removed"


def check_data(project_dir: Path) -> str:
    """data/ against data.dvc; DVC itself would rewrite data.dvc in silence."""
    data_dir, pin = project_dir / "data", project_dir / "data.dvc"
    if data_dir.is_symlink():
        raise UsageError(_symlink_advice(data_dir))
    if not data_dir.is_dir() or not any(data_dir.iterdir()):
        raise UsageError(
            "data/ is missing or empty; run slmrec fetch-demo, dvc pull, "
            "or put your own logs there and run dvc add data"
        )
    if not pin.is_file():
        raise UsageError("data.dvc is missing; pin data/ with: dvc add data")
    pinned, actual = _checksums(project_dir, pin)
    if pinned != actual:
        raise DataError(
            f"data/ has checksum {actual}, data.dvc pins {pinned}; "
            "if the change is meant: dvc add data, if not: dvc checkout data.dvc or dvc pull"
        )
    return f"data/ is what data.dvc pins ({pinned})"


def _symlink_advice(data_dir: Path) -> str:
    target = data_dir.resolve()
    return (
        f"data/ is a symbolic link to {target}, and DVC adds nothing behind one; move it in "
        f"(rm data && mv {target} data && dvc add data), or let DVC keep the files on the other "
        f"disk (dvc cache dir --local {target.parent}/dvc-cache && dvc config --local cache.type "
        f"symlink && rm data && dvc add {target} --out data)"
    )


def _checksums(project_dir: Path, pin: Path) -> tuple[str, str]:
    """What `pin` says of data/, and what data/ is."""
    from dvc.exceptions import DvcException
    from dvc.repo import Repo

    try:
        with Repo(str(project_dir)) as repo:
            out = repo.stage.load_one(str(pin)).outs[0]
            return out.hash_info.value, out.get_hash().value
    except DvcException as error:
        raise DataError(
            f"{pin} cannot be read ({_one_line(error)}); bring it back with: git checkout data.dvc"
        ) from error


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())


def check_logs(project_dir: Path) -> str:
    """The first rows of the files that params.yaml names are read as prepare would read them."""
    from slmrec.preprocessing.events.preview import preview_events, preview_items

    params = read_params(project_dir / "params.yaml").prepare
    data_dir = project_dir / "data"
    events, items = preview_events(data_dir, params), preview_items(data_dir, params)
    sources = [events.line("events"), *([items.line("items")] if items else [])]
    return f"files with the named columns: {', '.join(sources)}"


def check_device(project_dir: Path) -> str:
    """The providers a session really gets: get_available_providers() lists CUDA without a GPU."""
    import onnxruntime

    from slmrec.runtime.onnx_runtime import check_one_build

    check_one_build()
    device = read_params(project_dir / "params.yaml").compute.device
    providers = _session_providers()
    if device == "cuda" and "CUDAExecutionProvider" not in providers:
        raise UnavailableError(
            f"compute.device is cuda, but a session gets only {', '.join(providers)}; "
            "set it to cpu, or see nvidia-smi and docs/operations.md"
        )
    runtime = f"ONNX Runtime {onnxruntime.__version__} gives {', '.join(providers)}"
    return f"compute.device is {device}; {runtime}"


def _session_providers() -> list[str]:
    """Of a session that asks for CUDA and the CPU."""
    import onnxruntime

    onnxruntime.set_default_logger_severity(4)  # check_device says its two lines about a fall-back
    session = onnxruntime.InferenceSession(
        _identity_graph(), providers=["CUDAExecutionProvider", "CPUExecutionProvider"]
    )
    return list(session.get_providers())


def _identity_graph() -> bytes:
    """The smallest graph that a session loads: y = x."""
    from onnx import TensorProto, helper

    x, y = (helper.make_tensor_value_info(name, TensorProto.FLOAT, [1]) for name in "xy")
    node = helper.make_node("Identity", ["x"], ["y"])
    graph = helper.make_graph([node], "identity", [x], [y])
    opset = helper.make_opsetid("", 18)
    model = helper.make_model(graph, opset_imports=[opset], ir_version=10)
    return bytes(model.SerializeToString())
