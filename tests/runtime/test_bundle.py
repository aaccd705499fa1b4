"""A complete bundle is read; everything that is not what was written is refused by name."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
from pathlib import Path

import pytest

from slmrec.core.errors import BundleError
from slmrec.runtime import Recommender
from slmrec.runtime.bundle import MANIFEST, REQUIRED, part_of, read_bundle
from tests.runtime.bundle_edits import reseal

GRAPHS = ("serve_fixed", "user_tower", "step", "model_int8", "model_fp16")
FURTHER = (*(f"{graph}.onnx" for graph in GRAPHS), "item_vectors.safetensors")
FILES = (*REQUIRED, *FURTHER)


def test_a_bundle_holds_every_promised_file_and_no_other(exported_bundle: Path) -> None:
    assert {file.name for file in exported_bundle.iterdir()} == {*FILES, MANIFEST}


def test_reading_gives_the_bytes_of_every_file_and_the_contract(exported_bundle: Path) -> None:
    bundle = read_bundle(exported_bundle)
    assert bundle.files == {name: (exported_bundle / name).read_bytes() for name in FILES}
    assert bundle.contract["max_length"] == 6


@pytest.mark.skipif(shutil.which("sha256sum") is None, reason="needs sha256sum")
@pytest.mark.parametrize("graph", ["model", *GRAPHS])
def test_for_one_graph_the_others_are_verified_and_not_kept(bundle: Path, graph: str) -> None:
    files = {f"{graph}.onnx" for graph in ("model", *GRAPHS)}
    own = {f"{graph}.onnx"} | ({"item_vectors.safetensors"} if graph == "user_tower" else set())
    kept = read_bundle(bundle, graph).files.keys()
    assert kept & (files | {"item_vectors.safetensors"}) == own
    assert kept | files | {"item_vectors.safetensors"} == read_bundle(bundle).files.keys()
    for name in sorted(files - own):
        whole = (bundle / name).read_bytes()
        (bundle / name).write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
        with pytest.raises(BundleError, match=f"{name} was altered"):
            read_bundle(bundle, graph)
        (bundle / name).write_bytes(whole)


def test_the_manifest_is_what_sha256sum_reads(exported_bundle: Path) -> None:
    process = subprocess.run(
        ["sha256sum", "--check", "--strict", MANIFEST],
        cwd=exported_bundle,
        capture_output=True,
        text=True,
        check=False,
    )
    assert process.returncode == 0, process.stdout + process.stderr


@pytest.mark.parametrize("name", FILES)
def test_a_flipped_bit_is_refused_whichever_file_it_is_in(bundle: Path, name: str) -> None:
    data = bytearray((bundle / name).read_bytes())
    data[len(data) // 2] ^= 1
    (bundle / name).write_bytes(data)
    with pytest.raises(BundleError, match=f"{name} was altered"):
        Recommender(bundle, "cpu", 1)


@pytest.mark.parametrize("name", FILES)
def test_a_missing_file_is_named(bundle: Path, name: str) -> None:
    (bundle / name).unlink()
    with pytest.raises(BundleError, match=f"lacks {name}"):
        Recommender(bundle, "cpu", 1)


def test_a_manifest_that_leaves_a_file_out_is_refused(bundle: Path) -> None:
    (bundle / "golden.npz").unlink()
    with pytest.raises(BundleError, match=r"does not name golden\.npz"):
        read_bundle(reseal(bundle))


@pytest.mark.parametrize("name", FURTHER)
def test_a_manifest_without_a_part_that_the_contract_names_is_refused(
    bundle: Path, name: str
) -> None:
    (bundle / name).unlink()
    with pytest.raises(BundleError, match=f"lacks {name}, which its contract names"):
        read_bundle(reseal(bundle))


def test_an_extra_file_is_refused(bundle: Path) -> None:
    (bundle / "weights.pkl").write_bytes(b"\x80\x04.")
    with pytest.raises(BundleError, match=r"holds 'weights\.pkl'"):
        read_bundle(bundle)


def test_a_folder_in_the_bundle_is_refused(bundle: Path) -> None:
    (bundle / "more").mkdir()
    with pytest.raises(BundleError, match="holds 'more'"):
        read_bundle(bundle)


def test_a_file_that_may_not_be_read_is_named(
    bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(path: Path, _flags: int) -> int:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr("slmrec.runtime.bundle_folder.os.open", refuse)
    with pytest.raises(BundleError, match=r"cannot be read \(Permission denied\)"):
        read_bundle(bundle)


@pytest.mark.parametrize("name", ["../secret", "/etc/hostname", "a/b", "..", ".hidden", "a\\b", ""])
def test_a_manifest_cannot_lead_out_of_the_folder(bundle: Path, name: str) -> None:
    (bundle.parent / "secret").write_text("x")
    with (bundle / MANIFEST).open("a") as manifest:
        manifest.write(f"{hashlib.sha256(b'x').hexdigest()}  {name}\n")
    with pytest.raises(BundleError, match=r"line 14 is .* expected a sha256 and a plain file name"):
        read_bundle(bundle)


def test_a_file_named_twice_is_refused(bundle: Path) -> None:
    manifest = bundle / MANIFEST
    manifest.write_text(manifest.read_text() * 2)
    with pytest.raises(BundleError, match="line 14"):
        read_bundle(bundle)


def test_a_graph_that_a_bundle_lacks_is_an_error_that_names_those_it_has(
    exported_bundle: Path,
) -> None:
    bundle = read_bundle(exported_bundle)
    assert part_of(bundle, "user_tower")["file"] == "user_tower.onnx"
    with pytest.raises(BundleError, match="no graph other, it has model, model_fp16, "):
        part_of(bundle, "other")


def test_a_folder_without_a_manifest_is_no_bundle(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="is no bundle"):
        read_bundle(tmp_path)


def test_a_path_that_is_not_there_is_no_bundle(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="is no bundle"):
        read_bundle(tmp_path / "nowhere")


def test_a_manifest_of_binary_rubbish_is_refused(bundle: Path) -> None:
    (bundle / MANIFEST).write_bytes(b"\xff\xfe\x00")
    with pytest.raises(BundleError, match="is not text"):
        read_bundle(bundle)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"{", "is not JSON"),
        (b"[]", "format None"),
        (b'{"format": 99}', "format 99"),
        (b'{"format": 1}', "format 1"),
        (b'{"format": 2}', "lacks minimum_runtime"),
        (b"[" * 100_000, "is not JSON"),
    ],
)
def test_a_contract_that_cannot_be_read_is_refused(bundle: Path, data: bytes, message: str) -> None:
    (bundle / "contract.json").write_bytes(data)
    with pytest.raises(BundleError, match=message):
        read_bundle(reseal(bundle))


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("minimum_runtime", {}, r"is not as contracts are \(KeyError\('onnxruntime'\)\)"),
        ("minimum_runtime", {"onnxruntime": "new"}, "says {'onnxruntime': 'new'} as minimum_run"),
        ("items", 7, "is not as contracts are"),
        ("items", {"rows": "42"}, "says {'rows': '42'} as items"),
        ("tolerance", {"float32": 10.0}, "as tolerance"),
        ("precision", "float8", r"KeyError\('float8'\)"),
        ("max_length", True, "says True as max_length"),
        ("exclude_seen", "no", "says 'no' as exclude_seen"),
        ("minimum_runtime", {"onnxruntime": "1.18rc"}, "as minimum_runtime"),
        ("graph", {"inputs": {"history": {}, "k": {}}, "outputs": {}}, "as graph"),
        ("graph", {"inputs": ["history", "exclude", "k"], "outputs": ["items"]}, "as graph"),
        ("graphs", {"serve_fixed": {}}, r"KeyError\('file'\)"),
        ("graphs", {"other": {"file": 7}}, "as graphs"),
        ("graphs", ["serve_fixed"], "is not as contracts are"),
        ("vocabulary", {"pad": 1, "unknown": 0, "padding_side": "right"}, "as vocabulary"),
        ("vocabulary", {"pad": 0, "unknown": 1, "padding_side": "left"}, "as vocabulary"),
    ],
)
def test_a_contract_with_a_value_of_another_type_is_refused(
    bundle: Path, key: str, value: object, message: str
) -> None:
    contract = json.loads((bundle / "contract.json").read_text())
    (bundle / "contract.json").write_text(json.dumps({**contract, key: value}))
    with pytest.raises(BundleError, match=message):
        read_bundle(reseal(bundle))
