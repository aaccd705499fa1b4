"""A bundle is whole where it was made; golden answers that differ or cannot be read are named."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from slmrec.core.errors import BundleError, UsageError
from slmrec.runtime import Recommender, verify
from tests.runtime.bundle_edits import golden_arrays, reseal, write_golden


def test_a_bundle_passes_where_it_was_made_with_no_difference_at_all(
    exported_bundle: Path, recommender: Recommender
) -> None:
    arrays = golden_arrays(exported_bundle)
    result = verify(exported_bundle, "cpu", 1)
    assert result.cases == 10
    assert result.rows == 9 * 1 + 5  # nine cases of one history, and the mixed batch
    assert result.max_difference == 0.0
    assert result.near_ties == 0
    assert arrays["k_many.items"].shape == (1, recommender.largest_k)


def test_golden_answers_with_other_items_fail(bundle: Path) -> None:
    arrays = golden_arrays(bundle)
    arrays["repeats.items"] = arrays["repeats.items"][:, ::-1]
    with pytest.raises(BundleError, match="golden case repeats"):
        verify(write_golden(bundle, arrays), "cpu", 1)


def test_golden_answers_that_need_unpickling_are_refused(bundle: Path) -> None:
    arrays: dict[str, Any] = {"x.history": np.array([{"a": 1}], dtype=object)}
    with pytest.raises(BundleError, match=r"golden\.npz is not readable"):
        verify(write_golden(bundle, arrays), "cpu", 1)


@pytest.mark.parametrize("data", [b"", b"PK\x03\x04 cut off"])
def test_golden_answers_that_are_cut_off_are_refused(bundle: Path, data: bytes) -> None:
    (bundle / "golden.npz").write_bytes(data)
    with pytest.raises(BundleError, match=r"golden\.npz is not readable"):
        verify(reseal(bundle), "cpu", 1)


def test_golden_answers_that_lack_a_field_are_refused(bundle: Path) -> None:
    arrays = golden_arrays(bundle)
    del arrays["repeats.spread"]
    with pytest.raises(BundleError, match=r"lacks repeats\.spread"):
        verify(write_golden(bundle, arrays), "cpu", 1)


def test_golden_answers_without_a_case_are_refused(bundle: Path) -> None:
    with pytest.raises(BundleError, match="lacks every case"):
        verify(write_golden(bundle, {}), "cpu", 1)


def test_a_spread_that_makes_every_difference_small_is_noticed(bundle: Path) -> None:
    arrays = golden_arrays(bundle)
    arrays["repeats.spread"] = arrays["repeats.spread"] * 1000
    with pytest.raises(BundleError, match="golden case repeats: the scores' spread is"):
        verify(write_golden(bundle, arrays), "cpu", 1)


def test_a_graph_that_fails_on_a_golden_case_is_one_line(bundle: Path) -> None:
    arrays = golden_arrays(bundle)
    arrays["repeats.k"] = np.array(-1)  # which the graph refuses
    with pytest.raises(BundleError, match="does not run on the golden cases") as caught:
        verify(write_golden(bundle, arrays), "cpu", 1)
    assert len(str(caught.value).splitlines()) == 1


def test_every_file_is_read_once(bundle: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from slmrec.runtime import bundle as bundle_module

    read: list[str] = []
    read_file = bundle_module.read_file

    def counted(path: Path, largest: int) -> bytes:
        read.append(path.name)
        return read_file(path, largest)

    monkeypatch.setattr(bundle_module, "read_file", counted)
    verify(bundle, "cpu", 1)
    assert sorted(read) == sorted(file.name for file in bundle.iterdir())


def test_a_path_may_be_text(bundle: Path) -> None:
    assert verify(str(bundle), "cpu", 1).cases == 10


@pytest.mark.parametrize("path", [None, 5, "", "a\0b"])
def test_what_is_no_path_is_refused_in_one_line(path: Any) -> None:
    with pytest.raises(UsageError, match="give the path of its folder"):
        verify(path, "cpu", 1)
