"""An untrained teacher: a decoder from scratch, or a pretrained LLM cut to depth."""

from __future__ import annotations

from functools import partial

from slmrec.dataset.batches import sampled_windows
from slmrec.dataset.histories import Histories
from slmrec.models.champion import Begin
from slmrec.models.factory import new_decoder
from slmrec.models.item_embedding import ItemEmbedding
from slmrec.models.llama import LlamaRecommender
from slmrec.models.lora import prepare_layers
from slmrec.params.decoder import DecoderParams
from slmrec.params.train_teacher import TrainTeacherParams
from slmrec.pretrained.backbone import Backbone
from slmrec.pretrained.from_backbone import DecoderSettings, pretrained_decoder


def new_teacher(
    histories: Histories,
    item_embedding: ItemEmbedding,
    p: TrainTeacherParams,
    backbone: Backbone | None,
    begin: Begin | None = None,
) -> tuple[LlamaRecommender, list[int] | None]:
    """An untrained teacher over `item_embedding`, and which layers it has, counted from 1.

    `backbone` is the pretrained model that `p.backbone` names, None for a teacher from scratch.
    `begin` is called with it, before low-rank updates stand beside its weights; where that gives it
    another teacher's weights, the layers are that one's, None.
    """
    max_length = histories.protocol.max_length
    if isinstance(p.backbone, DecoderParams):
        teacher = new_decoder(item_embedding, p.backbone, p.dropout, p.layer_drop, max_length)
        went_on = begin is not None and begin(teacher)
        return teacher, None if went_on else list(range(1, p.backbone.layers + 1))
    assert backbone is not None
    settings = DecoderSettings(item_embedding, p.dropout, p.layer_drop, max_length)
    sample = partial(sampled_windows, histories, seed=p.seed)
    teacher, layers = pretrained_decoder(backbone, p.backbone, settings, sample)
    went_on = begin is not None and begin(teacher)
    prepare_layers(teacher, p.backbone.tuning)
    return teacher, None if went_on else layers
