"""External ids go in and come out; requests and bundles that cannot be right are refused."""

from __future__ import annotations

import json
import threading
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest

from slmrec.core.errors import BundleError, UnavailableError, UsageError
from slmrec.core.vocabulary import UNK
from slmrec.runtime import Recommendation, Recommender, UnknownIds, UnknownItemsWarning
from slmrec.runtime.comparison import TopK
from slmrec.runtime.items import RETIRED
from slmrec.runtime.session import run_graph
from tests.runtime.bundle_edits import reseal


def ids(recommendations: list[Recommendation]) -> list[str]:
    return [recommendation.item for recommendation in recommendations]


def best(recommender: Recommender, history: list[int], k: int) -> list[str]:
    """The ids of the graph's own list for a history of indices."""
    rows = np.array([history], dtype=np.int64)
    top = recommender.recommend_indices(rows, np.zeros((1, 0), dtype=np.int64), k)
    return [f"i{item}" for item in top.items[0].tolist()]


def test_external_ids_go_in_and_come_out_with_titles_and_falling_scores(
    recommender: Recommender,
) -> None:
    (recommendations,) = recommender.recommend([["i5", "i9", "i3"]], 4, exclude_seen=False)
    assert ids(recommendations) == best(recommender, [5, 9, 3], 4)
    titles = dict(zip(recommender.items.ids, recommender.items.titles, strict=True))
    assert [item.title for item in recommendations] == [
        titles[item.item] for item in recommendations
    ]
    scores = [item.score for item in recommendations]
    assert scores == sorted(scores, reverse=True)


def test_seen_items_are_left_out_when_asked(recommender: Recommender) -> None:
    (recommendations,) = recommender.recommend(
        [["i5", "i9", "i3"]], recommender.largest_k, exclude_seen=True
    )
    assert not {"i5", "i9", "i3"} & set(ids(recommendations))
    assert len(recommendations) == recommender.largest_k - 3


def test_without_a_wish_seen_items_are_left_out_as_the_contract_says(
    recommender: Recommender,
) -> None:
    history = [["i5", "i9", "i3"]]
    assert recommender.contract["exclude_seen"] is True
    left_out = recommender.recommend(history, recommender.largest_k, exclude_seen=True)
    assert recommender.recommend(history, recommender.largest_k) == left_out


def test_seen_items_beyond_the_models_reach_are_left_out_too(recommender: Recommender) -> None:
    max_length = recommender.contract["max_length"]
    history = [f"i{item}" for item in range(10, 10 + 3 * max_length)]
    (recommendations,) = recommender.recommend([history], recommender.largest_k, exclude_seen=True)
    assert not set(history) & set(ids(recommendations))


def test_a_long_history_is_read_from_its_newest_items(recommender: Recommender) -> None:
    history = list(range(10, 25))
    (recommendations,) = recommender.recommend(
        [[f"i{item}" for item in history]], 5, exclude_seen=False
    )
    assert ids(recommendations) == best(recommender, history[-6:], 5)


def test_more_items_can_be_excluded_row_by_row(recommender: Recommender) -> None:
    first, second = recommender.recommend(
        [["i5"], ["i5"]], recommender.largest_k, exclude_seen=False, exclude=[["i9", "i10"], []]
    )
    assert set(ids(second)) - set(ids(first)) == {"i9", "i10"}


def test_a_retired_item_is_understood_but_never_recommended(recommender: Recommender) -> None:
    items = recommender.items
    retired = items.ids[list(items.statuses).index(RETIRED)]
    (recommendations,) = recommender.recommend(
        [[retired]], recommender.largest_k, exclude_seen=False
    )
    assert retired not in ids(recommendations)


def test_histories_of_different_lengths_in_one_call_equal_calls_one_by_one(
    recommender: Recommender,
) -> None:
    histories = [["i5"], ["i9", "i3", "i4", "i2", "i11", "i12", "i13", "i14"], [], ["i40", "i41"]]
    batch = recommender.recommend(histories, 5, exclude_seen=True)
    singles = [recommender.recommend([history], 5, exclude_seen=True)[0] for history in histories]
    assert [ids(row) for row in batch] == [ids(row) for row in singles]


