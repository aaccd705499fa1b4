"""Recommend from a vector database: Qdrant in this process and in memory, nothing to install.

Run as: python -m examples.vector_search BUNDLE --history 50,181 [-k 10] [--title-words Star]
A server is `QdrantClient(url=...)` in place of `QdrantClient(":memory:")`; the rest stays.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from qdrant_client import QdrantClient

from examples.vector_search.collection import fill, search
from slmrec.runtime import SlmrecError, UserTower


def main() -> None:
    """Print a user's next items, best first."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("bundle", type=Path)
    parser.add_argument("--history", required=True, help="item ids, oldest first, commas between")
    parser.add_argument("-k", type=int, default=10)
    parser.add_argument("--title-words", help="only titles with one of these words")
    p = parser.parse_args()
    try:
        tower = UserTower.load(p.bundle, device="cpu", threads=1)
    except SlmrecError as error:
        sys.exit(f"{parser.prog}: {error}")
    client = QdrantClient(":memory:")
    fill(client, tower)
    points = search(client, tower, p.history.split(","), p.k, p.title_words)
    for rank, point in enumerate(points, start=1):
        item = point.payload or {}
        print(f"{rank:>3}  {point.score:9.4f}  {item['item']}  {item['title'] or ''}".rstrip())


if __name__ == "__main__":
    main()
