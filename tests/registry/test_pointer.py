"""The pointer moves in one step, by one publisher at a time; what nobody needs is dropped."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest

from slmrec.core.errors import BundleError, BusyError, UsageError
from slmrec.core.files import write_json
from slmrec.registry.pointer import (
    UNFINISHED,
    drop_old,
    move_pointer,
    only_publisher,
    roll_back,
    unfinished,
)
from slmrec.registry.store import Registry
from slmrec.registry.version import Version
from tests.support.bundles import make_bundle
from tests.support.project import ROOT

PUBLISH = """
import sys
from pathlib import Path
from slmrec.registry.pointer import only_publisher
from slmrec.registry.store import Registry
with only_publisher(Registry(Path(sys.argv[1]))):
    print("held", flush=True)
    input()
"""


@pytest.fixture
def filled(registry: Registry) -> Registry:
    """Versions 1.0.0 to 1.0.5, each published after the one before; 1.0.5 serves."""
    for patch in range(6):
        replaces = f"1.0.{patch - 1}" if patch else None
        write_json(registry.folder / f"1.0.{patch}" / "record.json", {"replaces": replaces})
        make_bundle(registry.folder / f"1.0.{patch}" / "bundle")
    (registry.folder / "current").symlink_to("1.0.5")
    return registry


def patch(number: int) -> Version:
    return Version(1, 0, number)


def test_a_second_publisher_is_told_who_is_at_it(filled: Registry) -> None:
    command = [sys.executable, "-c", PUBLISH, str(filled.folder)]
    with subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "held\n"
        with pytest.raises(BusyError, match=f"process {other.pid}"), only_publisher(filled):
            pytest.fail("two publish at once")
        assert roll_back(filled, None) == (patch(5), patch(4)), "a rollback waits for nobody"
        other.kill()


def test_what_a_killed_publisher_left_is_removed_by_the_next(filled: Registry) -> None:
    left = [filled.folder / name for name in (".1.0.6.4711.tmp", ".1.0.6.4711.0a1b2c3d.tmp")]
    for folder in left:
        (folder / "bundle").mkdir(parents=True)
    link = filled.folder / ".current.4711.tmp"
    link.symlink_to("1.0.6")
    with only_publisher(filled):
        assert not any(folder.exists() for folder in left)
        move_pointer(filled, patch(4), expected=patch(5))
    assert not link.is_symlink()
    assert len(filled.versions()) == 6


def test_the_pointer_moves_only_from_where_the_publisher_saw_it(filled: Registry) -> None:
    with pytest.raises(BusyError, match=r"was 1\.0\.3 and is 1\.0\.5 by now"):
        move_pointer(filled, patch(4), expected=patch(3))
    assert filled.current() == patch(5)
    move_pointer(filled, patch(4), expected=patch(5))
    assert filled.current() == patch(4)
    assert (filled.folder / "current").readlink() == Path("1.0.4"), "it survives a move of all"


def test_a_rollback_goes_to_what_was_replaced_or_to_what_is_named(filled: Registry) -> None:
    assert roll_back(filled, None) == (patch(5), patch(4))
    assert roll_back(filled, None) == (patch(4), patch(3))
    assert roll_back(filled, "1.0.5") == (patch(3), patch(5))
    assert filled.current() == patch(5)


def test_a_rollback_takes_less_than_a_second(filled: Registry) -> None:
    started = time.process_time()
    roll_back(filled, None)
    assert time.process_time() - started < 1


def test_there_is_no_way_back_from_the_first_version(registry: Registry) -> None:
    with pytest.raises(UsageError, match="no version that a champion replaced"):
        roll_back(registry, None)
    write_json(registry.folder / "1.0.0" / "record.json", {"replaces": None})
    (registry.folder / "current").symlink_to("1.0.0")
    with pytest.raises(UsageError, match=r"no version that 1\.0\.0 replaced"):
        roll_back(registry, None)


def test_a_damaged_version_is_not_gone_back_to(filled: Registry) -> None:
    model = filled.bundle_dir(patch(4)) / "model.onnx"
    model.write_bytes(model.read_bytes()[:-1] + b"?")
    with pytest.raises(BundleError, match="was altered"):
        roll_back(filled, None)
    assert filled.current() == patch(5)


def test_a_pointer_to_nothing_is_mended_by_naming_a_version(filled: Registry) -> None:
    (filled.folder / "current").unlink()
    (filled.folder / "current").symlink_to("gone")
    assert roll_back(filled, "1.0.2") == (None, patch(2))
    assert filled.current() == patch(2)


def test_the_newest_the_champion_and_the_one_before_it_are_kept(filled: Registry) -> None:
    roll_back(filled, "1.0.2")
    assert drop_old(filled, keep=2) == [patch(0), patch(3)]
    assert filled.versions() == [patch(1), patch(2), patch(4), patch(5)]
    assert {entry.name for entry in filled.folder.iterdir()} == {
        "1.0.1", "1.0.2", "1.0.4", "1.0.5", "current", ".locks"
    }  # fmt: skip


def killed_while_it_published(registry: Registry, version: Version) -> None:
    """Leave the note that a publisher leaves which never came to the end of its block."""
    with unfinished(registry, version):
        note = (registry.folder / UNFINISHED).read_text()
    (registry.folder / UNFINISHED).write_text(note)


def test_a_version_that_never_served_goes_and_its_number_is_free(filled: Registry) -> None:
    roll_back(filled, "1.0.4")
    killed_while_it_published(filled, patch(5))
    with only_publisher(filled):
        assert filled.versions()[-1] == filled.current() == patch(4)
    assert not (filled.folder / UNFINISHED).exists()


def test_a_version_that_served_stays_wherever_its_publisher_was_killed(filled: Registry) -> None:
    killed_while_it_published(filled, patch(5))
    with only_publisher(filled):
        assert filled.current() == patch(5)
    killed_while_it_published(filled, patch(5))
    roll_back(filled, None)  # before the next publisher
    with only_publisher(filled):
        assert filled.versions()[-1] == patch(5)
    killed_while_it_published(filled, patch(6))  # whose folder was not in its place yet
    with only_publisher(filled):
        assert len(filled.versions()) == 6
