"""Links are followed as stores lay them out, and nowhere else; reading is bounded."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from slmrec.core.errors import BundleError
from slmrec.runtime import Recommender, verify
from slmrec.runtime.bundle import MANIFEST, read_bundle
from slmrec.runtime.bundle_folder import file_names, read_file, real_folder


def mounted_by_kubernetes(bundle: Path, mount: Path) -> Path:
    """A folder as Kubernetes mounts a ConfigMap: links to links to files."""
    mount.mkdir()
    shutil.copytree(bundle, mount / "..2026_01_01")
    (mount / "..data").symlink_to("..2026_01_01")
    for file in bundle.iterdir():
        (mount / file.name).symlink_to(f"..data/{file.name}")
    return mount


def cached_by_hugging_face(bundle: Path, repo: Path, inside: str = "") -> Path:
    """A snapshot as Hugging Face's cache lays it out: links to files named by their hash."""
    snapshot = repo / "snapshots" / "0123abcd" / inside
    snapshot.mkdir(parents=True)
    (repo / "blobs").mkdir()
    for number, file in enumerate(sorted(bundle.iterdir())):
        blob = repo / "blobs" / f"{number:040x}"
        shutil.copy(file, blob)
        (snapshot / file.name).symlink_to(os.path.relpath(blob, snapshot))
    return snapshot


def test_a_bundle_is_served_as_kubernetes_mounts_it(exported_bundle: Path, tmp_path: Path) -> None:
    mount = mounted_by_kubernetes(exported_bundle, tmp_path / "mount")
    assert verify(mount, "cpu", 1).cases == 10


def test_a_mount_that_moves_while_it_is_read_is_read_from_one_place(
    exported_bundle: Path, tmp_path: Path
) -> None:
    mount = mounted_by_kubernetes(exported_bundle, tmp_path / "mount")
    folder = real_folder(mount)
    (mount / "..data").unlink()
    (mount / "..data").symlink_to("nowhere")
    assert folder == mount.resolve() / "..2026_01_01"
    assert read_file(folder / MANIFEST, 2**20) == (exported_bundle / MANIFEST).read_bytes()


@pytest.mark.parametrize("inside", ["", "models/small"])
def test_a_bundle_is_served_from_hugging_faces_cache(
    exported_bundle: Path, tmp_path: Path, inside: str
) -> None:
    snapshot = cached_by_hugging_face(exported_bundle, tmp_path / "models--a--b", inside)
    (snapshot / ".gitattributes").write_text("*.onnx filter=lfs\n")
    assert verify(snapshot, "cpu", 1).cases == 10


def test_an_altered_blob_is_named_by_its_file(exported_bundle: Path, tmp_path: Path) -> None:
    snapshot = cached_by_hugging_face(exported_bundle, tmp_path / "models--a--b")
    with (snapshot / "model.onnx").resolve().open("ab") as blob:
        blob.write(b"x")
    with pytest.raises(BundleError, match=r"model\.onnx was altered"):
        read_bundle(snapshot)


@pytest.mark.parametrize("name", ["model.onnx", MANIFEST])
def test_a_link_to_outside_is_refused_even_to_the_same_bytes(
    bundle: Path, tmp_path: Path, name: str
) -> None:
    moved = shutil.move(bundle / name, tmp_path / name)
    (bundle / name).symlink_to(moved)
    with pytest.raises(BundleError, match=f"{name} is a link to outside of its folder"):
        read_bundle(bundle)


def test_a_snapshots_link_past_its_blobs_is_refused(exported_bundle: Path, tmp_path: Path) -> None:
    snapshot = cached_by_hugging_face(exported_bundle, tmp_path / "models--a--b")
    (snapshot / "model.onnx").unlink()
    (snapshot / "model.onnx").symlink_to(exported_bundle / "model.onnx")
    with pytest.raises(BundleError, match="is a link to outside"):
        read_bundle(snapshot)


def test_a_link_within_the_folder_is_followed(bundle: Path) -> None:
    shutil.copy(bundle / "items.jsonl", bundle / "same.jsonl")
    (bundle / "items.jsonl").unlink()
    (bundle / "items.jsonl").symlink_to("same.jsonl")
    assert read_file(bundle.resolve() / "items.jsonl", 2**20).startswith(b'{"index": 2')


def test_a_pointer_to_a_bundle_is_followed(exported_bundle: Path, tmp_path: Path) -> None:
    (tmp_path / "current").symlink_to(exported_bundle)
    assert Recommender(tmp_path / "current", "cpu", 1).largest_k == 39  # 40 items, one retired


def test_a_link_that_leads_to_itself_is_no_file(bundle: Path) -> None:
    (bundle / "golden.npz").unlink()
    (bundle / "golden.npz").symlink_to("golden.npz")
    with pytest.raises(BundleError, match=r"golden\.npz is no plain file"):
        read_bundle(bundle)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_a_pipe_is_no_file_and_nobody_waits_for_it(bundle: Path) -> None:
    (bundle / "golden.npz").unlink()
    os.mkfifo(bundle / "golden.npz")
    with pytest.raises(BundleError, match=r"golden\.npz is no plain file"):
        read_bundle(bundle)


def test_a_file_of_very_many_bytes_is_refused_unread(bundle: Path) -> None:
    with (bundle / "contract.json").open("r+b") as file:
        file.truncate(10**12)  # a hole: it takes no space
    with pytest.raises(BundleError, match=r"1,000,000,000,000 bytes, at most 16,777,216 are read"):
        read_bundle(bundle)


def test_a_folder_that_cannot_be_listed_is_named(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="nowhere cannot be read"):
        file_names(tmp_path / "nowhere")
