"""Whatever file of prepare's cache a disk has damaged, the same bytes come out, and one line."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from slmrec.core.files import sha256_of_folder
from tests.support.damage import flip_one_bit
from tests.support.logs import Workshop

CACHE = Path("cache/prepare")
FILES = [
    "hashes.json",
    "chunks/*/chunks.json",
    "chunks/*/*.arrow",
    "chunks/*/*.ids",
    "chunks/*/*.bad",
    "generation/settled.json",
    "generation/users.parquet",
    "generation/settled_items.parquet",
    "generation/partitions/**/partition.json",
    "generation/partitions/**/events.parquet",
    "generation/partitions/**/presence.arrow",
    "generation/partitions/**/duplicates.parquet",
]


@pytest.fixture
def prepared(workshop: Workshop) -> Workshop:
    """Logs of some days with a bad row, prepared once."""
    workshop.deliver_days(range(40))
    first = next(Path("data/logs").rglob("events.csv"))
    first.write_text(first.read_text() + "u,i,yesterday,1\n")
    workshop.set(prepare__max_quarantine_share=0.9)
    workshop.prepare()
    return workshop


@pytest.mark.parametrize("pattern", FILES)
def test_a_flipped_bit_is_named_and_changes_nothing(
    pattern: str, prepared: Workshop, capsys: pytest.CaptureFixture[str]
) -> None:
    before = sha256_of_folder(Path("events"), "*")
    shutil.rmtree("events")
    damaged = sorted(CACHE.glob(pattern))[0]
    flip_one_bit(damaged)
    if pattern.startswith("chunks/"):  # partitions are made again, so that each chunk is read
        shutil.rmtree(CACHE / "generation")
    capsys.readouterr()
    prepared.prepare()
    assert sha256_of_folder(Path("events"), "*") == before
    said = [line for line in capsys.readouterr().err.splitlines() if "is damaged" in line]
    assert [line.split(" is damaged")[0] for line in said] == [f"prepare: {damaged.absolute()}"]
