"""Exactly one build of onnxruntime, and new enough; where there is none, what to install."""

from __future__ import annotations

import sys
from importlib.metadata import PackageNotFoundError

import onnxruntime
import pytest

from slmrec.core.errors import UnavailableError
from slmrec.runtime import onnx_runtime
from slmrec.runtime.onnx_runtime import (
    check_one_build,
    check_onnxruntime,
    installed_builds,
    load_onnxruntime,
)


def test_exactly_one_build_is_installed_here() -> None:
    check_one_build()
    assert len(installed_builds()) == 1
    assert load_onnxruntime() is onnxruntime


def test_without_a_build_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(UnavailableError, match=r"slmrec\[cpu\].*slmrec\[gpu\].*never both"):
        load_onnxruntime()


def test_both_builds_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(onnx_runtime, "version", lambda _name: "1.31.1")
    assert installed_builds() == ["onnxruntime", "onnxruntime-gpu"]
    with pytest.raises(UnavailableError, match="onnxruntime and onnxruntime-gpu are installed"):
        check_one_build()

    def not_found(name: str) -> str:
        raise PackageNotFoundError(name)

    monkeypatch.setattr(onnx_runtime, "version", not_found)
    assert installed_builds() == []


def test_an_older_one_than_wanted_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(onnxruntime, "__version__", "1.9.2.dev3")
    check_onnxruntime("1.9")
    with pytest.raises(UnavailableError, match=r"needs onnxruntime 1\.18 or newer"):
        check_onnxruntime("1.18")
