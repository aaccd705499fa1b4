"""The onnxruntime that is installed here. It is imported when a bundle is loaded, not before."""

from __future__ import annotations

from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from slmrec.core.errors import UnavailableError

BUILDS = ("onnxruntime", "onnxruntime-gpu")  # they fill one folder, and the last one installed wins


def load_onnxruntime() -> Any:
    """The module. Raises UnavailableError where no build of it is installed."""
    try:
        return import_module("onnxruntime")
    except ImportError as error:
        raise UnavailableError(
            f"onnxruntime cannot be imported ({error}); install one build of it: "
            "pip install 'slmrec[cpu]' or pip install 'slmrec[gpu]', never both"
        ) from error


def check_onnxruntime(wanted: str) -> None:
    """Raise UnavailableError where the installed onnxruntime is older than `wanted`."""
    installed = load_onnxruntime().__version__
    if _version(installed) < _version(wanted):
        raise UnavailableError(
            f"this bundle needs onnxruntime {wanted} or newer, installed is {installed}; upgrade it"
        )


def _version(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split(".")[:2])


def installed_builds() -> list[str]:
    """The names of the installed packages of onnxruntime: one, unless something went wrong."""
    return [name for name in BUILDS if _is_installed(name)]


def check_one_build() -> None:
    """Raise UnavailableError where both builds are installed."""
    if len(builds := installed_builds()) > 1:
        raise UnavailableError(
            f"{' and '.join(builds)} are installed and overwrite each other; "
            "uninstall both and install one"
        )


def _is_installed(name: str) -> bool:
    try:
        version(name)
    except PackageNotFoundError:
        return False
    return True
