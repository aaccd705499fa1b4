"""A version on a hub: once, whole, and under its number."""

from __future__ import annotations

from pathlib import Path

import pytest
from mlflow import MlflowClient
from typer.testing import CliRunner

from slmrec.cli import app
from slmrec.core.errors import UnavailableError, UsageError
from slmrec.core.files import sha256_of_folder
from slmrec.registry.push import push_to_folder, push_to_hugging_face, push_to_mlflow
from slmrec.registry.store import Registry
from slmrec.registry.version import FIRST
from slmrec.runtime import verify

NAME = "shop"


def test_a_folder_gets_a_version_once(published: Registry, tmp_path: Path) -> None:
    assert push_to_folder(published, FIRST, tmp_path) == f"1.0.0 is in {tmp_path / '1.0.0'}"
    before = sha256_of_folder(tmp_path, "*")
    assert push_to_folder(published, FIRST, tmp_path).endswith("1.0.0 is there already")
    assert sha256_of_folder(tmp_path, "*") == before
    assert verify(tmp_path / "1.0.0" / "bundle", "cpu", 1).cases > 0


def test_mlflow_gets_a_run_and_a_registered_version_once(
    published: Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Its store in files, which asks to be named: it is no longer their default.
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    working = tmp_path / "working"
    working.mkdir()
    monkeypatch.chdir(working)
    uri = (tmp_path / "mlflow").as_uri()
    assert push_to_mlflow(published, FIRST, NAME, uri) == f"1.0.0 is version 1 of {NAME}"
    client = MlflowClient(uri, uri)
    (made,) = client.search_model_versions(f"name = '{NAME}'")
    record = published.record(FIRST)
    assert made.tags == {"slmrec_version": "1.0.0", "bundle_sha256": record["bundle_sha256"]}
    assert made.run_id is not None
    run = client.get_run(made.run_id)
    assert run.info.status == "FINISHED"
    figures = published.metrics(FIRST)["models"]["student_onnx"]["full"]
    assert run.data.metrics["ndcg_at_10"] == figures["ndcg@10"]
    bundle = client.download_artifacts(made.run_id, "bundle")
    assert verify(bundle, "cpu", 1).max_difference == 0.0
    again = push_to_mlflow(published, FIRST, NAME, uri)
    assert again == f"{NAME} has 1.0.0 already, as its version 1"
    assert len(client.search_model_versions(f"name = '{NAME}'")) == 1
    assert run.data.params["gate.margin"] == "0.05"
    assert not list(working.iterdir())  # no store of its own beside the project


def test_a_run_that_mlflow_did_not_take_whole_is_marked_as_failed(
    published: Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    monkeypatch.setattr("slmrec.registry.push.flattened", lambda _params: {"no*name": "1"})
    uri = (tmp_path / "mlflow").as_uri()
    with pytest.raises(UnavailableError, match=r"MLflow did not take 1\.0\.0: .*no\*name"):
        push_to_mlflow(published, FIRST, NAME, uri)
    client = MlflowClient(uri, uri)
    experiment = client.get_experiment_by_name(NAME)
    assert experiment is not None
    (run,) = client.search_runs([experiment.experiment_id])
    assert run.info.status == "FAILED"
    assert not client.search_model_versions(f"name = '{NAME}'")


def test_a_password_in_an_address_stands_in_no_error(
    published: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    with pytest.raises(UnavailableError, match="MLflow did not take") as raised:
        push_to_mlflow(published, FIRST, NAME, "http://user:hidden@127.0.0.1:9")
    assert "hidden" not in str(raised.value)
    assert "\n" not in str(raised.value)


def test_a_hub_that_is_away_is_one_line(
    published: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    with pytest.raises(UnavailableError, match=r"the hub did not take 1\.0\.0: ") as raised:
        push_to_hugging_face(published, FIRST, "somebody/shop")
    assert "hf_secret" not in str(raised.value)
    assert "\n" not in str(raised.value)


def test_a_name_that_no_hub_has_is_a_usage_error(published: Registry) -> None:
    with pytest.raises(UsageError, match="names no repository of the hub"):
        push_to_hugging_face(published, FIRST, "no//name!")


@pytest.mark.parametrize(
    ("words", "missing"),
    [(["folder"], "--folder"), (["hf"], "--name"), (["mlflow", "--name", NAME], "--uri")],
)
def test_what_a_hub_needs_is_asked_for(published: Registry, words: list[str], missing: str) -> None:
    command = ["push", "current", "--registry", str(published.folder), "--to", *words]
    result = CliRunner().invoke(app, command)
    assert isinstance(result.exception, UsageError)
    assert str(result.exception) == f"--to {words[0]} needs {missing}"
