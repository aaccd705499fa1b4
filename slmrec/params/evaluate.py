"""Section `evaluate`: what the report measures."""

from __future__ import annotations

from slmrec.params.section import Count, Seed, Share, TopSection


class EvaluateParams(TopSection):
    KEY = "evaluate"

    seed: Seed
    negatives: Count  # a user, of the paper's sampled protocol
    bootstrap: Count  # resamples of the users
    blend_targets: Count  # of validation, at most, by which neighbours join the students
    recent_days: Count  # of the recent-popularity baseline
    short_history: Count  # inputs up to this length form the slice short_history
    # The items with the fewest training events, together this share of them, form the slice
    # tail_items.
    tail_share: Share
