"""Events become histories, targets to predict and training windows."""

from __future__ import annotations

import shutil
from pathlib import Path

from slmrec.core import tables
from slmrec.core.errors import DataError
from slmrec.core.files import new_folder, write_json
from slmrec.core.stage import run_stage
from slmrec.params.split import SplitParams
from slmrec.preprocessing.events.event_files import EventFiles, find_event_files
from slmrec.preprocessing.events.ordered_map import map_in_order
from slmrec.preprocessing.splitting.splitters import (
    Cuts,
    TargetsAndWindows,
    find_cuts,
    leave_one_out,
    temporal,
)
from slmrec.preprocessing.splitting.user_blocks import UserBlock, read_block, scatter
from slmrec.preprocessing.splitting.writer import HistoryTables


def split(block: UserBlock, cuts: Cuts | None, p: SplitParams) -> TargetsAndWindows:
    """Targets and windows of some users; without cuts it is leave-one-out."""
    return leave_one_out(block, p) if cuts is None else temporal(block, cuts, p)


def write_histories(
    files: EventFiles, cuts: Cuts | None, p: SplitParams, folder: Path
) -> dict[str, int]:
    """Write the three tables block by block; returns the counts of the summary."""

    def read_and_split(block_dir: Path) -> tuple[UserBlock, TargetsAndWindows]:
        block = read_block(block_dir)
        return block, split(block, cuts, p)

    scratch_dir = folder / "scratch"
    with HistoryTables(folder) as history_tables:
        for block, cut in map_in_order(read_and_split, scatter(files, scratch_dir)):
            history_tables.add(block, cut)
    shutil.rmtree(scratch_dir)
    return history_tables.counts()


def check_counts(counts: dict[str, int]) -> None:
    """Raise DataError when there is nothing to train on, or nothing to evaluate on."""
    for name in ("windows", *(f"{part}_targets" for part in tables.PARTS)):
        if not counts[name]:
            raise DataError(
                f"{counts['users']} users with {counts['events']} events give no "
                f"{name.replace('_', ' ')}; bring users with more events, "
                "or move split.valid_from and split.test_from"
            )


def report_seen(counts: dict[str, int], p: SplitParams) -> None:
    """Say which share of the test targets stands in its own input, and which setting serves it."""
    seen, targets = counts["seen_test_targets"], counts["test_targets"]
    if not seen or not p.exclude_seen:
        return
    left_out = p.seen_targets == "left_out"
    share = seen / (targets + seen if left_out else targets)
    treated = "left out" if left_out else "misses"
    print(
        f"split: {seen:,} test targets ({share:.1%}) repeat an item of their own input, which "
        f"exclude_seen: true never recommends, so they are {treated}; where people come back to "
        "what they had, set split.exclude_seen: false",
        flush=True,
    )


def main(events_dir: Path, validation_dir: Path, *, histories_dir: Path) -> None:
    """Read the events that validation passed, write tables and summary to `histories_dir`."""
    p = SplitParams.read()
    files = find_event_files(events_dir)
    cuts = find_cuts(p, files) if p.method == "temporal" else None
    with new_folder(histories_dir) as folder:
        counts = write_histories(files, cuts, p, folder)
        check_counts(counts)
        report_seen(counts, p)
        # What slmrec.dataset.histories.Protocol holds.
        protocol = p.model_dump(include={"method", "max_length", "exclude_seen"})
        times = {f"{name}_us": time for name, time in vars(cuts).items()} if cuts else {}
        write_json(folder / "summary.json", protocol | times | counts)


if __name__ == "__main__":
    run_stage(main)
