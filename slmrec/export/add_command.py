"""What `slmrec add-items` does, from files to a folder and the lines it prints."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from slmrec.export.added_items import AddSettings, add_items
from slmrec.export.new_items import read_new_items
from slmrec.export.titled_extension import TitleSettings
from slmrec.params.neighbours import TitleParams
from slmrec.runtime.bundle import ITEMS, read_bundle
from slmrec.runtime.items import items_from_jsonl


@dataclass(frozen=True)
class Options:
    """What was asked on the command line."""

    item_column: str
    title_column: str
    exposure: float
    like: int
    words: int
    most_titles: int
    date: str


def run(bundle_dir: Path, items: Path, out: Path, options: Options) -> Iterator[str]:
    """Write the bundle with the items of a file; what was left out, and what was done.

    Raises what `read_new_items` and `add_items` do.
    """
    bundle = read_bundle(bundle_dir)
    served = items_from_jsonl(bundle.files[ITEMS])
    new = read_new_items(items, options.item_column, options.title_column, served)
    terms = TitleParams(words=options.words, most_titles=options.most_titles)
    titles = TitleSettings(terms, options.like)
    settings = AddSettings(titles, options.exposure, options.date, threads=None)
    added = add_items(bundle, new, settings, out)
    for item, reason in added.new.left_out.items():
        yield f"left out {item!r}: {reason}"
    yield (
        f"{out} is whole: {len(added.new.ids):,} items added, {len(added.new.left_out):,} left "
        f"out; new items have {added.share:.1%} of the places in lists of ten"
    )
