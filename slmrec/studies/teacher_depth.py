"""The measurements of the depth study: quality at each depth, and what each layer does."""

from __future__ import annotations

import time
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch

from slmrec.core.checkpoint import Checkpoint
from slmrec.dataset.batches import sampled_windows
from slmrec.dataset.histories import Histories
from slmrec.models.factory import cut_decoder, decoder_parameters
from slmrec.models.llama import LlamaRecommender
from slmrec.models.serialization import embedding_model, load_model
from slmrec.params.decoder import DecoderParams
from slmrec.params.train_teacher import FirstLayers, TrainTeacherParams
from slmrec.pretrained.backbone import open_backbone
from slmrec.ranking.validation import SampledNdcg
from slmrec.stages.train_teacher import train_teacher
from slmrec.studies.layer_analysis import (
    cka_matrix,
    layer_changes,
    replaceability,
    states_between_layers,
)
from slmrec.studies.params import DepthStudyParams
from slmrec.studies.result_cache import ResultCache


@dataclass(frozen=True)
class StudiedTeacher:
    """The trained teacher that is studied, and how it was trained."""

    histories: Histories
    item_vectors_dir: Path
    model: LlamaRecommender
    p: TrainTeacherParams
    device: torch.device
    key: str  # of inputs and settings

    @property
    def depth(self) -> int:
        """How many layers the teacher has."""
        return len(self.model.layers)

    def validation(self) -> SampledNdcg:
        """The teacher's own validation sample."""
        return SampledNdcg(
            self.histories,
            self.model.item_embedding,
            self.p.training.validation_targets,
            self.p.seed,
        )


def study_depth(teacher: StudiedTeacher, p: DepthStudyParams, cache: ResultCache) -> dict[str, Any]:
    """All results of the study; each is stored in `cache` as soon as it is there."""
    sasrec_dir = teacher.item_vectors_dir / "sasrec"
    results = {
        "sasrec_valid_ndcg@10": cache.get_or_compute(
            "sasrec", lambda: teacher.validation()(load_model(sasrec_dir))
        ),
        "read_out": cache.get_or_compute("read-out", lambda: read_out_layers(teacher)),
        "layers": cache.get_or_compute("layers", lambda: analyse_layers(teacher, p)),
        "retrained": _retrain_all(teacher, p, cache),
    }
    return results | {"chosen_depth": choose_depth(results["retrained"], p.near), "near": p.near}


def _retrain_all(
    teacher: StudiedTeacher, p: DepthStudyParams, cache: ResultCache
) -> list[dict[str, Any]]:
    """Teachers of the depths that the settings name, and of the studied one's own."""
    depths = sorted({depth for depth in p.depths if depth < teacher.depth} | {teacher.depth})
    return [
        cache.get_or_compute(f"depth-{depth}", partial(retrain, teacher, depth)) for depth in depths
    ]


def read_out_layers(teacher: StudiedTeacher) -> list[float]:
    """Validation NDCG@10 of the states after each layer, without retraining.

    They are read by the teacher's last norm and output map.
    """
    validation, model = teacher.validation(), teacher.model
    cut_models = (
        cut_decoder(model, model.item_embedding, range(1, depth + 1), 0.0, 0.0)
        for depth in range(1, teacher.depth + 1)
    )
    return [validation(cut_model.eval()) for cut_model in cut_models]


def analyse_layers(teacher: StudiedTeacher, p: DepthStudyParams) -> dict[str, Any]:
    """What the trained teacher's layers do to the states of sampled histories."""
    items = sampled_windows(teacher.histories, p.windows, p.seed)
    states = states_between_layers(teacher.model, items)
    spans = [span for span in p.spans if span <= teacher.depth]
    return {
        "positions": states.shape[1],
        "change": layer_changes(states),
        "cka": cka_matrix(states),
        "explained_by_one_map": {
            str(span): replaceability(states, span, p.ridge) for span in spans
        },
    }


def retrain(teacher: StudiedTeacher, depth: int) -> dict[str, Any]:
    """A teacher of the given depth, trained as the real one: NDCG@10, parameters and seconds.

    Seconds are those of this process, less than the whole where a training was resumed.
    """
    p = with_depth(teacher.p, depth)
    backbone = None if isinstance(p.backbone, DecoderParams) else open_backbone(p.backbone)
    item_embedding = load_model(embedding_model(teacher.item_vectors_dir)).item_embedding
    checkpoint = Checkpoint.of("depth-study", f"{depth}-{teacher.key}")
    started = time.monotonic()
    model, _, curve = train_teacher(
        teacher.histories, item_embedding, p, backbone, teacher.device, checkpoint
    )
    return {
        "depth": depth,
        "valid_ndcg@10": max(epoch["valid_ndcg@10"] for epoch in curve),
        "parameters": decoder_parameters(model),
        "seconds": time.monotonic() - started,
    }


def with_depth(p: TrainTeacherParams, depth: int) -> TrainTeacherParams:
    """The teacher's settings with the first `depth` layers instead of its own."""
    if isinstance(p.backbone, DecoderParams):
        backbone: Any = p.backbone.model_copy(update={"layers": depth})
    else:
        backbone = p.backbone.model_copy(update={"cut": FirstLayers(rule="first", layers=depth)})
    return p.model_copy(update={"backbone": backbone})


def choose_depth(retrained: list[dict[str, Any]], near: float) -> int:
    """The least depth whose quality is at least `near` of the best one's."""
    best = max(result["valid_ndcg@10"] for result in retrained)
    return min(result["depth"] for result in retrained if result["valid_ndcg@10"] >= near * best)
