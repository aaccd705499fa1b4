"""The sections of docs/logs.md read public logs: each is tried on made-up files of its layout."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from ruamel.yaml import YAML

from tests.support.logs import Workshop
from tests.support.media_layouts import MEDIA
from tests.support.project import ROOT
from tests.support.shop_layouts import SHOPS

LAYOUTS = {**MEDIA, **SHOPS}
_, _, PUBLIC_LOGS = (ROOT / "docs" / "logs.md").read_text().partition("\n## Public logs\n")
PARTS = re.findall(r"^### (.+?)\n(.*?)(?=^##)", PUBLIC_LOGS, flags=re.DOTALL | re.MULTILINE)
NO_CLOCK = ("Instacart",)


def section(text: str) -> dict[str, Any]:
    """The section of params.yaml in a part of the document, laid over the shipped one."""
    (block,) = re.findall(r"```yaml\n(.*?)```", text, flags=re.DOTALL)
    laid: dict[str, Any] = YAML(typ="safe").load(block)
    shipped = YAML(typ="safe").load(ROOT / "params.yaml")["prepare"]
    for name in ("events", "items"):
        if laid[name] is not None:
            laid[name] = {**shipped[name], **laid[name]}
    return laid


def test_every_layout_has_a_section_and_a_line_in_the_table() -> None:
    names = [name for name, _ in PARTS]
    assert sorted(names) == sorted(LAYOUTS)
    table = PUBLIC_LOGS[: PUBLIC_LOGS.index("###")]
    anchors = re.findall(r"^\| \[.*?\]\(#(.*?)\)", table, flags=re.MULTILINE)
    assert anchors == [re.sub(r"[^a-z0-9 -]", "", name.lower()).replace(" ", "-") for name in names]


@pytest.mark.parametrize(("name", "text"), PARTS)
def test_public_logs_are_read_as_they_ship(workshop: Workshop, name: str, text: str) -> None:
    layout = LAYOUTS[name]
    changes = {f"prepare__{key}": value for key, value in section(text).items()}
    method = "leave_one_out" if name in NO_CLOCK else "temporal"
    workshop.set(**changes, split__method=method)
    for file, content in layout.files.items():
        path = Path("data") / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    counts = workshop.prepare()
    assert counts["quarantined"] == {}
    events = workshop.events()
    assert list(events.select("user", "item").iter_rows()) == layout.events
    items = pl.read_parquet("events/items.parquet").drop_nulls("title")
    assert dict(items.select("item", "title").iter_rows()) == layout.titles
