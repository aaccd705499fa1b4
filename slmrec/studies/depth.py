"""How deep the teacher has to be: every layer read out, retrained at several depths, and what each layer does.

`make depth-study`, or: python -m slmrec.studies.depth HISTORIES ITEM_VECTORS TEACHER REPORT. Works
on the project's own data and teacher; settings in studies.yaml. Writes depth.json and depth.svg
into REPORT. Validation targets only: depth is a choice.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch

from slmrec.core.checkpoint import Checkpoint
from slmrec.core.errors import DataError
from slmrec.core.files import write_json
from slmrec.core.fingerprint import key_of
from slmrec.core.stage import run_stage
from slmrec.dataset.batches import sampled_windows
from slmrec.dataset.histories import Histories, read_histories
from slmrec.models.factory import cut_decoder, decoder_parameters
from slmrec.models.llama import LlamaRecommender
from slmrec.models.serialization import embedding_model, load_model
from slmrec.params.compute import ComputeParams
from slmrec.params.decoder import DecoderParams
from slmrec.params.train_teacher import FirstLayers, TrainTeacherParams
from slmrec.pretrained.backbone import open_backbone
from slmrec.ranking.validation import SampledNdcg
from slmrec.stages.train_teacher import train_teacher
from slmrec.studies.environment import PACKAGES, machine
from slmrec.studies.layer_analysis import (
    changes,
    replaceability,
    similarities,
    states_between_layers,
)
from slmrec.studies.params import DepthStudyParams
from slmrec.studies.plots import lines_panel, matrix_panel, write_picture
from slmrec.studies.result_cache import ResultCache
from slmrec.training.device import start_torch

Found = dict[str, Any]


@dataclass(frozen=True)
class Subject:
    """What is studied: the trained teacher, and how it was trained."""

    histories: Histories
    item_vectors: Path
    teacher: LlamaRecommender
    p: TrainTeacherParams
    device: torch.device
    key: str

    def validation(self) -> SampledNdcg:
        """The teacher's own validation sample."""
        return SampledNdcg(
            self.histories,
            self.teacher.item_embedding,
            self.p.training.validation_targets,
            self.p.seed,
        )


def read_out(subject: Subject) -> list[float]:
    """Validation NDCG@10 when the teacher's last norm and map read the state after each layer, without retraining."""
    validation, teacher = subject.validation(), subject.teacher
    depths = range(1, len(teacher.layers) + 1)
    return [
        validation(
            cut_decoder(teacher, teacher.item_embedding, range(1, depth + 1), 0.0, 0.0).eval()
        )
        for depth in depths
    ]


def with_depth(p: TrainTeacherParams, depth: int) -> TrainTeacherParams:
    """The teacher's settings with the first `depth` layers instead of its own."""
    if isinstance(p.backbone, DecoderParams):
        backbone: Any = p.backbone.model_copy(update={"layers": depth})
    else:
        backbone = p.backbone.model_copy(update={"cut": FirstLayers(rule="first", layers=depth)})
    return p.model_copy(update={"backbone": backbone})


def retrained(subject: Subject, depth: int) -> Found:
    """A teacher of the given depth, trained as the real one: validation NDCG@10, parameters, seconds (of this process, if resumed)."""
    p = with_depth(subject.p, depth)
    backbone = None if isinstance(p.backbone, DecoderParams) else open_backbone(p.backbone)
    item_embedding = load_model(embedding_model(subject.item_vectors)).item_embedding
    checkpoint = Checkpoint.of("depth-study", f"{depth}-{subject.key}")
    started = time.monotonic()
    model, _, curve = train_teacher(
        subject.histories, item_embedding, p, backbone, subject.device, checkpoint
    )
    best = max(record["valid_ndcg@10"] for record in curve)
    return {
        "depth": depth,
        "valid_ndcg@10": best,
        "parameters": decoder_parameters(model),
        "seconds": time.monotonic() - started,
    }


