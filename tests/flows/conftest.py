"""A project with a pipeline of three quick stages."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import s3fs

from tests.support.s3 import BUCKET, start_s3
from tests.support.small_flow import write_small_flow


@pytest.fixture
def small(project: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The project, entered."""
    write_small_flow(project)
    monkeypatch.chdir(project)
    monkeypatch.delenv("SLMREC_CACHE", raising=False)
    return project


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The URL of an empty bucket on a server that speaks S3."""
    server = start_s3(monkeypatch)
    s3fs.S3FileSystem.clear_instance_cache()  # connections of an earlier server
    try:
        yield f"s3://{BUCKET}"
    finally:
        server.stop()
