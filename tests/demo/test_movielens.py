"""The demo's logs: only the right ones, and never over somebody's own."""

from __future__ import annotations

import hashlib
import zipfile
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from slmrec.core.errors import DataError, UnavailableError, UsageError
from slmrec.demo import movielens
from tests.support.project import ROOT

LOGS = {
    "ml-100k.inter": b"user_id:token\titem_id:token\n1\t2\n",
    "ml-100k.item": b"item_id:token\tmovie_title:token_seq\n2\tHeat\n",
}


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


@pytest.fixture
def shelf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that the real pip takes its wheels from, instead of an index."""
    folder = tmp_path / "shelf"
    folder.mkdir()
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    return folder


def put_wheel(shelf: Path, logs: dict[str, bytes]) -> Path:
    path = shelf / "recbole-1.2.1-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as wheel:
        for name, content in logs.items():
            wheel.writestr(f"{movielens.FOLDER}/{name}", content)
        wheel.writestr(
            "recbole-1.2.1.dist-info/METADATA",
            "Metadata-Version: 2.1\nName: recbole\nVersion: 1.2.1\n",
        )
        wheel.writestr(
            "recbole-1.2.1.dist-info/WHEEL",
            "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        )
        wheel.writestr("recbole-1.2.1.dist-info/RECORD", "")
    return path


@pytest.fixture
def small_checksums(monkeypatch: pytest.MonkeyPatch) -> None:
    """Small files stand for the demo's: the right ones may not be kept in a repository."""
    monkeypatch.setattr(
        movielens, "CHECKSUMS", {name: sha256(content) for name, content in LOGS.items()}
    )


@pytest.mark.usefixtures("small_checksums")
def test_the_logs_of_the_wheel_arrive_as_they_are(shelf: Path, tmp_path: Path) -> None:
    put_wheel(shelf, LOGS)
    movielens.fetch_demo(tmp_path / "data", tmp_path / "data.dvc")
    assert {path.name: path.read_bytes() for path in (tmp_path / "data").iterdir()} == LOGS


@pytest.mark.usefixtures("small_checksums")
def test_fetching_twice_downloads_once(shelf: Path, tmp_path: Path) -> None:
    wheel = put_wheel(shelf, LOGS)
    movielens.fetch_demo(tmp_path / "data", tmp_path / "data.dvc")
    wheel.unlink()
    assert "already holds" in movielens.fetch_demo(tmp_path / "data", tmp_path / "data.dvc")


def test_another_checksum_is_refused_with_both_and_nothing_is_written(
    shelf: Path, tmp_path: Path
) -> None:
    put_wheel(shelf, LOGS)
    with pytest.raises(DataError) as error:
        movielens.fetch_demo(tmp_path / "data", tmp_path / "data.dvc")
    assert sha256(LOGS["ml-100k.inter"]) in str(error.value)
    assert movielens.CHECKSUMS["ml-100k.inter"] in str(error.value)
    assert not (tmp_path / "data").exists()


@pytest.mark.usefixtures("small_checksums")
def test_a_flipped_byte_inside_the_wheel_is_refused(tmp_path: Path) -> None:
    wheel = put_wheel(tmp_path, LOGS)
    damaged = wheel.read_bytes().replace(b"1\t2\n", b"1\t3\n")
    assert damaged != wheel.read_bytes()
    wheel.write_bytes(damaged)
    with pytest.raises(DataError, match="damaged"):
        movielens.read_wheel(wheel)


def test_a_truncated_wheel_is_refused(tmp_path: Path) -> None:
    wheel = put_wheel(tmp_path, LOGS)
    wheel.write_bytes(wheel.read_bytes()[:200])
    with pytest.raises(DataError, match="damaged"):
        movielens.read_wheel(wheel)


def test_a_failed_download_says_what_pip_said(shelf: Path, tmp_path: Path) -> None:
    assert not list(shelf.iterdir())
    with pytest.raises(UnavailableError, match=r"recbole==1\.2\.1"):
        movielens.fetch_demo(tmp_path / "data", tmp_path / "data.dvc")


@pytest.mark.usefixtures("small_checksums")
def test_somebodys_own_logs_are_never_overwritten(shelf: Path, tmp_path: Path) -> None:
    put_wheel(shelf, LOGS)
    own = tmp_path / "data" / "clicks.csv"
    own.parent.mkdir()
    own.write_text("user,item,time\n")
    with pytest.raises(UsageError, match="never overwritten"):
        movielens.fetch_demo(tmp_path / "data", tmp_path / "data.dvc")
    assert [path.name for path in own.parent.iterdir()] == ["clicks.csv"]
    assert own.read_text() == "user,item,time\n"


def test_logs_that_appear_during_the_download_are_not_overwritten_either(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "clicks.csv").write_text("user,item,time\n")
    with pytest.raises(UsageError, match="nothing was changed"):
        movielens.write_logs(LOGS, tmp_path / "data")
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["clicks.csv", "data"]


def test_a_project_that_pins_other_logs_gets_no_demo(tmp_path: Path) -> None:
    (tmp_path / "data.dvc").write_text(
        "outs:\n- md5: 0123456789abcdef0123456789abcdef.dir\n  path: data\n"
    )
    with pytest.raises(UsageError, match="dvc pull"):
        movielens.fetch_demo(tmp_path / "data", tmp_path / "data.dvc")


def test_data_dvc_of_this_repository_pins_the_demo() -> None:
    pinned = YAML(typ="safe").load(ROOT / "data.dvc")["outs"][0]
    assert (pinned["path"], pinned["md5"], pinned["nfiles"]) == (
        "data",
        movielens.PIN,
        len(movielens.CHECKSUMS),
    )
