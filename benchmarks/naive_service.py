"""The handler that one writes first: one call of the graph a request, in FastAPI's threads.

Run as: python -m benchmarks.naive_service BUNDLE PORT
It takes and gives what examples/service does, which benchmarks/service_load.py compares it with.
"""

from __future__ import annotations

import sys
from pathlib import Path

import uvicorn
from fastapi import FastAPI

from examples.service.model import Answer, Asked, answer_all, open_model


def make_app(bundle: Path) -> FastAPI:
    """The application."""
    app, in_use = FastAPI(), open_model(bundle, threads=1)

    @app.post("/recommend")
    def recommend(asked: Asked) -> Answer:
        return answer_all(in_use(), [asked])[0]

    @app.get("/health/ready")
    async def ready() -> dict[str, str]:
        return {"status": "ready"}

    return app


if __name__ == "__main__":
    uvicorn.run(make_app(Path(sys.argv[1])), port=int(sys.argv[2]), access_log=False)
