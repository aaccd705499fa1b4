"""Promises about the events are checked; a broken one stops the pipeline."""

from __future__ import annotations

from pathlib import Path

from slmrec import tables
from slmrec.door import open_door
from slmrec.errors import PromiseError
from slmrec.files import new_file, new_folder, write_json
from slmrec.params import ValidateParams, read_section


def main(events: Path, *, validation: Path, page: Path) -> None:
    """Check the tables in `events`, write the findings to `validation` and a page for people to `page`."""
    p = read_section("validate", ValidateParams, Path("params.yaml"))
    items = tables.read_table(events / "items.parquet", tables.ITEMS)
    total = int(items["events"].sum())
    if total < p.min_events:
        raise PromiseError(f"{total} events, expected at least {p.min_events}; deliver more logs or lower validate.min_events")
    with new_folder(validation) as folder:
        write_json(folder / "result.json", {"events": total})
    with new_file(page) as temporary:
        temporary.write_text(f"<p>{total} events</p>\n")


if __name__ == "__main__":
    open_door(main)