def test_many_histories_run_in_batches_with_the_same_result(
    exported_bundle: Path, recommender: Recommender, monkeypatch: pytest.MonkeyPatch
) -> None:
    histories = [
        [f"i{2 + (3 * place + step) % 40}" for step in range(1 + place % 5)] for place in range(20)
    ]
    at_once = recommender.recommend(histories, 5, exclude_seen=True)
    in_batches = Recommender(exported_bundle, "cpu", 1, batch_size=3).recommend(
        histories, 5, exclude_seen=True
    )
    assert [ids(row) for row in in_batches] == [ids(row) for row in at_once]
    monkeypatch.setattr("slmrec.runtime.recommender.SCORES_AT_ONCE", 3 * 42)  # of 42 items
    assert Recommender(exported_bundle, "cpu", 1).batch_size == 3


def test_an_empty_history_gets_the_list_of_an_unknown_one(recommender: Recommender) -> None:
    (recommendations,) = recommender.recommend([[]], 3, exclude_seen=True)
    assert ids(recommendations) == best(recommender, [UNK], 3)


def test_no_histories_get_no_lists(recommender: Recommender) -> None:
    assert list(recommender.recommend([], 3, exclude_seen=True)) == []
    nothing = np.zeros((0, 1), dtype=np.int64)
    assert recommender.recommend_indices(nothing, nothing, 3).items.shape == (0, 3)


def test_an_unknown_id_is_an_error_that_names_it(recommender: Recommender) -> None:
    with pytest.raises(
        UsageError,
        match=r"histories: 1 of 3 ids are not in this bundle's item table, the first is 'nowhere'",
    ):
        recommender.recommend([["i5", "nowhere"], ["i9"]], 3, exclude_seen=False)


def test_an_unknown_id_is_read_as_unknown_under_a_warning_when_allowed(
    exported_bundle: Path,
) -> None:
    recommender = Recommender(exported_bundle, "cpu", 1)
    with pytest.warns(UnknownItemsWarning, match="2 of 3 ids") as caught:
        result = recommender.recommend(
            [["i5", "nowhere", "nobody"]], 3, exclude_seen=False, unknown="warn"
        )
    assert ids(result[0]) == best(recommender, [5, UNK, UNK], 3)
    assert result.unknown == UnknownIds(histories=2, exclude=0, first="nowhere")
    assert caught[0].filename == __file__  # the warning points at the caller


def test_a_recommender_warns_once_and_counts_in_every_result(exported_bundle: Path) -> None:
    recommender = Recommender(exported_bundle, "cpu", 1)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        results = [
            recommender.recommend([[f"new{day}", "i5"]], 3, exclude=[["x", "y"]], unknown="warn")
            for day in range(20)
        ]
    assert len(caught) == 1
    assert [result.unknown for result in results] == [
        UnknownIds(histories=1, exclude=2, first=f"new{day}") for day in range(20)
    ]


def test_unknown_ids_are_ignored_in_silence_and_counted(recommender: Recommender) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        result = recommender.recommend(
            [["i5", "nowhere"]], 3, False, exclude=[["nobody"]], unknown="ignore"
        )
    assert ids(result[0]) == best(recommender, [5, UNK], 3)
    assert result.unknown == UnknownIds(histories=1, exclude=1, first="nowhere")


def test_known_ids_warn_of_nothing(recommender: Recommender) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        recommender.recommend([["i5"]], 3, exclude_seen=True, exclude=[["i9"]], unknown="warn")


def test_an_unknown_id_among_the_exclusions_is_an_error_too(recommender: Recommender) -> None:
    with pytest.raises(UsageError, match="exclude: 1 of 1 ids"):
        recommender.recommend([["i5"]], 3, exclude_seen=False, exclude=[["nowhere"]])


