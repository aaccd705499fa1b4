"""Everything that can be checked before DVC starts, because DVC deletes a stage's outputs when it starts the stage.

Each check returns what it found in one line, or raises the error a person can act on.
"""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Callable, Iterator
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from slmrec.core.cache import cache_folder
from slmrec.core.errors import BusyError, DataError, SlmrecError, UnavailableError, UsageError
from slmrec.core.locks import lock
from slmrec.params.params_file import read_params
from slmrec.params.prepare import EventSource, ItemSource

Check = Callable[[Path], str]
WHOLE_PIPELINE = "pipeline"  # the lock of a whole retrain


def examine(project: Path) -> Iterator[tuple[str, str | SlmrecError]]:
    """Run every check on `project`; yields its name and what it found, or the error it ended with."""
    checks: dict[str, Check] = {
        "packages": check_packages,
        "locks": check_locks,
        "dvc files": check_dvc_files,
        "data": check_data,
        "params": check_params,
        "logs": check_logs,
        "device": check_device,
    }
    for name, check in checks.items():
        try:
            yield name, check(project)
        except SlmrecError as error:
            yield name, error
            if check is check_params:
                return  # the others would say the same again


def check_packages(_project: Path) -> str:
    """Installed versions against the ranges of pyproject.toml."""
    from packaging.requirements import Requirement

    wanted = [Requirement(line) for line in requires("slmrec") or []]
    ours = [
        need
        for need in wanted
        if need.marker is None or need.marker.evaluate({"extra": "pipeline"})
    ]
    wrong = [
        said
        for need in ours
        if (said := _misfit(need.name, str(need.specifier), need.specifier.contains))
    ]
    if wrong:
        raise UnavailableError(
            f"{'; '.join(wrong)}; run make repro, or: pip install -c constraints.txt -e '.[pipeline]'"
        )
    return f"Python {platform.python_version()}, slmrec {version('slmrec')}, {len(ours)} packages within their ranges"


def _misfit(name: str, wanted: str, fits: Callable[..., bool]) -> str:
    try:
        found = version(name)
    except PackageNotFoundError:
        return f"{name} is not installed"
    return "" if fits(found, prereleases=True) else f"{name} is {found}, wanted {wanted}"


def check_params(project: Path) -> str:
    """Every key, type and bound of params.yaml."""
    params = read_params(project / "params.yaml")
    return f"params.yaml is valid, {len(type(params).model_fields)} sections"


def check_locks(_project: Path) -> str:
    """No stage and no whole retrain is running, apart from the one that asks."""
    for path in sorted((cache_folder() / "locks").glob("*.lock")):
        try:
            with lock(path.stem):
                continue
        except BusyError:
            if path.stem != WHOLE_PIPELINE or path.read_text().strip() != str(os.getppid()):
                raise
    return "nothing else is running"


def check_dvc_files(project: Path) -> str:
    """A truncated lock file of DVC blocks every run: the one that holds nothing lasting is removed, the other is named."""
    said = _mend_rwlock(project / ".dvc" / "tmp" / "rwlock")
    path = project / "dvc.lock"
    if not path.is_file():
        return f"dvc.lock is absent, every stage will run{said}"
    try:
        content = YAML(typ="safe").load(path)
    except (YAMLError, UnicodeDecodeError) as error:
        content = " ".join(str(error).split())[:120]
    if not isinstance(content, dict) or not isinstance(content.get("stages"), dict):
        raise DataError(
            f"dvc.lock is damaged ({content}); bring it back with: git checkout dvc.lock, "
            "or delete it: unchanged stages come from the run cache"
        )
    return f"dvc.lock holds {len(content['stages'])} stages{said}"


def _mend_rwlock(path: Path) -> str:
    try:
        sound = not path.exists() or isinstance(json.loads(path.read_text(errors="replace")), dict)
    except ValueError:
        sound = False
    if sound:
        return ""
    path.unlink()  # check_locks has seen that no stage runs, and the file says nothing else
    return f"; {path.name} was damaged and has been removed"


def check_data(project: Path) -> str:
    """data/ against data.dvc, which DVC itself would rewrite in silence."""
    from dvc.exceptions import DvcException
    from dvc.repo import Repo

    data, pin = project / "data", project / "data.dvc"
    if not data.is_dir() or not any(data.iterdir()):
        raise UsageError(
            "data/ is missing or empty; run slmrec fetch-demo, dvc pull, or put your own logs there and run dvc add data"
        )
    if not pin.is_file():
        raise UsageError("data.dvc is missing; pin data/ with: dvc add data")
    try:
        with Repo(str(project)) as repo:
            out = repo.stage.load_one(str(pin)).outs[0]
            pinned, found = out.hash_info.value, out.get_hash().value
    except DvcException as error:
        raise DataError(
            f"{pin} cannot be read ({' '.join(str(error).split())}); bring it back with: git checkout data.dvc"
        ) from error
    if pinned != found:
        raise DataError(
            f"data/ has checksum {found}, data.dvc pins {pinned}; "
            "if the change is meant: dvc add data, if not: dvc checkout data.dvc or dvc pull"
        )
    return f"data/ is what data.dvc pins ({pinned})"


def check_logs(project: Path) -> str:
    """The files that params.yaml names exist, and their headers hold the columns it names."""
    from slmrec.preprocessing.logs.log_files import columns_read

    prepare = read_params(project / "params.yaml").prepare
    said = [
        _readable(project / "data", prepare.events, columns_read(prepare.events.columns), "events")
    ]
    if prepare.items:
        columns = prepare.items.columns
        said.append(
            _readable(
                project / "data",
                prepare.items,
                [columns.item, *filter(None, [columns.title]), *columns.others],
                "items",
            )
        )
    return f"files with the named columns: {', '.join(said)}"


def _readable(data: Path, source: EventSource | ItemSource, columns: list[str], kind: str) -> str:
    from slmrec.preprocessing.logs.log_files import find_files, read_batches

    files = find_files(data, source)
    for file in files:
        next(
            read_batches(file, source, columns), None
        )  # the header is checked with the first block
    return f"{len(files)} of {kind}"


def check_device(project: Path) -> str:
    """Which provider a session really gets: get_available_providers() lists CUDA where there is none."""
    import onnxruntime

    asked = read_params(project / "params.yaml").compute.device
    onnxruntime.set_default_logger_severity(
        4
    )  # its two native lines of fallback are said below, once
    session = onnxruntime.InferenceSession(
        _smallest_graph(), providers=["CUDAExecutionProvider", "CPUExecutionProvider"]
    )
    got = session.get_providers()
    if asked == "cuda" and "CUDAExecutionProvider" not in got:
        raise UnavailableError(
            f"compute.device is cuda, but a session gets only {', '.join(got)}; set it to cpu, or see nvidia-smi and README"
        )
    return (
        f"compute.device is {asked}; ONNX Runtime {onnxruntime.__version__} gives {', '.join(got)}"
    )


def _smallest_graph() -> bytes:
    import onnx

    value = onnx.helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, [1])
    same = onnx.helper.make_tensor_value_info("y", onnx.TensorProto.FLOAT, [1])
    graph = onnx.helper.make_graph(
        [onnx.helper.make_node("Identity", ["x"], ["y"])], "smallest", [value], [same]
    )
    model = onnx.helper.make_model(
        graph, opset_imports=[onnx.helper.make_opsetid("", 18)], ir_version=10
    )
    return bytes(model.SerializeToString())
