"""What follows from new items in a bundle: contract, vectors, golden cases; and a check."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import safetensors.numpy

from slmrec.core.errors import BundleError
from slmrec.core.vocabulary import UNK
from slmrec.export.extended_graph import ADVICE, Extension
from slmrec.runtime.bundle import GOLDEN, Bundle, sha256_of_bytes
from slmrec.runtime.further_graphs import ITEM_VECTORS, USER_TOWER
from slmrec.runtime.golden import EmbedUsers, GraphInput, golden_inputs, record_golden_cases
from slmrec.runtime.item_vectors import read_item_vectors
from slmrec.runtime.items import ServedItems
from slmrec.runtime.replay import cases_of, check_list
from slmrec.runtime.session import RunGraph

GOLDEN_SEED = 1  # of the histories in the golden cases


def extended_contract(
    contract: dict[str, Any], served: ServedItems, record: dict[str, Any], vectors: bytes | None
) -> dict[str, Any]:
    """The contract of the bundle with the items `served`; `record` says how they were added."""
    extended = copy.deepcopy(contract)
    extended["additions"] = [*contract.get("additions", []), record]
    extended["items"] |= {
        "rows": served.rows,
        "candidates": served.candidates,
        "sha256": sha256_of_bytes(served.jsonl),
    }
    if vectors is not None:
        extended["graphs"][USER_TOWER]["item_vectors"] |= {
            "rows": len(read_item_vectors(vectors).items),
            "sha256": sha256_of_bytes(vectors),
        }
    return extended


def longer_vectors(bundle: Bundle, extension: Extension) -> bytes | None:
    """The items' vectors with those of the new items; None where the bundle has none."""
    if ITEM_VECTORS not in bundle.files:
        return None
    table = read_item_vectors(bundle.files[ITEM_VECTORS])
    new = extension.columns
    if table.vectors.shape[1] > new.shape[1]:  # they end in a bonus
        new = np.concatenate([new, extension.added[:, None]], axis=1)
    indices = np.arange(extension.count, dtype=np.int64) + extension.old_rows
    arrays = {
        "items": np.concatenate([table.items, indices]),
        "vectors": np.concatenate([table.vectors, new.astype(np.float32)]),
    }
    return safetensors.numpy.save(arrays)


def check_known_items(bundle: Bundle, run: RunGraph, extension: Extension) -> None:
    """Replay the golden cases of `bundle` on the graph with more items, these being excluded.

    Raises BundleError where known items would be listed otherwise than before.
    """
    tolerance = bundle.contract["tolerance"][bundle.contract["precision"]]
    new = np.arange(extension.count) + extension.old_rows
    for case in cases_of(bundle.files[GOLDEN]):
        given = case.given
        # An index that was outside the table may be a new item's by now.
        history = np.where(given.history >= extension.old_rows, UNK, given.history)
        more = np.broadcast_to(new, (len(given.exclude), len(new)))
        exclude = np.concatenate([given.exclude, more], axis=1)
        try:
            check_list(case, run(history, exclude, given.k), tolerance)
        except BundleError as error:
            raise BundleError(f"with the new items known ones change ({error}); {ADVICE}") from None


def golden_with_new_items(
    bundle: Bundle, served: ServedItems, first: int, run: RunGraph, embed: EmbedUsers | None
) -> bytes:
    """Golden cases over all items, and one more of histories that hold new ones."""
    length = max(case.given.k for case in cases_of(bundle.files[GOLDEN]) if case.name == "repeats")
    maximum = bundle.contract["max_length"]
    inputs = golden_inputs(served.rows, maximum, served.candidates, length, GOLDEN_SEED)
    alone = np.array([[first, 0], [served.rows - 1, 0], [first - 1, served.rows - 1]])
    inputs["added_items"] = GraphInput(alone, np.zeros((3, 0), np.int64), length)
    return record_golden_cases(inputs, run, served.candidates, embed)
