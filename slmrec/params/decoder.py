"""A model's shape and which of its weights learn: shared by SASRec, teacher and student."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from slmrec.params.section import Count, DropRate, Section


class DecoderParams(Section):
    kind: Literal["config"]  # from scratch
    layers: Count
    width: Count
    heads: Count
    key_value_heads: Count  # fewer than heads: grouped queries share keys and values
    feed_forward: Count

    @model_validator(mode="after")
    def _heads_divide_width(self) -> DecoderParams:
        if self.width % (2 * self.heads):
            raise ValueError(
                f"width {self.width} does not split into {self.heads} heads of even size"
            )
        if self.heads % self.key_value_heads:
            raise ValueError(
                f"{self.heads} heads do not share {self.key_value_heads} key-value heads evenly"
            )
        return self


class LowPassParams(Section):
    share: float = Field(gt=0, lt=1)  # of the filter in what a layer adds; attention has the rest
    span: int = Field(ge=2)  # newest states whose mean it is


class SasrecParams(Section):
    kind: Literal["sasrec"]  # from scratch; as wide as an item's vector
    layers: Count
    heads: Count
    feed_forward: Count
    low_pass: LowPassParams | None  # a filter beside attention


Projection = Literal[
    "q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"
]  # the linear maps of a LLaMA layer, by the names that transformers gives them


class FullTuning(Section):
    kind: Literal["full"]


class LoraTuning(Section):
    kind: Literal["lora"]
    rank: Count
    alpha: float = Field(gt=0)  # the update is scaled by alpha / rank
    dropout: DropRate
    targets: list[Projection] = Field(min_length=1)


Tuning = Annotated[FullTuning | LoraTuning, Field(discriminator="kind")]
ItemVectors = Literal["trained", "frozen"]  # frozen: as the stage before left them
# new: drawn anew, since layers of another kind learn little from vectors that were made for others.
StudentItemVectors = Literal["trained", "frozen", "new"]
