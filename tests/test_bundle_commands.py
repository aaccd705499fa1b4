"""The commands of a bundle: what they print, and one line and a code for each error."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tests.support.bundles import make_bundle
from tests.support.project import ROOT, run


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_bundle(tmp_path_factory.mktemp("bundles") / "bundle")


# Some titles of the small bundle have a second line.
RECOMMENDATION = re.compile(r" *(?P<rank>\d+) +(?P<score>-?\d+\.\d{4})  i\d+")


def lines(text: str) -> list[str]:
    return [line for line in text.splitlines() if line.strip()]


def test_recommend_prints_a_line_for_each_item_best_first(bundle: Path) -> None:
    process = run(ROOT, "slmrec.cli", "recommend", str(bundle), "--history", "i6,i9", "-k", "3")
    rows = [RECOMMENDATION.match(line) for line in lines(process.stdout)]
    printed = [(int(row["rank"]), float(row["score"])) for row in rows if row]
    assert [rank for rank, _ in printed] == [1, 2, 3]
    assert printed == sorted(printed, key=lambda pair: -pair[1])


def test_recommend_reads_unknown_ids_when_allowed_and_says_how_many(bundle: Path) -> None:
    words = ["recommend", str(bundle), "--history", "i5,nowhere", "-k", "3", "--allow-unknown"]
    process = run(ROOT, "slmrec.cli", *words)
    assert len([line for line in lines(process.stdout) if RECOMMENDATION.match(line)]) == 3
    assert "1 of 2 ids are not in this bundle's item table" in process.stderr


def test_verify_says_what_was_checked(bundle: Path) -> None:
    process = run(ROOT, "slmrec.cli", "verify", str(bundle))
    assert "is whole: 10 golden cases, 14 rows; worst score difference 0.0e+00" in process.stdout


def test_recommend_in_fewer_bits_asks_the_graph_that_has_them(bundle: Path) -> None:
    words = ["recommend", str(bundle), "--history", "i6,i9", "-k", "3"]
    whole, fewer = (
        run(ROOT, "slmrec.cli", *words, *more).stdout for more in ([], ["--precision", "int8"])
    )
    assert whole != fewer  # scores of a random model differ in the fourth digit


def test_recommend_says_where_auto_runs(bundle: Path) -> None:
    process = run(ROOT, "slmrec.cli", "recommend", str(bundle), "--history", "i6", "--device=auto")
    assert re.search(r"^slmrec: on (cpu|cuda): .*CUDA", process.stderr, re.MULTILINE)


def test_bench_prints_a_table_and_writes_the_same_figures(bundle: Path, tmp_path: Path) -> None:
    figures = tmp_path / "bench.json"
    words = ["bench", str(bundle), "--seconds", "0", "--threads", "1", "--json", str(figures)]
    rows = lines(run(ROOT, "slmrec.cli", *words).stdout)
    report = json.loads(figures.read_text())
    assert [row.split()[:-4] for row in rows[-24:]] == [
        [*call["server"].split(), str(call["batch"]), call["events"]] for call in report["calls"]
    ]
    assert {call["server"] for call in report["calls"]} == {"bundle", "bundle int8"}
    assert report["measured_with"]["threads"] == 1


def test_bench_beside_torch_needs_the_students_folder(bundle: Path, tmp_path: Path) -> None:
    process = run(ROOT, "slmrec.cli", "bench", str(bundle), "--student", str(tmp_path), check=False)
    assert process.returncode == 2
    assert "holds no model" in process.stderr


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--history", "i5,nowhere"], "the first is 'nowhere'"),
        (["--history", "i5", "-k", "1000"], "k is 1000, but this bundle has 39 items"),
        (["--history", "i5", "-k", "0"], "ask for 1 to 39"),
    ],
)
def test_a_bad_request_is_one_clear_line_and_exit_code_2(
    bundle: Path, words: list[str], message: str
) -> None:
    process = run(ROOT, "slmrec.cli", "recommend", str(bundle), *words, check=False)
    assert process.returncode == 2
    assert len(lines(process.stderr)) == 1
    assert message in process.stderr
    assert not process.stdout


@pytest.mark.parametrize("command", ["recommend", "verify"])
def test_an_altered_bundle_is_one_clear_line_and_exit_code_6(tmp_path: Path, command: str) -> None:
    altered = make_bundle(tmp_path / "altered")
    data = bytearray((altered / "model.onnx").read_bytes())
    data[len(data) // 2] ^= 1
    (altered / "model.onnx").write_bytes(data)
    words = ["--history", "i5"] if command == "recommend" else []
    process = run(ROOT, "slmrec.cli", command, str(altered), *words, check=False)
    assert process.returncode == 6
    assert len(lines(process.stderr)) == 1
    assert "model.onnx was altered" in process.stderr


def test_a_triton_repository_is_written_once(bundle: Path, tmp_path: Path) -> None:
    words = ["export-triton", str(bundle), str(tmp_path / "repository"), "--device", "cuda"]
    process = run(ROOT, "slmrec.cli", *words)
    (line,) = lines(process.stdout)
    assert line.endswith(f"start: tritonserver --model-repository={tmp_path / 'repository'}")
    config = (tmp_path / "repository/slmrec/config.pbtxt").read_text()
    assert "KIND_GPU" in config and "max_batch_size: 256" in config
    again = run(ROOT, "slmrec.cli", *words, check=False)
    assert again.returncode == 2
    assert len(lines(again.stderr)) == 1 and "is not an empty folder" in again.stderr
