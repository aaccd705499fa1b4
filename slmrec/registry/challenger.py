"""What may be published: a bundle, and what lies beside it in its project."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from slmrec.core.errors import UsageError
from slmrec.core.files import sha256_of, sha256_of_folder
from slmrec.dataset.histories import Histories, read_histories
from slmrec.ranking.inputs import sample_targets
from slmrec.runtime import Recommender
from slmrec.runtime.bundle import MANIFEST, Bundle, read_bundle, sha256_of_bytes


@dataclass(frozen=True)
class Challenger:
    """A verified bundle and the folders that it was made from."""

    bundle: Bundle
    project: Path
    histories_dir: Path
    student_dir: Path | None  # of the served model; None where it is not there
    teacher_dir: Path | None
    item_vectors_dir: Path | None
    ensemble_dir: Path | None
    metrics_dir: Path | None

    @property
    def manifest_sha256(self) -> str:
        """What identifies the bundle."""
        return sha256_of_bytes((self.bundle.folder / MANIFEST).read_bytes())

    @staticmethod
    def beside(bundle_dir: Path, served: str) -> Challenger:
        """A challenger of PROJECT/artifacts/bundle; `served` is params.yaml's export_onnx.model.

        Raises BundleError where the bundle is damaged, and UsageError where what lies beside it is
        of another run.
        """
        bundle = read_bundle(bundle_dir)
        artifacts = bundle_dir.resolve().parent
        challenger = Challenger(
            bundle,
            artifacts.parent,
            artifacts / "histories",
            _folder(artifacts / "student" / served),
            _folder(artifacts / "teacher"),
            _folder(artifacts / "item_vectors"),
            _folder(artifacts / "ensemble"),
            _folder(artifacts.parent / "metrics"),
        )
        challenger._check_one_run()
        return challenger

    def _check_one_run(self) -> None:
        if not self.histories_dir.is_dir():
            raise UsageError(
                f"{self.histories_dir} is missing: the gate measures on the histories that the "
                "bundle was made with; run dvc repro, or dvc pull"
            )
        made_with = self.bundle.contract["inputs_sha256"]
        seen = {"histories": sha256_of_folder(self.histories_dir, "*")}
        if self.student_dir is not None:
            seen["student"] = sha256_of_folder(self.student_dir, "*")
        if self.metrics_dir is not None and (self.metrics_dir / "evaluation.json").is_file():
            seen["evaluation"] = sha256_of(self.metrics_dir / "evaluation.json")
        for name, digest in seen.items():
            if digest != made_with.get(name):
                raise UsageError(
                    f"{self.bundle.folder} was made with other {name} than lie in {self.project}: "
                    f"sha256 {made_with.get(name)}, there {digest}; run dvc repro"
                )

    def histories(self) -> Histories:
        """The histories that the bundle was made with."""
        return read_histories(self.histories_dir)


def _folder(path: Path) -> Path | None:
    return path if path.is_dir() else None


def histories_to_record(
    recommender: Recommender, histories: Histories, count: int, seed: int
) -> list[list[str]]:
    """Inputs of `count` test targets, or of as many as there are, in external ids, oldest first.

    One of each user comes before a second of any.
    """
    ids = ["", "", *recommender.items.ids]  # PAD and UNK stand in no history
    targets = sample_targets(histories.targets["test"], count, seed)
    inputs = zip(targets.row.tolist(), targets.input_stop.tolist(), strict=True)
    return [[ids[item] for item in histories.history(row, 0, stop)] for row, stop in inputs]
