"""A small point is measured as the large ones are, in a process of its own."""

from __future__ import annotations

from benchmarks.neighbour_scaling import measure_apart, simulate_titles


def test_a_small_point_has_edges_time_and_memory() -> None:
    row = measure_apart(5_000)
    assert row["items"] == 50
    for source in ("graph", "titles"):
        assert row[source]["edges"] > 0
        assert row[source]["processor_seconds"] > 0
    assert row["peak_mib"] >= row["peak_mib_graph"] > 0


def test_titles_share_some_words_and_not_all() -> None:
    titles = simulate_titles(200)["title"].to_list()
    words = [word for title in titles for word in title.split()]
    assert 8 < len(set(words)) < len(words)
