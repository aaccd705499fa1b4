"""What is searched and how: space.yaml, or a file like it, as typed sections."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from slmrec.params.section import Count, Section, Seed, Share, read_yaml, validate_section

SPACE = Path(__file__).with_name("space.yaml")
SECTIONS = {  # of params.yaml, which the settings of a part belong to
    "item_vectors": "embed_items",
    "teacher": "train_teacher",
    "student": "distill_student",
    "without_distillation": "distill_student",
    "neighbours": "neighbours",
}


class Range(Section):
    """Numbers between two bounds, drawn evenly, or evenly in their logarithm."""

    kind: Literal["uniform", "log"]
    low: float
    high: float

    @model_validator(mode="after")
    def _low_is_lower(self) -> Range:
        if self.low > self.high:
            raise ValueError(f"low is {self.low}, above high, which is {self.high}")
        if self.kind == "log" and self.low <= 0:
            raise ValueError(f"low is {self.low}; a log range starts above 0")
        return self


class Choice(Section):
    """One of some values."""

    kind: Literal["choice"]
    values: list[int | float | str] = Field(min_length=1)


class Condition(Section):
    """What another setting has to be."""

    setting: str
    is_: list[Any] = Field(alias="is", min_length=1)


class PartSpace(Section):
    """One part of the search."""

    share: float = Field(gt=0, le=1)  # of the time that this and the later parts have
    settings: dict[str, Annotated[Range | Choice, Field(discriminator="kind")]]
    only_where: dict[str, Condition]  # settings that params.yaml does not always have


class Pruning(Section):
    """When a trial is stopped early."""

    after_trials: Count  # that ended, before any is compared
    after_epochs: Share  # of its epochs, which every trial gets


class Shorter(Section):
    """Trials of fewer epochs, where time is short."""

    fewest_trials: Count  # for which a part should have time
    epochs: list[Share] = Field(min_length=1)  # of the epochs, where it has not


class PartSpaces(Section):
    """The parts, in the order in which they are searched."""

    item_vectors: PartSpace
    teacher: PartSpace
    student: PartSpace
    without_distillation: PartSpace
    neighbours: PartSpace

    @model_validator(mode="after")
    def _settings_are_of_their_part(self) -> PartSpaces:
        for part, section in SECTIONS.items():
            for name in self.of(part).settings:
                if not name.startswith(f"{section}."):
                    raise ValueError(f"{part} trains with {section}, so it has no use for {name}")
        if self.without_distillation.settings:
            raise ValueError("without_distillation has the student's settings and none of its own")
        return self

    def of(self, part: str) -> PartSpace:
        """The space of a part by its name."""
        space: PartSpace = getattr(self, part)
        return space


class Space(Section):
    """The whole file."""

    seed: Seed  # of the sampler
    first_random: Count  # trials of a part that are drawn before the sampler learns from them
    pruning: Pruning
    shorter: Shorter
    parts: PartSpaces


def read_space(path: Path) -> Space:
    """Read a file of this form. Raises UsageError naming the key, what was seen and expected."""
    return validate_section(Space, read_yaml(path), path, key=None)
