"""The number of a published version, and which part of it a change of the bundle moves.

major: a consumer of the version before may break. An id is gone or at another index; format, graph
       inputs, outputs or vocabulary, `exclude_seen` or the minimum runtime changed; a file is gone.
minor: there is more than before. Items are appended; a graph, an output, a file or a key of the
       contract is added. Or max_length, precision, tolerance or opset changed, which the runtime
       reads from it.
patch: the same contract and ids; new weights, titles or statuses.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from slmrec.core.vocabulary import FIRST_ITEM
from slmrec.runtime.bundle import ITEMS, Bundle
from slmrec.runtime.items import items_from_jsonl

PATCH, MINOR, MAJOR = 0, 1, 2
LEVEL_NAMES = ("patch", "minor", "major")
GATE = "gate.json"  # the verdict: in a published bundle, in no other
NUMBER = re.compile(r"(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)")
# Parts of a contract, by the path of their keys; `*` is any key. Hashes and counts say nothing of
# the shape, the items are compared by their ids, however they came in, and how neighbours join the
# scores is learnt, as weights are.
NOT_COMPARED = (
    "version",
    "inputs_sha256",
    "items",
    "additions",
    "neighbours",
    "graphs.*.neighbours",
    "graphs.*.item_vectors.rows",
    "graphs.*.item_vectors.sha256",
)
# A change of these is read by the runtime, or is prose: what breaks a consumer moves `format`.
HARMLESS = (
    "max_length",
    "precision",
    "tolerance",
    "behaviour",
    "graph.opset",
    "graph.ir_version",
    "graphs.*.tolerance",
    "graphs.*.opset",
    "graphs.*.ir_version",
)
# onnxruntime wants every input of a graph: one more breaks all who call it.
INPUTS = ("graph.inputs", "graphs.*.inputs")


@dataclass(frozen=True, order=True)
class Version:
    """major.minor.patch"""

    major: int
    minor: int
    patch: int

    def __str__(self) -> str:
        return f"{self.major}.{self.minor}.{self.patch}"

    @staticmethod
    def parse(text: str) -> Version | None:
        """The version of a text such as 1.4.0; None where it is none."""
        match = NUMBER.fullmatch(text)
        return Version(*map(int, match.groups())) if match else None

    def after(self, level: int) -> Version:
        """The next version after a change of this level."""
        if level == MAJOR:
            return Version(self.major + 1, 0, 0)
        if level == MINOR:
            return Version(self.major, self.minor + 1, 0)
        return Version(self.major, self.minor, self.patch + 1)


FIRST = Version(1, 0, 0)


@dataclass(frozen=True)
class Change:
    """One thing that is not as before, and the part of the number that it moves."""

    level: int
    what: str


@dataclass(frozen=True)
class Interface:
    """What consumers see of a bundle."""

    contract: dict[str, Any]
    ids: Sequence[str]  # in index order, from index 2
    files: frozenset[str]

    @staticmethod
    def of(bundle: Bundle) -> Interface:
        """The interface of a bundle that was read."""
        ids = items_from_jsonl(bundle.files[ITEMS]).ids
        return Interface(bundle.contract, ids, frozenset(bundle.files) - {GATE})


def changes(old: Interface, new: Interface) -> list[Change]:
    """What `new` changes for consumers of `old`, the gravest first."""
    found = [
        *_id_changes(old.ids, new.ids),
        *_contract_changes(dict(_leaves(old.contract)), dict(_leaves(new.contract))),
        *(Change(MAJOR, f"{name} is gone") for name in sorted(old.files - new.files)),
        *(Change(MINOR, f"{name} is added") for name in sorted(new.files - old.files)),
    ]
    return sorted(found, key=lambda change: -change.level)


def level_of(found: Sequence[Change]) -> int:
    """The part that moves: that of the gravest change, or patch where nothing changed."""
    return max((change.level for change in found), default=PATCH)


def _id_changes(old: Sequence[str], new: Sequence[str]) -> Iterator[Change]:
    pairs = enumerate(zip(old, new, strict=False), start=FIRST_ITEM)
    moved = next(((index, *pair) for index, pair in pairs if pair[0] != pair[1]), None)
    if moved is not None:
        yield Change(MAJOR, "ids: index {} was {!r}, is {!r}".format(*moved))
    elif len(new) < len(old):
        yield Change(MAJOR, f"ids: the last {len(old) - len(new):,} items are gone")
    elif len(new) > len(old):
        yield Change(MINOR, f"ids: {len(new) - len(old):,} items are appended")


def _contract_changes(old: dict[str, Any], new: dict[str, Any]) -> Iterator[Change]:
    for path in sorted({*old, *new}):
        if path not in new:
            yield Change(MINOR if _is(path, HARMLESS) else MAJOR, f"{path} is gone")
        elif path not in old:
            breaks = _is(path, INPUTS) and _has_graph(old, path)
            yield Change(MAJOR if breaks else MINOR, f"{path} is added: {new[path]}")
        elif old[path] != new[path]:
            level = MINOR if _is(path, HARMLESS) else MAJOR
            yield Change(level, f"{path} was {old[path]}, is {new[path]}")


def _leaves(value: dict[str, Any], above: str = "") -> Iterator[tuple[str, Any]]:
    """Every value of a contract that is compared, by the path of its keys."""
    for key, inner in value.items():
        path = f"{above}{key}"
        if _is(path, NOT_COMPARED):
            continue
        if isinstance(inner, dict):
            yield from _leaves(inner, f"{path}.")
        else:
            yield path, inner


def _has_graph(contract: dict[str, Any], path: str) -> bool:
    """Whether the leaves of a contract hold the graph that `path` lies in."""
    graph = path.partition(".inputs.")[0]
    return any(other.startswith(f"{graph}.") for other in contract)


def _is(path: str, parts: Sequence[str]) -> bool:
    """Whether one of these parts is the path or lies above it."""
    keys = path.split(".")
    return any(
        len(keys) >= len(wanted)
        and all(key in (name, "*") for name, key in zip(keys, wanted, strict=False))
        for wanted in (part.split(".") for part in parts)
    )
