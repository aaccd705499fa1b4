"""Section `gate`: what a new version has to show before it takes the champion's place."""

from __future__ import annotations

from pydantic import Field

from slmrec.params.section import Count, Section, Seed, Share, TopSection


class SliceMargins(Section):
    """How far NDCG@10 of a slice may fall, as a share of the champion's."""

    short_history: Share
    tail_items: Share
    new_items: Share


class CoverageBand(Section):
    """Share of the candidates that stand in a top ten of the newest window."""

    lowest: Share  # whatever the champion has: below it all users get the same few items
    least_of_champion: Share  # a share of the champion's
    most_of_champion: float = Field(ge=1)  # a multiple of it


class GateParams(TopSection):
    KEY = "gate"

    seed: Seed  # of the bootstrap and of the recorded histories
    bootstrap: Count  # draws over users
    # The lower 95% bound of challenger - champion may lie this share of the champion's value below
    # zero: two trainings of the same model differ by chance.
    margin: Share
    # NDCG@10 by which a baseline must be exceeded, at the lower 95% bound of the difference; a
    # negative one is how far below it that may lie, for logs that counting all but explains.
    min_lead: float = Field(ge=-1)
    slices: SliceMargins
    min_slice_users: Count  # slices of fewer users are shown, not judged: a few decide their mean
    coverage: CoverageBand
    max_metric_difference: float = Field(gt=0)  # of the graph, here, from what was recorded
    max_latency_ratio: float = Field(ge=1)  # of the champion's time, side by side
    latency_rounds: Count  # of each batch, of which the fastest counts
    recorded_histories: Count  # replayed in a fresh process before the version can be read
    keep_versions: int = Field(ge=2)  # newest ones; the champion and the one before it in any case
