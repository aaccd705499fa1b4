"""Section `evaluate`."""

from __future__ import annotations

from slmrec.params.section import Count, Seed, Share, TopSection


class EvaluateParams(TopSection):
    KEY = "evaluate"

    seed: Seed
    negatives: Count
    bootstrap: Count
    recent_days: Count
    short_history: Count
    tail_share: Share
