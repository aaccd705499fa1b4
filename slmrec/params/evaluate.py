"""Section `evaluate`."""

from __future__ import annotations

from slmrec.params.section import Count, Section, Seed, Share


class EvaluateParams(Section):
    seed: Seed
    negatives: Count
    bootstrap: Count
    recent_days: Count
    short_history: Count
    tail_share: Share
