"""All libraries are judged by one function, ours twice."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks import other_libraries
from benchmarks.datasets import leave_one_out, read_sequences
from benchmarks.other_libraries import compare, judge, summarize, times_less, train_here
from benchmarks.settings import embed_items_params, merged, read_settings
from slmrec.core.files import read_json

SMALL = {
    "width": 8,
    "heads": 1,
    "feed_forward": 8,
    "max_length": 6,
    "training": {"epochs": 2, "positions_per_batch": 64, "patience": 1},
}


def test_hit_rate_and_ndcg_are_means_over_users() -> None:
    lists = np.array([[5, 6, 7], [5, 6, 7], [5, 6, 7]])
    targets = np.array([5, 7, 9])
    # Ranks 1, 3 and none.
    assert judge(lists, targets) == {
        "hr@10": pytest.approx((1 + 1 + 0) / 3),
        "ndcg@10": pytest.approx((1 / np.log2(2) + 1 / np.log2(4) + 0) / 3),
    }


def test_a_librarys_line_has_the_median_epoch() -> None:
    epochs = [{"seconds": seconds, "processor_seconds": 1.0} for seconds in (9.0, 1.0, 2.0)]
    line = summarize(epochs, np.array([[5]]), np.array([5]))
    assert line["epochs"] == 3
    assert line["per_epoch"] == {"seconds": 2.0, "processor_seconds": 1.0}


def test_a_peer_is_compared_with_our_first_run() -> None:
    models = {"slmrec": {"per_epoch": {"seconds": 2.0}}, "replay": {"per_epoch": {"seconds": 7.0}}}
    assert times_less(models, ["replay"]) == {"replay": {"seconds": 3.5}}


def write_ring(folder: Path) -> None:
    """Twenty users who walk a ring of twelve items."""
    folder.mkdir()
    lines = [
        f"{user} " + " ".join(str((user + step) % 12) for step in range(5 + user % 4))
        for user in range(20)
    ]
    (folder / "sequences.txt").write_text("\n".join(lines) + "\n")


def test_every_epoch_is_trained_and_no_list_holds_what_the_user_has_met(tmp_path: Path) -> None:
    write_ring(tmp_path / "ring")
    p = embed_items_params(merged(read_settings("steam-100k", []), SMALL))
    sequences = read_sequences(tmp_path / "ring")
    histories = leave_one_out(sequences, 6, held_out=1)
    epochs, lists = train_here(histories, sequences.rows, p, tmp_path)
    assert len(epochs) == 2  # though patience is 1: there is no validation to lose it over
    for row, best in enumerate(lists):
        first, last = histories.offsets[row], histories.offsets[row + 1] - 1
        candidates = 12 - len(set(histories.items[first:last]))
        assert not set(best[:candidates]) & set(histories.items[first:last])


def test_ours_runs_first_and_last_and_peers_read_the_settings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_ring(tmp_path / "ring")
    ran: list[str] = []

    def result(name: str) -> tuple[list[dict[str, float]], np.ndarray]:
        ran.append(name)
        return [{"seconds": 1.0, "processor_seconds": 1.0}], np.zeros((20, 10))

    def train_peer(name: str, work_dir: Path, users: int) -> Any:
        assert read_json(work_dir / "settings.json") == {
            "width": 8,
            "layers": 2,
            "heads": 1,
            "max_length": 6,
            "epochs": 2,
            "seed": 1,
            "threads": 1,
        }
        return result(name)

    monkeypatch.setattr(other_libraries, "PROJECT", tmp_path)
    monkeypatch.setattr(other_libraries, "train_here", lambda *_: result("ours"))
    monkeypatch.setattr(other_libraries, "train_peer", train_peer)
    settings = merged(read_settings("steam-100k", []), SMALL)
    models = compare("ring", tmp_path, settings, ["replay"], threads=1)
    assert list(models) == ["slmrec", "replay", "slmrec again"]
    assert ran == ["ours", "replay", "ours"]
