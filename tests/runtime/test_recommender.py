"""The runtime: external ids in and out, strict about what it is asked and where it runs."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import warnings
from pathlib import Path

import numpy as np
import onnxruntime
import pytest

from slmrec.core.errors import UnavailableError, UsageError
from slmrec.core.vocabulary import UNK
from slmrec.runtime import Recommendation, Recommender, UnknownItemsWarning, verify
from tests.support.bundles import MAX_LENGTH, RETIRED_ITEM, ask, make_bundle, served_items


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_bundle(tmp_path_factory.mktemp("bundles") / "bundle")


@pytest.fixture(scope="module")
def recommender(bundle: Path) -> Recommender:
    return Recommender(bundle, "cpu", 1)


def ids(found: list[Recommendation]) -> list[str]:
    return [one.item for one in found]


def test_external_ids_go_in_and_come_out_with_titles_and_falling_scores(recommender):
    (found,) = recommender.recommend([["i5", "i9", "i3"]], 4, exclude_seen=False)
    assert ids(found) == [f"i{item}" for item in ask([[5, 9, 3]], k=4).items[0].tolist()]
    assert all(one.title == served_items().titles[int(one.item[1:]) - 2] for one in found)
    scores = [one.score for one in found]
    assert scores == sorted(scores, reverse=True)


def test_seen_items_are_left_out_when_asked(recommender):
    (found,) = recommender.recommend([["i5", "i9", "i3"]], recommender.largest_k, exclude_seen=True)
    assert not {"i5", "i9", "i3"} & set(ids(found))
    assert len(found) == recommender.largest_k - 3


def test_seen_items_beyond_the_models_reach_are_left_out_too(recommender):
    history = [f"i{item}" for item in range(10, 10 + 3 * MAX_LENGTH)]
    (found,) = recommender.recommend([history], recommender.largest_k, exclude_seen=True)
    assert not set(history) & set(ids(found))


def test_more_items_can_be_excluded_row_by_row(recommender):
    first, second = recommender.recommend(
        [["i5"], ["i5"]], recommender.largest_k, exclude_seen=False, exclude=[["i9", "i10"], []]
    )
    assert set(ids(second)) - set(ids(first)) == {"i9", "i10"}


def test_a_retired_item_is_understood_but_never_recommended(recommender):
    (found,) = recommender.recommend(
        [[f"i{RETIRED_ITEM}"]], recommender.largest_k, exclude_seen=False
    )
    assert f"i{RETIRED_ITEM}" not in ids(found)


def test_histories_of_different_lengths_in_one_call_equal_calls_one_by_one(recommender):
    histories = [["i5"], ["i9", "i3", "i4", "i2", "i11", "i12", "i13", "i14"], [], ["i40", "i41"]]
    together = recommender.recommend(histories, 5, exclude_seen=True)
    alone = [recommender.recommend([history], 5, exclude_seen=True)[0] for history in histories]
    assert [ids(found) for found in together] == [ids(found) for found in alone]


def test_many_histories_run_in_parts_with_the_same_result(recommender, monkeypatch):
    histories = [
        [f"i{2 + (3 * place + step) % 40}" for step in range(1 + place % 5)] for place in range(20)
    ]
    whole = recommender.recommend(histories, 5, exclude_seen=True)
    monkeypatch.setattr("slmrec.runtime.recommender.SCORES_AT_ONCE", 3 * 42)
    assert [ids(found) for found in recommender.recommend(histories, 5, exclude_seen=True)] == [
        ids(found) for found in whole
    ]


def test_an_empty_history_gets_a_list(recommender):
    (found,) = recommender.recommend([[]], 3, exclude_seen=True)
    assert ids(found) == [f"i{item}" for item in ask([[UNK]], k=3).items[0].tolist()]


def test_no_histories_get_no_lists(recommender):
    assert recommender.recommend([], 3, exclude_seen=True) == []


def test_an_unknown_id_is_an_error_that_names_it(recommender):
    with pytest.raises(
        UsageError,
        match=r"histories: 1 of 3 ids are not in this bundle's item table, the first is 'nowhere'",
    ):
        recommender.recommend([["i5", "nowhere"], ["i9"]], 3, exclude_seen=False)


def test_an_unknown_id_is_read_as_unknown_under_a_warning_when_allowed(recommender):
    with pytest.warns(UnknownItemsWarning, match="2 of 3 ids"):
        (found,) = recommender.recommend(
            [["i5", "nowhere", "nobody"]], 3, exclude_seen=False, unknown="warn"
        )
    assert ids(found) == [f"i{item}" for item in ask([[5, UNK, UNK]], k=3).items[0].tolist()]


def test_known_ids_warn_of_nothing(recommender):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        recommender.recommend([["i5"]], 3, exclude_seen=True, exclude=[["i9"]], unknown="warn")


def test_an_unknown_id_among_the_exclusions_is_an_error_too(recommender):
    with pytest.raises(UsageError, match="exclude: 1 of 1 ids"):
        recommender.recommend([["i5"]], 3, exclude_seen=False, exclude=[["nowhere"]])


@pytest.mark.parametrize("k", [0, -1, 40, 10**9])
def test_a_k_out_of_range_is_an_error_that_says_the_range(recommender, k):
    with pytest.raises(
        UsageError, match=f"k is {k}, but this bundle has 39 items to recommend; ask for 1 to 39"
    ):
        recommender.recommend([["i5"]], k, exclude_seen=False)


def test_exclusions_for_another_number_of_histories_are_an_error(recommender):
    with pytest.raises(UsageError, match="2 exclusions for 1 histories"):
        recommender.recommend([["i5"]], 3, exclude_seen=False, exclude=[[], []])


def test_indices_go_straight_to_the_graph(recommender):
    history = np.array([[5, 9, 3], [8, 0, 0]], dtype=np.int64)
    answer = recommender.recommend_indices(history, np.zeros((2, 0), dtype=np.int64), 5)
    assert answer.items.tolist() == ask(history.tolist()).items.tolist()


def test_calls_from_several_threads_give_what_one_gives(recommender):
    histories = [[f"i{2 + place % 40}"] for place in range(40)]
    expected = [
        ids(recommender.recommend([history], 5, exclude_seen=True)[0]) for history in histories
    ]
    found: dict[int, list[str]] = {}

    def work(first: int) -> None:
        for place in range(first, 40, 4):
            found[place] = ids(recommender.recommend([histories[place]], 5, exclude_seen=True)[0])

    threads = [threading.Thread(target=work, args=(first,)) for first in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [found[place] for place in range(40)] == expected


FORBIDDEN = ("torch", "transformers", "polars", "pandas", "pydantic", "onnx", "pyarrow", "ruamel")
IMPORTS = """
import sys
from pathlib import Path
from slmrec.runtime import Recommender, verify
recommender = Recommender(Path(sys.argv[1]), "cpu", 1)
recommender.recommend([["i5", "i9"]], 3, exclude_seen=True)
verify(Path(sys.argv[1]), "cpu", 1)
print(*sorted({name.split(".")[0] for name in sys.modules}))
"""


def test_loading_recommending_and_verifying_import_onnxruntime_and_numpy_alone(bundle):
    done = subprocess.run(
        [sys.executable, "-c", IMPORTS, str(bundle)], capture_output=True, text=True, check=True
    )
    loaded = done.stdout.split()
    assert {"onnxruntime", "numpy"} <= set(loaded)
    assert not set(FORBIDDEN) & set(loaded)


def command(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "slmrec.cli", *words], capture_output=True, text=True, check=False
    )


def lines(text: str) -> list[str]:
    return [line for line in text.splitlines() if line.strip()]


def test_the_command_recommends_with_titles(bundle):
    done = command("recommend", str(bundle), "--history", "i6,i9", "-k", "3")
    assert done.returncode == 0, done.stderr
    assert len(lines(done.stdout)) >= 3


def test_the_command_verifies(bundle):
    assert command("verify", str(bundle)).returncode == 0


@pytest.mark.parametrize(
    ("words", "said", "code"),
    [
        (("--history", "i5,nowhere"), "the first is 'nowhere'", 2),
        (("--history", "i5", "-k", "1000"), "k is 1000, but this bundle has 39 items", 2),
        (("--history", "i5", "-k", "0"), "ask for 1 to 39", 2),
    ],
)
def test_a_bad_request_is_one_clear_line_and_an_exit_code(bundle, words, said, code):
    done = command("recommend", str(bundle), *words)
    assert done.returncode == code
    assert len(lines(done.stderr)) == 1
    assert said in done.stderr
    assert not done.stdout


@pytest.mark.parametrize("asked", ["recommend", "verify"])
def test_an_altered_bundle_is_one_clear_line_and_exit_code_6(tmp_path, asked):
    altered = make_bundle(tmp_path / "altered")
    data = bytearray((altered / "model.onnx").read_bytes())
    data[len(data) // 2] ^= 1
    (altered / "model.onnx").write_bytes(data)
    done = command(asked, str(altered), *(("--history", "i5") if asked == "recommend" else ()))
    assert done.returncode == 6
    assert len(lines(done.stderr)) == 1
    assert "model.onnx was altered" in done.stderr


def has_gpu() -> bool:
    try:
        return (
            subprocess.run(["nvidia-smi", "-L"], capture_output=True, check=False).returncode == 0
        )
    except FileNotFoundError:
        return False


@pytest.mark.skipif(has_gpu(), reason="needs a machine without a GPU")
def test_a_gpu_that_is_not_there_is_an_error_and_never_the_cpu_in_silence(bundle):
    with pytest.raises(
        UnavailableError,
        match="cuda was asked for, but onnxruntime would run on CPUExecutionProvider",
    ):
        Recommender(bundle, "cuda", 1)


def test_a_session_that_lands_elsewhere_is_refused(bundle, monkeypatch):
    monkeypatch.setattr(
        onnxruntime.InferenceSession, "get_providers", lambda _self: ["AzureExecutionProvider"]
    )
    with pytest.raises(
        UnavailableError,
        match="cpu was asked for, but onnxruntime would run on AzureExecutionProvider",
    ):
        Recommender(bundle, "cpu", 1)


@pytest.mark.gpu
@pytest.mark.skipif(not has_gpu(), reason="needs a CUDA device")
def test_a_gpu_gives_the_golden_answers(bundle):
    done = verify(bundle, "cuda", None)
    assert done.worst < json.loads((bundle / "contract.json").read_text())["tolerance"]["float32"]


@pytest.mark.gpu
@pytest.mark.skipif(not has_gpu(), reason="needs a CUDA device")
def test_a_gpu_recommends_what_the_cpu_does(bundle, recommender):
    histories = [
        [f"i{2 + (5 * place + step) % 40}" for step in range(1 + place % 9)] for place in range(64)
    ]
    expected = recommender.recommend(histories, 10, exclude_seen=True)
    found = Recommender(bundle, "cuda", None).recommend(histories, 10, exclude_seen=True)
    assert [ids(row) for row in found] == [ids(row) for row in expected]
