"""Section `measure_cost`."""

from __future__ import annotations

from slmrec.params.section import Count, Section, Seed


class MeasureCostParams(Section):
    seed: Seed
    repeats: Count
    steps: Count
    batch: Count
    users: Count