@pytest.mark.parametrize("k", [0, -1, 40, 10**9])
def test_a_k_out_of_range_is_an_error_that_says_the_range(recommender: Recommender, k: int) -> None:
    with pytest.raises(
        UsageError, match=f"k is {k}, but this bundle has 39 items to recommend; ask for 1 to 39"
    ):
        recommender.recommend([["i5"]], k, exclude_seen=False)


def test_exclusions_for_another_number_of_histories_are_an_error(recommender: Recommender) -> None:
    with pytest.raises(UsageError, match="2 exclusions for 1 histories"):
        recommender.recommend([["i5"]], 3, exclude_seen=False, exclude=[[], []])


@pytest.mark.parametrize(
    "wrong",
    [
        {"histories": ["i5", "i9"]},
        {"histories": [[5, 9]]},
        {"histories": None},
        {"k": "5"},
        {"k": 2.7},
        {"unknown": "skip"},
        {"exclude_seen": "no"},
        {"exclude": np.array([[5, 9]])},
    ],
)
def test_a_request_of_a_wrong_type_is_one_line(
    recommender: Recommender, wrong: dict[str, Any]
) -> None:
    request: dict[str, Any] = {"histories": [["i5"]], "k": 3, "unknown": "ignore", **wrong}
    with pytest.raises(UsageError) as caught:
        recommender.recommend(**request)
    assert len(str(caught.value).splitlines()) == 1


def test_generators_arrays_and_sets_are_requests_too(recommender: Recommender) -> None:
    expected = recommender.recommend([["i5", "i9"]], 5, exclude=[["i7", "i3"]])
    histories = (iter(row) for row in [["i5", "i9"]])
    assert recommender.recommend(histories, 5, exclude=np.array([["i7", "i3"]])) == expected
    assert recommender.recommend(np.array([["i5", "i9"]]), 5, exclude=[{"i3", "i7"}]) == expected


@pytest.mark.parametrize(
    "wrong", [{"device": "gpu"}, {"threads": "2"}, {"threads": 0}, {"batch_size": 1.5}]
)
def test_a_way_to_load_that_is_none_is_one_line(
    exported_bundle: Path, wrong: dict[str, Any]
) -> None:
    with pytest.raises(UsageError, match=f"{next(iter(wrong))} is .*; give "):
        Recommender.load(exported_bundle, **wrong)


def test_a_folder_may_be_named_by_text(exported_bundle: Path) -> None:
    assert Recommender.load(str(exported_bundle), "cpu", 1).largest_k == 39


def test_one_row_of_excluded_indices_holds_for_all(recommender: Recommender) -> None:
    history = np.array([[5, 9], [3, 0], [8, 2]])
    one = recommender.recommend_indices(history, np.array([[4, 6]]), 50)
    each = recommender.recommend_indices(history, np.array([[4, 6]] * 3), 50)
    assert one.items.tolist() == each.items.tolist()
    assert one.items.shape == (3, recommender.largest_k)  # a k above it is cut
    assert not {4, 6} & set(one.items.ravel().tolist())


def test_indices_of_a_wrong_shape_are_one_line(recommender: Recommender) -> None:
    with pytest.raises(UsageError, match="exclude has 2 rows; expected 1 or 3"):
        recommender.recommend_indices(np.ones((3, 1), int), np.ones((2, 1), int), 5)
    with pytest.raises(UsageError, match="give a table of whole numbers"):
        recommender.recommend_indices(np.ones((3, 1)), np.ones((3, 1), int), 5)


