"""Several seeds become one result, whose intervals combine users and seeds."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from benchmarks import seeds
from benchmarks.seeds import logs_and_params, main, measure, page, summarize
from benchmarks.workspace import PARAMS
from slmrec.core.errors import UsageError
from slmrec.core.files import read_json
from tests.support.small_seeds import SmallSeeds


def test_with_one_seed_the_figures_are_those_of_the_evaluation(small_seeds: SmallSeeds) -> None:
    result = summarize({1: small_seeds.done[1]}, small_seeds.runs.evaluate)
    evaluation = small_seeds.done[1].evaluation
    for name, model in result["models"].items():
        assert model["seeds"] == 1
        assert model["full"] == evaluation["models"][name]["full"]
        assert model["ci95"] == evaluation["models"][name]["ci95"]  # to the last digit
    assert {name: pair["ci95"] for name, pair in result["paired"].items()} == evaluation["paired"]
    assert {pair["seeds"] for pair in result["paired"].values()} == {1}


def test_with_two_seeds_there_are_means_each_seeds_figures_and_how_many(
    small_seeds: SmallSeeds,
) -> None:
    result = summarize(small_seeds.done, small_seeds.runs.evaluate)
    evaluations = [run.evaluation["models"] for run in small_seeds.done.values()]
    first, second = (models["student"]["full"]["ndcg@10"] for models in evaluations)
    student, pair = result["models"]["student"], result["paired"]["student-sasrec"]
    assert student["full"]["ndcg@10"] == pytest.approx((first + second) / 2)
    assert student["by_seed"]["ndcg@10"] == pytest.approx({"1": first, "2": second})
    assert (student["seeds"], pair["seeds"]) == (2, 2)
    sasrec = [models["sasrec"]["full"]["ndcg@10"] for models in evaluations]
    assert pair["mean"] == pytest.approx((first - sasrec[0] + second - sasrec[1]) / 2)
    low, high = pair["ci95"]
    assert low <= pair["mean"] <= high
    # A baseline is the same in both, so its interval stays that of users.
    assert result["models"]["popularity"]["ci95"]["ndcg@10"] == pytest.approx(
        evaluations[0]["popularity"]["ci95"]["ndcg@10"]
    )


def test_the_result_is_written_with_its_page_after_every_seed(
    small_seeds: SmallSeeds, tmp_path: Path
) -> None:
    before = list(small_seeds.ran)
    measure(small_seeds.runs, [2, 1], tmp_path / "seeds-tiny.json")
    assert small_seeds.ran == before  # all was there
    result = read_json(tmp_path / "seeds-tiny.json")
    assert result["settings"]["embed_items"]["width"] == 8
    assert result["made_with"]["threads"] == 1
    assert len(result["logs_sha256"]) == 64
    text = (tmp_path / "seeds-tiny.md").read_text()
    assert text == page(result)
    assert text.index("| popularity ") < text.index("| student ")  # worst first
    assert "| student-teacher " in text


def test_a_project_brings_its_own_params_and_a_folder_of_logs_has_the_projects(
    tmp_path: Path,
) -> None:
    with pytest.raises(UsageError, match="holds no logs; name a folder of logs, or a project"):
        logs_and_params(tmp_path, None)
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "log.csv").touch()
    assert logs_and_params(tmp_path / "data", None) == (tmp_path / "data", PARAMS)
    other = tmp_path / "other.yaml"
    assert logs_and_params(tmp_path / "data", other) == (tmp_path / "data", other)
    (tmp_path / "params.yaml").touch()
    assert logs_and_params(tmp_path, None) == (tmp_path / "data", tmp_path / "params.yaml")
    assert logs_and_params(tmp_path, other) == (tmp_path / "data", other)


@pytest.mark.parametrize("wrong", [["0", "1"], ["1", "2", "1"]])
def test_seeds_that_make_no_sense_are_refused_in_one_line(
    wrong: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    arguments = [str(tmp_path), "--out", str(tmp_path / "a.json"), "--seeds", *wrong]
    monkeypatch.setattr(sys, "argv", ["seeds", *arguments])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == UsageError.exit_code
    assert capsys.readouterr().err.startswith("seeds: --seeds are [")


def test_a_params_file_that_is_no_params_is_refused_before_anything_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "log.csv").touch()
    (tmp_path / "p.yaml").write_text("compute: {}\n")
    arguments = [str(tmp_path), "--out", str(tmp_path / "a.json"), "--seeds", "1"]
    arguments += ["--params", str(tmp_path / "p.yaml"), "--work", str(tmp_path / "work")]
    monkeypatch.setattr(sys, "argv", ["seeds", *arguments])
    with pytest.raises(SystemExit):
        seeds.main()
    assert "p.yaml" in capsys.readouterr().err
    assert not (tmp_path / "work").exists()
