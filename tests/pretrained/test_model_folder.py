"""Folders of pretrained models are found, and a missing or damaged file is named."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from slmrec.core.errors import DataError, UnavailableError, UsageError
from slmrec.params.train_teacher import HubParams, Smollm2Params
from slmrec.pretrained import model_folder
from slmrec.pretrained.model_folder import open_weights, weight_files
from tests.support.llm import folder_params

PLAIN = {"cut": {"rule": "first", "layers": 1}, "tuning": {"kind": "full"}, "prompt": None}


def test_a_section_names_a_folder_the_hub_or_the_model_of_the_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "config.json").write_text("{}")
    monkeypatch.setattr(model_folder, "hub_folder", lambda p: Path("hub") / p.id)
    monkeypatch.setattr(model_folder, "smollm2_folder", lambda: Path("package"))
    hub = HubParams.model_validate(PLAIN | {"kind": "hub", "id": "a", "revision": "1"})
    smollm2 = Smollm2Params.model_validate(PLAIN | {"kind": "smollm2-135m"})
    assert model_folder.model_folder(folder_params(tmp_path)) == tmp_path
    assert model_folder.model_folder(hub) == Path("hub/a")
    assert model_folder.model_folder(smollm2) == Path("package")


def test_a_folder_without_a_config_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"holds no config\.json"):
        model_folder.model_folder(folder_params(tmp_path))


def test_a_model_that_the_hub_does_not_give_is_named_in_one_line(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail(*_arguments: object, **_options: object) -> str:
        raise OSError("no route to host\nand many lines more")

    monkeypatch.setattr("huggingface_hub.snapshot_download", fail)
    p = HubParams.model_validate(PLAIN | {"kind": "hub", "id": "a/model", "revision": "main"})
    with pytest.raises(UnavailableError) as caught:
        model_folder.hub_folder(p)
    assert str(caught.value) == (
        "a/model at main could not be fetched (no route to host); check the id and the network"
    )


def test_weights_of_one_file_and_of_shards_are_found_by_name(tmp_path: Path) -> None:
    single, sharded = tmp_path / "single", tmp_path / "sharded"
    single.mkdir()
    sharded.mkdir()
    save_file({"a": torch.zeros(1), "b": torch.ones(1)}, single / "model.safetensors")
    index = {"weight_map": {"a": "1.safetensors", "b": "2.safetensors"}}
    (sharded / "model.safetensors.index.json").write_text(json.dumps(index))
    assert weight_files(single) == dict.fromkeys("ab", single / "model.safetensors")
    assert weight_files(sharded) == {"a": sharded / "1.safetensors", "b": sharded / "2.safetensors"}


def test_pickled_weights_are_not_read(tmp_path: Path) -> None:
    torch.save({"a": torch.zeros(1)}, tmp_path / "pytorch_model.bin")
    with pytest.raises(UsageError, match=r"holds no model\.safetensors"):
        weight_files(tmp_path)


def test_a_cut_off_file_is_named(tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    save_file({"a": torch.zeros(1000)}, path)
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(DataError, match="not a safetensors file"):
        open_weights(path)
    with pytest.raises(DataError, match="not a safetensors file"):
        weight_files(tmp_path)