def test_a_batch_holds_histories_of_like_length(
    exported_bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recommender = Recommender(exported_bundle, "cpu", 1, batch_size=4)
    shapes: list[tuple[int, ...]] = []

    def noted(session: Any, history: np.ndarray, exclude: np.ndarray, k: int) -> TopK:
        shapes.append(history.shape)
        return run_graph(session, history, exclude, k)

    monkeypatch.setattr("slmrec.runtime.recommender.run_graph", noted)
    recommender.recommend([["i5"] * (6 if place % 2 else 1) for place in range(8)], 3)
    assert shapes == [(4, 1), (4, 6)]


def test_indices_go_straight_to_the_graph(exported_bundle: Path, recommender: Recommender) -> None:
    inputs = {
        "history": np.array([[5, 9, 3], [8, 0, 0]], dtype=np.int64),
        "exclude": np.array([[4], [0]], dtype=np.int64),
        "k": np.array(5),
    }
    session = onnxruntime.InferenceSession(
        (exported_bundle / "model.onnx").read_bytes(), providers=["CPUExecutionProvider"]
    )
    items, scores = session.run(["items", "scores"], inputs)
    top = recommender.recommend_indices(inputs["history"], inputs["exclude"], 5)
    assert top.items.tolist() == items.tolist()
    np.testing.assert_allclose(top.scores, scores, rtol=1e-6)


def test_calls_from_several_threads_give_what_one_gives(recommender: Recommender) -> None:
    histories = [[f"i{2 + place % 40}"] for place in range(40)]
    expected = [
        ids(recommender.recommend([history], 5, exclude_seen=True)[0]) for history in histories
    ]
    lists: dict[int, list[str]] = {}

    def recommend_every_fourth(first: int) -> None:
        for place in range(first, 40, 4):
            lists[place] = ids(recommender.recommend([histories[place]], 5, exclude_seen=True)[0])

    threads = [threading.Thread(target=recommend_every_fourth, args=(first,)) for first in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [lists[place] for place in range(40)] == expected


def test_a_swapped_item_table_is_refused_even_under_a_fresh_manifest(bundle: Path) -> None:
    lines = (bundle / "items.jsonl").read_text().splitlines(keepends=True)
    swapped = [lines[0].replace("i2", "i3"), lines[1].replace("i3", "i2"), *lines[2:]]
    assert swapped != lines
    (bundle / "items.jsonl").write_text("".join(swapped))
    with pytest.raises(BundleError, match=r"items\.jsonl belongs to another graph"):
        Recommender(reseal(bundle), "cpu", 1)


def test_a_contract_of_another_bundle_is_refused(bundle: Path) -> None:
    contract = json.loads((bundle / "contract.json").read_text())
    (bundle / "contract.json").write_text(json.dumps({**contract, "max_length": 5}))
    with pytest.raises(BundleError, match=r"contract\.json belongs to another graph"):
        Recommender(reseal(bundle), "cpu", 1)


def test_an_older_runtime_than_the_contract_asks_for_is_refused(bundle: Path) -> None:
    contract = json.loads((bundle / "contract.json").read_text())
    contract["minimum_runtime"]["onnxruntime"] = "99.0"
    (bundle / "contract.json").write_text(json.dumps(contract))
    with pytest.raises(UnavailableError, match=r"needs onnxruntime 99\.0 or newer"):
        Recommender(reseal(bundle), "cpu", 1)


@pytest.mark.parametrize("precision", ["int8", "fp16"])
def test_a_graph_in_fewer_bits_is_what_runs_where_it_is_asked_for(
    exported_bundle: Path, recommender: Recommender, precision: Any
) -> None:
    other = Recommender.load(exported_bundle, "auto", 1, precision=precision)
    assert other.device == "cpu"
    (wanted,), (given,) = (one.recommend([["i5", "i9"]], 10) for one in (recommender, other))
    assert len({*ids(wanted)} & {*ids(given)}) >= 7
    assert [item.score for item in wanted] != [item.score for item in given]


def test_a_precision_that_cannot_be_had_is_named(bundle: Path) -> None:
    with pytest.raises(UsageError, match="precision int8 is for CPUs"):
        Recommender(bundle, "cuda", 1, precision="int8")
    with pytest.raises(UsageError, match="precision"):
        Recommender(bundle, "cpu", 1, precision="int4")  # type: ignore[arg-type]
    contract = json.loads((bundle / "contract.json").read_text())
    del contract["graphs"]["model_int8"]
    (bundle / "contract.json").write_text(json.dumps(contract))
    with pytest.raises(BundleError, match=r"no graph model_int8.*export_onnx\.precisions\.wanted"):
        Recommender(reseal(bundle), "cpu", 1, precision="int8")
