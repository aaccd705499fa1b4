"""Checking a bundle where it is served: everything that it says of itself, computed again."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from slmrec.core.errors import BundleError
from slmrec.runtime.bundle import GOLDEN, MODEL, read_bundle
from slmrec.runtime.further_checks import check_further_graphs
from slmrec.runtime.recommender import Device, Recommender
from slmrec.runtime.replay import ReplayResult, replay_golden_cases
from slmrec.runtime.session import graph_errors, run_graph


def verify(bundle_dir: Path | str, device: Device, threads: int | None) -> ReplayResult:
    """Check a bundle: manifest, contract, items, graphs; replay its golden cases on `device`.

    Raises BundleError for what does not hold, UnavailableError when `device` cannot run, and
    UsageError for an argument of a wrong type.
    """
    bundle = read_bundle(bundle_dir)
    recommender = Recommender(bundle, device, threads)
    tolerance = recommender.contract["tolerance"][recommender.contract["precision"]]
    # The graph itself: what the recommender does to its inputs is no part of a bundle.
    run = partial(run_graph, recommender.session)
    try:
        result = replay_golden_cases(bundle.files[GOLDEN], run, tolerance, recommender.largest_k)
    except graph_errors() as error:
        message = " ".join(str(error).split())[:300]
        raise BundleError(f"{MODEL} does not run on the golden cases: {message}") from error
    check_further_graphs(bundle, recommender.items, device, threads)
    return result
