"""What of a pretrained decoder learns: all of it, or low-rank updates (LoRA, arXiv 2106.09685)."""

from __future__ import annotations

from typing import Any

from slmrec.models.factory import SequenceModel
from slmrec.models.llama import LlamaRecommender
from slmrec.params.decoder import FullTuning, LoraTuning


def prepare_layers(model: LlamaRecommender, tuning: FullTuning | LoraTuning) -> None:
    """Make the decoder's layers learn as `tuning` says.

    With LoRA the layers' own weights are frozen and each target gains an update of rank r, which
    starts at zero. The maps, the last norm and the item embedding learn either way.
    """
    if isinstance(tuning, LoraTuning):
        from peft import LoraConfig, inject_adapter_in_model

        adapter = LoraConfig(
            r=tuning.rank,
            lora_alpha=tuning.alpha,
            lora_dropout=tuning.dropout,
            target_modules=list(tuning.targets),
        )
        inject_adapter_in_model(adapter, model.layers)


def merge_layers(model: SequenceModel) -> None:
    """Add low-rank updates to their weights: a plain model is left, equal up to rounding."""
    from peft.tuners.lora import LoraLayer

    lora_names = [
        name for name, module in model.layers.named_modules() if isinstance(module, LoraLayer)
    ]
    for name in lora_names:
        parent, _, attribute = name.rpartition(".")
        lora: Any = model.layers.get_submodule(name)
        lora.merge()
        setattr(model.layers.get_submodule(parent), attribute, lora.get_base_layer())
    model.layers.requires_grad_(True)
