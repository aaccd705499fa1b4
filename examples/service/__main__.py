"""Serve a registry's version in use, or one bundle.

Run as: python -m examples.service PATH [--host 127.0.0.1] [--port 8080] [--threads 1]
"""

from __future__ import annotations

import argparse
from pathlib import Path

import uvicorn

from examples.service.app import make_app


def main() -> None:
    """Serve until SIGTERM or Ctrl-C; requests that have begun are answered first."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("path", type=Path, help="a registry (.state/registry), or a bundle")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8080)
    parser.add_argument("--threads", type=int, default=1, help="of one call of onnxruntime")
    p = parser.parse_args()
    app = make_app(p.path, p.threads)
    uvicorn.run(app, host=p.host, port=p.port, access_log=False, timeout_graceful_shutdown=30)


if __name__ == "__main__":
    main()