def layer_findings(subject: Subject, p: DepthStudyParams) -> Found:
    """What the trained teacher's layers do to the states of sampled histories."""
    items = sampled_windows(subject.histories, p.windows, p.seed)
    states = states_between_layers(subject.teacher, items)
    depth = len(subject.teacher.layers)
    spans = {str(span): replaceability(states, span, p.ridge) for span in p.spans if span <= depth}
    return {
        "positions": states.shape[1],
        "change": changes(states),
        "cka": similarities(states),
        "explained_by_one_map": spans,
    }


def chosen_depth(found: list[Found], near: float) -> int:
    """The least depth whose quality is at least `near` of the best one's."""
    best = max(each["valid_ndcg@10"] for each in found)
    return min(each["depth"] for each in found if each["valid_ndcg@10"] >= near * best)


def study(subject: Subject, p: DepthStudyParams, kept: ResultCache) -> Found:
    """All findings; each is kept as soon as it is made."""
    full = len(subject.teacher.layers)
    depths = sorted({depth for depth in p.depths if depth < full} | {full})
    found = {
        "sasrec_valid_ndcg@10": kept.get_or_compute(
            "sasrec", lambda: subject.validation()(load_model(subject.item_vectors / "sasrec"))
        ),
        "read_out": kept.get_or_compute("read-out", lambda: read_out(subject)),
        "layers": kept.get_or_compute("layers", lambda: layer_findings(subject, p)),
        "retrained": [
            kept.get_or_compute(f"depth-{depth}", partial(retrained, subject, depth))
            for depth in depths
        ],
    }
    return found | {"chosen_depth": chosen_depth(found["retrained"], p.near), "near": p.near}


def picture(found: Found, path: Path) -> None:
    """Four panels: quality by depth, seconds by depth, what layers do, how alike they are."""
    sasrec = {"SASRec": found["sasrec_valid_ndcg@10"]}
    quality = {
        "retrained": [(each["depth"], each["valid_ndcg@10"]) for each in found["retrained"]],
        "full depth, read out after each layer": list(enumerate(found["read_out"], start=1)),
    }
    seconds = {"training": [(each["depth"], each["seconds"]) for each in found["retrained"]]}
    layers = found["layers"]
    does = {"change by one layer (1 - cosine)": list(enumerate(layers["change"], start=1))}
    does |= {
        f"explained by one map over {span}": list(enumerate(each, start=1))
        for span, each in layers["explained_by_one_map"].items()
    }
    panels = [
        lines_panel(
            f"Validation NDCG@10; chosen depth {found['chosen_depth']}", "layers", quality, sasrec
        ),
        lines_panel("Seconds of training", "layers", seconds, {}),
        lines_panel("What each layer does", "layer", does, {}),
        matrix_panel("Likeness of states between layers (CKA)", layers["cka"]),
    ]
    write_picture(path, panels)


def main(histories: Path, item_vectors: Path, teacher: Path, *, report: Path) -> None:
    """Study the teacher in `teacher`; write depth.json and depth.svg into `report`."""
    compute = ComputeParams.read()
    device = start_torch(compute)
    trained = TrainTeacherParams.read()
    p = DepthStudyParams.read()
    model = load_model(teacher)
    if not isinstance(model, LlamaRecommender):
        raise DataError(f"{teacher} holds no decoder; run dvc repro train_teacher")
    key = key_of([histories, item_vectors, teacher], trained, p)
    found = study(
        Subject(read_histories(histories), item_vectors, model, trained, device, key),
        p,
        ResultCache("depth", key),
    )
    report.mkdir(parents=True, exist_ok=True)
    settings = {
        "compute": compute.model_dump(),
        "train_teacher": trained.model_dump(),
        "depth_study": p.model_dump(),
    }
    write_json(
        report / "depth.json",
        found | {"settings": settings, "made_with": machine(compute.threads, *PACKAGES)},
    )
    picture(found, report / "depth.svg")
    print(
        f"depth study: {found['chosen_depth']} layers reach {p.near:.0%} of the best depth's NDCG@10; see {report / 'depth.svg'}"
    )


if __name__ == "__main__":
    run_stage(main)
