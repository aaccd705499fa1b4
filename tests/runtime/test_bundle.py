"""Bundles: whole ones are read, and everything that is not what was written is refused by name."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import polars as pl
import pytest

from slmrec.core import tables
from slmrec.core.errors import BundleError, DataError, UnavailableError
from slmrec.core.vocabulary import PAD
from slmrec.export.bundle_writer import write_bundle
from slmrec.export.item_tables import read_served_items
from slmrec.runtime import Recommender, verify
from slmrec.runtime.bundle import MANIFEST, REQUIRED, write_manifest
from slmrec.runtime.items import ACTIVE, LISTED, RETIRED, read_lines, write_lines
from tests.support.bundles import MAX_LENGTH, ROWS, make_bundle, served_items, small_parts


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    return make_bundle(tmp_path / "bundle")


def sealed(folder: Path) -> Path:
    """The folder under a new manifest: what someone does who changes a file and knows about the manifest."""
    (folder / MANIFEST).unlink()
    write_manifest(folder)
    return folder


def load(folder: Path) -> Recommender:
    return Recommender(folder, "cpu", 1)


def test_a_whole_bundle_passes_with_no_difference_at_all(bundle):
    done = verify(bundle, "cpu", 1)
    assert done.cases == 10
    assert done.worst == 0.0
    assert done.near_ties == 0


def test_a_bundle_holds_every_promised_file_and_no_other(bundle):
    assert {file.name for file in bundle.iterdir()} == {*REQUIRED, MANIFEST}


def test_the_manifest_is_what_sha256sum_reads(bundle):
    done = subprocess.run(
        ["sha256sum", "--check", "--strict", MANIFEST],
        cwd=bundle,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_reader_may_read_the_files(bundle):
    assert {file.stat().st_mode & 0o777 for file in bundle.iterdir()} == {0o644}


def test_the_same_parts_give_the_same_bytes(bundle, tmp_path):
    again = make_bundle(tmp_path / "again")
    assert (again / MANIFEST).read_bytes() == (bundle / MANIFEST).read_bytes()


def test_a_bundle_names_no_place_of_the_machine_that_made_it(bundle):
    here = [
        str(Path.cwd()).encode(),
        str(Path.home()).encode(),
        sys.prefix.encode(),
        str(bundle).encode(),
    ]
    assert not [
        file.name for file in bundle.iterdir() for place in here if place in file.read_bytes()
    ]


def test_the_contract_says_what_the_graph_is(bundle):
    contract = json.loads((bundle / "contract.json").read_text())
    assert contract["graph"]["inputs"]["history"] == {"dtype": "int64", "shape": ["batch", "time"]}
    assert contract["graph"]["outputs"]["scores"] == {"dtype": "float32", "shape": ["batch", "k"]}
    assert contract["graph"]["opset"] == {"ai.onnx": 18}
    assert contract["max_length"] == MAX_LENGTH
    assert contract["items"]["rows"] == ROWS
    assert contract["vocabulary"] == {
        "pad": 0,
        "unknown": 1,
        "padding_side": "right",
        "order": "oldest first",
    }


def test_the_graph_carries_the_hashes_of_contract_and_item_table(bundle):
    carried = {entry.key: entry.value for entry in onnx.load(bundle / "model.onnx").metadata_props}
    assert (
        carried["slmrec.contract_sha256"]
        == hashlib.sha256((bundle / "contract.json").read_bytes()).hexdigest()
    )
    assert (
        carried["slmrec.items_sha256"]
        == hashlib.sha256((bundle / "items.jsonl").read_bytes()).hexdigest()
    )


def test_both_item_tables_say_the_same(bundle):
    lines = [json.loads(line) for line in (bundle / "items.jsonl").read_text().splitlines()]
    assert pl.read_parquet(bundle / "items.parquet").to_dicts() == lines


@pytest.mark.parametrize("name", REQUIRED)
def test_a_flipped_bit_is_refused_whichever_file_it_is_in(bundle, name):
    data = bytearray((bundle / name).read_bytes())
    data[len(data) // 2] ^= 1
    (bundle / name).write_bytes(data)
    with pytest.raises(BundleError, match=f"{name} was altered"):
        load(bundle)


@pytest.mark.parametrize("name", REQUIRED)
def test_a_missing_file_is_named(bundle, name):
    (bundle / name).unlink()
    with pytest.raises(BundleError, match=f"lacks {name}"):
        load(bundle)


def test_a_manifest_that_leaves_a_file_out_is_refused(bundle):
    (bundle / "golden.npz").unlink()
    with pytest.raises(BundleError, match=r"does not name golden\.npz"):
        load(sealed(bundle))


def test_an_extra_file_is_refused(bundle):
    (bundle / "weights.pkl").write_bytes(b"\x80\x04.")
    with pytest.raises(BundleError, match=r"holds 'weights\.pkl'"):
        load(bundle)


def test_a_folder_in_the_bundle_is_refused(bundle):
    (bundle / "more").mkdir()
    with pytest.raises(BundleError, match="holds 'more'"):
        load(bundle)


def test_a_link_in_place_of_a_file_is_refused_even_to_the_same_bytes(bundle, tmp_path):
    moved = shutil.move(bundle / "model.onnx", tmp_path / "model.onnx")
    (bundle / "model.onnx").symlink_to(moved)
    with pytest.raises(BundleError, match=r"model\.onnx is a link"):
        load(bundle)


def test_a_linked_manifest_is_refused(bundle, tmp_path):
    moved = shutil.move(bundle / MANIFEST, tmp_path / MANIFEST)
    (bundle / MANIFEST).symlink_to(moved)
    with pytest.raises(BundleError, match="is a link"):
        load(bundle)


def test_a_pointer_to_a_bundle_is_followed(bundle, tmp_path):
    # Publishing moves such a pointer; what lies inside the bundle is what must be plain.
    (tmp_path / "current").symlink_to(bundle)
    assert load(tmp_path / "current").largest_k == served_items().candidates


@pytest.mark.parametrize("name", ["../secret", "/etc/hostname", "a/b", "..", ".hidden", "a\\b", ""])
def test_a_manifest_cannot_lead_out_of_the_folder(bundle, name):
    (bundle.parent / "secret").write_text("x")
    with (bundle / MANIFEST).open("a") as manifest:
        manifest.write(f"{hashlib.sha256(b'x').hexdigest()}  {name}\n")
    with pytest.raises(BundleError, match=r"line 8 is .* expected a sha256 and a plain file name"):
        load(bundle)


def test_a_file_named_twice_is_refused(bundle):
    manifest = bundle / MANIFEST
    manifest.write_text(manifest.read_text() * 2)
    with pytest.raises(BundleError, match="line 8"):
        load(bundle)


def test_a_folder_without_a_manifest_is_no_bundle(tmp_path):
    with pytest.raises(BundleError, match="is no bundle"):
        load(tmp_path)


def test_a_path_that_is_not_there_is_no_bundle(tmp_path):
    with pytest.raises(BundleError, match="is no bundle"):
        load(tmp_path / "nowhere")


def test_a_manifest_of_binary_rubbish_is_refused(bundle):
    (bundle / MANIFEST).write_bytes(b"\xff\xfe\x00")
    with pytest.raises(BundleError, match="is not text"):
        load(bundle)


def swapped_table(folder: Path) -> None:
    """The item table of another bundle: the first two items changed places."""
    lines = (folder / "items.jsonl").read_text().splitlines(keepends=True)
    first, second = json.loads(lines[0]), json.loads(lines[1])
    first["item"], second["item"] = second["item"], first["item"]
    lines[:2] = [
        json.dumps(first, ensure_ascii=False) + "\n",
        json.dumps(second, ensure_ascii=False) + "\n",
    ]
    (folder / "items.jsonl").write_text("".join(lines))


def test_a_swapped_item_table_is_refused_even_under_a_fresh_manifest(bundle):
    swapped_table(bundle)
    with pytest.raises(BundleError, match=r"items\.jsonl belongs to another graph"):
        load(sealed(bundle))


def test_a_contract_of_another_bundle_is_refused(bundle):
    contract = json.loads((bundle / "contract.json").read_text())
    (bundle / "contract.json").write_text(json.dumps({**contract, "max_length": 5}))
    with pytest.raises(BundleError, match=r"contract\.json belongs to another graph"):
        load(sealed(bundle))


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"{", "is not JSON"),
        (b"[]", "format None"),
        (b'{"format": 99}', "format 99"),
        (b'{"format": 1}', "lacks minimum_runtime"),
    ],
)
def test_a_contract_that_cannot_be_read_is_refused(bundle, data, said):
    (bundle / "contract.json").write_bytes(data)
    with pytest.raises(BundleError, match=said):
        load(sealed(bundle))


def test_an_older_runtime_than_the_contract_asks_for_is_refused(bundle):
    contract = json.loads((bundle / "contract.json").read_text())
    contract["minimum_runtime"]["onnxruntime"] = "99.0"
    (bundle / "contract.json").write_text(json.dumps(contract))
    with pytest.raises(UnavailableError, match=r"needs onnxruntime 99\.0 or newer"):
        load(sealed(bundle))


def test_a_graph_that_is_not_one_is_refused(bundle):
    (bundle / "model.onnx").write_bytes(b"not a graph")
    with pytest.raises(BundleError, match=r"does not load model\.onnx"):
        load(sealed(bundle))


def test_changed_weights_fail_the_golden_cases_even_under_a_fresh_manifest(bundle):
    graph = onnx.load(bundle / "model.onnx")
    weight = next(weight for weight in graph.graph.initializer if weight.name == "columns")
    values = np.frombuffer(weight.raw_data, dtype=np.float32).copy()
    values[9] += 0.05  # one dimension of one item
    weight.raw_data = values.tobytes()
    onnx.save(graph, bundle / "model.onnx")
    with pytest.raises(BundleError, match=r"golden case .* scores differ"):
        verify(sealed(bundle), "cpu", 1)


def golden_arrays(folder: Path) -> dict[str, np.ndarray]:
    with np.load(folder / "golden.npz", allow_pickle=False) as file:
        return dict(file)


def test_golden_cases_cover_what_goes_wrong_elsewhere(bundle):
    arrays = golden_arrays(bundle)
    assert arrays["length_one.history"].shape == (1, 1)
    assert arrays["length_max.history"].shape == (1, MAX_LENGTH)
    assert arrays["longer_than_max.history"].shape[1] > MAX_LENGTH
    assert set(arrays["all_unknown.history"].ravel().tolist()) == {1}
    assert len(set(arrays["repeats.history"].ravel().tolist())) == 1
    assert len({int((row != PAD).sum()) for row in arrays["mixed_batch.history"]}) == 5
    assert {int(arrays[f"{case}.k"]) for case in ("k_one", "length_one", "k_many")} == {
        1,
        10,
        served_items().candidates,
    }


def test_golden_answers_with_other_items_fail(bundle):
    arrays = golden_arrays(bundle)
    arrays["repeats.items"] = arrays["repeats.items"][:, ::-1]
    np.savez(bundle / "golden.npz", allow_pickle=False, **arrays)
    with pytest.raises(BundleError, match="golden case repeats"):
        verify(sealed(bundle), "cpu", 1)


def test_golden_answers_that_need_unpickling_are_refused(bundle):
    arrays: dict[str, Any] = {"x.history": np.array([{"a": 1}], dtype=object)}
    np.savez(bundle / "golden.npz", **arrays)
    with pytest.raises(BundleError, match=r"golden\.npz is not readable"):
        verify(sealed(bundle), "cpu", 1)


@pytest.mark.parametrize("data", [b"", b"PK\x03\x04 cut off"])
def test_golden_answers_that_are_cut_off_are_refused(bundle, data):
    (bundle / "golden.npz").write_bytes(data)
    with pytest.raises(BundleError, match=r"golden\.npz is not readable"):
        verify(sealed(bundle), "cpu", 1)


def test_golden_answers_that_lack_a_field_are_refused(bundle):
    arrays = golden_arrays(bundle)
    del arrays["repeats.spread"]
    np.savez(bundle / "golden.npz", allow_pickle=False, **arrays)
    with pytest.raises(BundleError, match=r"lacks repeats\.spread"):
        verify(sealed(bundle), "cpu", 1)


def test_an_item_table_survives_being_written_and_read():
    served = served_items()
    assert read_lines(write_lines(served)) == served


LINE = '{"index": %d, "item": "a", "title": null, "status": "active"}'


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{"index": 2}\n', "is not a table"),
        ("rubbish\n", "is not a table"),
        (f"{LINE % 3}\n", "does not count up from index 2"),
        (
            '{"index": 2, "item": "a", "title": null, "status": "active"}\n{"index": 3, "item": "a", "title": null, "status": "active"}\n',
            "different ids",
        ),
    ],
)
def test_an_item_table_that_cannot_be_right_is_refused(text, said):
    with pytest.raises(BundleError, match=said):
        read_lines(text.encode())


def items_table(indices: list[int]) -> pl.DataFrame:
    rows = {
        "item_index": indices,
        "item": ["a", "b", "c"],
        "title": [None, "B", None],
        "first_time": None,
        "events": [3, 0, 0],
    }
    return pl.DataFrame(rows, schema=tables.ITEMS)


def test_an_item_is_active_with_events_listed_with_a_title_and_else_retired():
    assert read_served_items(items_table([2, 3, 4])).statuses == [ACTIVE, LISTED, RETIRED]


def test_items_are_served_in_order_of_their_index_whatever_the_order_of_rows():
    assert read_served_items(items_table([4, 3, 2])).ids == ["c", "b", "a"]


def test_a_gap_in_the_item_index_is_an_error():
    with pytest.raises(DataError, match="does not number its 3 items from 2 without gaps"):
        read_served_items(items_table([2, 3, 5]))


def test_the_model_card_shows_the_graphs_own_quality(bundle):
    assert (
        "| student_onnx | 0.5000 | 0.4000 to 0.6000 | 0.5000 | 0.5000 |"
        in (bundle / "MODEL_CARD.md").read_text()
    )


def test_a_metric_that_is_not_a_number_stops_the_writing(tmp_path):
    parts = small_parts()
    broken = {**parts.metrics, "parity": {**parts.metrics["parity"], "same_top10": float("nan")}}
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_bundle(
            type(parts)(parts.graph, parts.contract, parts.items, broken, parts.golden), tmp_path
        )
