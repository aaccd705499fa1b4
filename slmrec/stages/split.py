"""Events become histories, targets to predict and training windows."""

from __future__ import annotations

import shutil
from pathlib import Path

from slmrec.core import tables
from slmrec.core.errors import DataError
from slmrec.core.files import new_folder, write_json
from slmrec.core.stage import run_stage
from slmrec.params.split import SplitParams
from slmrec.preprocessing.events.event_files import find_event_files
from slmrec.preprocessing.events.ordered_map import map_in_order
from slmrec.preprocessing.splitting.splitters import Cuts, Parts, find_cuts, leave_one_out, temporal
from slmrec.preprocessing.splitting.user_blocks import UserBlock, read_block, scatter
from slmrec.preprocessing.splitting.writer import HistoryTables


def split(block: UserBlock, cuts: Cuts | None, p: SplitParams) -> tuple[UserBlock, Parts]:
    """Some users with their targets and windows; without cuts it is leave-one-out."""
    return block, leave_one_out(block, p.max_length) if cuts is None else temporal(
        block, cuts, p.max_length
    )


def refuse_nothing(counts: dict[str, int]) -> None:
    """Raise DataError when there is nothing to train on, or nothing to judge by: users of one event give neither."""
    for what in ("windows", *(f"{part}_targets" for part in tables.PARTS)):
        if not counts[what]:
            raise DataError(
                f"{counts['users']} users with {counts['events']} events give no {what.replace('_', ' ')}; bring users with more events, "
                "or move split.valid_from and split.test_from"
            )


def main(events: Path, validation: Path, *, histories: Path) -> None:
    """Read `events` (that `validation` passed), write the three tables and a summary to `histories`."""
    p = SplitParams.read()
    files = find_event_files(events)
    cuts = find_cuts(p, files) if p.method == "temporal" else None
    with new_folder(histories) as folder:
        with HistoryTables(folder) as written:
            for block, parts in map_in_order(
                lambda one: split(read_block(one), cuts, p), scatter(files, folder / "scratch")
            ):
                written.add(block, parts)
        shutil.rmtree(folder / "scratch")
        times = (
            {}
            if cuts is None
            else {"valid_from_us": cuts.valid_from, "test_from_us": cuts.test_from}
        )
        counts = {f"{part}_targets": written.targets[part] for part in tables.PARTS}
        refuse_nothing(counts | written.counts())
        protocol = {
            "method": p.method,
            "max_length": p.max_length,
            "exclude_seen": p.exclude_seen,
        }  # histories.Protocol
        write_json(folder / "summary.json", protocol | times | counts | written.counts())


if __name__ == "__main__":
    run_stage(main)
