"""Curves of a training run as dvclive lays them out, for `dvc plots` and for people."""

from __future__ import annotations

from pathlib import Path

from slmrec.files import write_json
from slmrec.training import Curve


def write_curve(curve: Curve, folder: Path) -> None:
    """Write curve.json, and curves/ with one table a figure, one row an epoch, into an existing folder.

    The whole curve is written when a run has ended, from its own record, and without times: the files are the same bytes however
    often the run was interrupted, as outputs of a stage must be.
    """
    from dvclive import Live  # takes 3 s to import: only a training that has ended pays for it

    write_json(folder / "curve.json", curve)
    with Live(dir=str(folder / "curves"), dvcyaml=None, save_dvc_exp=False, report=None, monitor_system=False) as live:
        for record in curve:
            live.step = int(record["epoch"])
            for name, figure in record.items():
                if name != "epoch":
                    live.log_metric(name, figure)
            live.make_summary()
