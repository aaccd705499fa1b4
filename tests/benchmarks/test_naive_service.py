"""The naive handler answers what the service does, so that the two can be compared."""

from __future__ import annotations

from pathlib import Path

from fastapi.routing import APIRoute

from benchmarks.naive_service import make_app
from examples.service.model import Asked, answer_all, open_model
from tests.support.bundles import make_bundle


def test_it_answers_as_the_service_does(tmp_path: Path) -> None:
    bundle = make_bundle(tmp_path / "bundle")
    (endpoint,) = (
        route.endpoint
        for route in make_app(bundle).routes
        if isinstance(route, APIRoute) and route.path == "/recommend"
    )
    asked = Asked(history=["i5", "i9"], k=3)
    assert endpoint(asked) == answer_all(open_model(bundle, 1)(), [asked])[0]
