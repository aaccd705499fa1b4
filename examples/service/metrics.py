"""What Prometheus is told: answers by status, their seconds, batches, and the version in use."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5)
REQUESTS = (1, 2, 4, 8, 16, 32, 64)


class Metrics:
    """Of one service; a registry of its own, so that a process may hold several."""

    def __init__(self) -> None:
        own = self.registry = CollectorRegistry()
        self.answers = Counter(
            "slmrec_answers", "Answers, by path and status", ["path", "status"], registry=own
        )
        self.seconds = Histogram(
            "slmrec_seconds", "From request to answer", ["path"], buckets=SECONDS, registry=own
        )
        self.batch = Histogram("slmrec_batch", "Requests of a call", buckets=REQUESTS, registry=own)
        self.waiting = Gauge("slmrec_waiting", "Requests that no call took yet", registry=own)
        self.unknown = Counter("slmrec_unknown_ids", "Ids the bundle does not know", registry=own)
        self.version = Gauge("slmrec_version", "1 for that in use", ["version"], registry=own)

    def use(self, version: str) -> None:
        """Note the version in use."""
        self.version.clear()
        self.version.labels(version).set(1)
