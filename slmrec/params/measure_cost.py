"""Section `measure_cost`."""

from __future__ import annotations

from slmrec.params.section import Count, Seed, TopSection


class MeasureCostParams(TopSection):
    KEY = "measure_cost"

    seed: Seed
    repeats: Count
    steps: Count
    batch: Count
    users: Count
