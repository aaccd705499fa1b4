"""An onnxruntime session that runs where it was asked to, or an error."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from slmrec.core.errors import BundleError, UnavailableError
from slmrec.runtime.bundle import MODEL, Bundle, check_parts
from slmrec.runtime.comparison import TopK
from slmrec.runtime.device import cuda_devices
from slmrec.runtime.onnx_runtime import check_onnxruntime, installed_builds, load_onnxruntime

if TYPE_CHECKING:
    import onnxruntime as ort

# The graph as a function: history (B, T) and exclude (B, X) int64, k -> the best k.
RunGraph = Callable[[np.ndarray, np.ndarray, int], TopK]
PROVIDERS = {"cpu": "CPUExecutionProvider", "cuda": "CUDAExecutionProvider"}
# TF32 keeps 10 bits of a float32's 23: enough to change lists, and on by default.
PROVIDER_OPTIONS: dict[str, dict[str, str]] = {"cpu": {}, "cuda": {"use_tf32": "0"}}
# onnxruntime's errors have no common ancestor short of Exception.
ERRORS = (
    "Fail",
    "InvalidArgument",
    "InvalidGraph",
    "InvalidProtobuf",
    "NotImplemented",
    "RuntimeException",
)


@dataclass(frozen=True)
class Placed:
    """A session, where it runs, and why there."""

    session: ort.InferenceSession
    device: Literal["cpu", "cuda"]
    reason: str


def open_graph(
    bundle: Bundle,
    file: str,
    item_rows: int,
    device: Literal["auto", "cpu", "cuda"],
    threads: int | None,
) -> Placed:
    """A session of one of a bundle's graphs, proven to belong to its contract and item table.

    Raises BundleError where it does not, UnavailableError where onnxruntime is too old, and what
    `place_session` does.
    """
    check_onnxruntime(bundle.contract["minimum_runtime"]["onnxruntime"])
    placed = place_session(bundle.files[file], device, threads, file)
    metadata = placed.session.get_modelmeta().custom_metadata_map
    check_parts(bundle, metadata, item_rows, file)
    return placed


def place_session(
    graph: bytes,
    device: Literal["auto", "cpu", "cuda"],
    threads: int | None,
    name: str = MODEL,
) -> Placed:
    """A session of `graph` on `device`; with "auto" on CUDA where that works, else on the CPU.

    Raises what `open_session` does.
    """
    if device != "auto":
        return Placed(open_session(graph, device, threads, name), device, "it was asked for")
    if not (obstacle := _cuda_obstacle()):
        try:
            session = open_session(graph, "cuda", threads, name)
            return Placed(session, "cuda", "a CUDA device is there")
        except UnavailableError as error:
            obstacle = str(error)
    return Placed(open_session(graph, "cpu", threads, name), "cpu", obstacle)


def _cuda_obstacle() -> str | None:
    if PROVIDERS["cuda"] not in load_onnxruntime().get_available_providers():
        return "this build of onnxruntime has no CUDA"
    return None if cuda_devices() else "there is no CUDA device"


def open_session(
    graph: bytes, device: Literal["cpu", "cuda"], threads: int | None, name: str = MODEL
) -> ort.InferenceSession:
    """A session of `graph` on `device`; `name` is what errors call it.

    Raises UnavailableError when it would run elsewhere and BundleError when onnxruntime cannot read
    the graph.
    """
    options = load_onnxruntime().SessionOptions()
    options.inter_op_num_threads = 1
    if threads is not None:
        options.intra_op_num_threads = threads
    session = _load(graph, device, options, name)
    if (provider := session.get_providers()[0]) != PROVIDERS[device]:
        raise UnavailableError(
            f"{device} was asked for, but onnxruntime would run on {provider}; {_advice()}"
        )
    session.disable_fallback()  # a GPU that fails later is an error, not a silent move to the CPU
    # For that fall-back onnxruntime keeps the bytes it was given: as much again as the weights.
    session._model_bytes = None
    return session


def run_graph(
    session: ort.InferenceSession, history: np.ndarray, exclude: np.ndarray, k: int
) -> TopK:
    """Run the graph of `session`: history (B, T) and exclude (B, X) int64 -> top k (B, K)."""
    items, scores = session.run(
        ["items", "scores"],
        {"history": history, "exclude": exclude, "k": np.asarray(k, dtype=np.int64)},
    )
    return TopK(items, scores)


def embed_users(session: ort.InferenceSession, history: np.ndarray) -> np.ndarray:
    """Run the user tower of `session`: history (B, T) int64 -> vectors (B, W) float32."""
    vectors: np.ndarray = session.run(["vector"], {"history": history})[0]
    return vectors


def graph_errors() -> tuple[type[Exception], ...]:
    """What onnxruntime raises for a graph that it cannot read, or inputs that do not fit it."""
    native = load_onnxruntime().capi.onnxruntime_pybind11_state
    errors = [getattr(native, name) for name in ERRORS]
    return (*errors, UnicodeDecodeError)  # the last where its message holds bytes of the graph


def _load(
    graph: bytes, device: str, options: ort.SessionOptions, name: str
) -> ort.InferenceSession:
    ort = load_onnxruntime()
    with _native_messages_to_stderr():
        if device == "cuda":
            ort.preload_dlls()
        try:
            return ort.InferenceSession(graph, options, providers=_providers(device))
        except graph_errors() as error:
            message = " ".join(str(error).split())[:300]
            raise BundleError(
                f"onnxruntime {ort.__version__} does not load {name}: {message}"
            ) from error


def _providers(device: str) -> list[tuple[str, dict[str, str]]]:
    # The CPU stands second because the graph's shape arithmetic belongs there: forbidding it
    # (session.disable_cpu_ep_fallback) refuses every graph of dynamic shape. Whether the GPU runs
    # is checked once the session is open.
    devices = [device] if device == "cpu" else [device, "cpu"]
    return [(PROVIDERS[name], PROVIDER_OPTIONS[name]) for name in devices]


def _advice() -> str:
    if len(builds := installed_builds()) > 1:
        return f"{' and '.join(builds)} overwrite each other: uninstall both and install one"
    if PROVIDERS["cuda"] not in load_onnxruntime().get_available_providers():
        return (
            "this build of onnxruntime has no CUDA: install onnxruntime-gpu in its place, "
            "or ask for cpu"
        )
    return (
        "there is no usable GPU, driver, CUDA 13 or cuDNN 9 (pip install 'slmrec[cuda]'), "
        "or ask for cpu"
    )


@contextlib.contextmanager
def _native_messages_to_stderr() -> Iterator[None]:
    # onnxruntime prints what it could not load to standard output, where a caller expects results.
    with contextlib.redirect_stdout(sys.stderr):
        yield
