"""Section `measure_cost`: how much work is timed."""

from __future__ import annotations

from slmrec.params.section import Count, Seed, TopSection


class MeasureCostParams(TopSection):
    KEY = "measure_cost"

    seed: Seed
    repeats: Count  # after one that warms up
    steps: Count  # training batches a repeat, scaled to the epoch
    batch: Count  # users served at once
    users: Count  # served in a repeat
